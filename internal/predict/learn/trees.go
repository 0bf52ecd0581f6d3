package learn

import (
	"math"
	"math/bits"
)

// Growth says how trees grow.
type Growth struct {
	Trees   int     // at the most
	Leaves  int     // of a tree
	Rate    float64 // share of each step that is taken
	MinLeaf int     // rows in a leaf
	L2      float64 // added to the curvature of a leaf
	Workers int
	// Checked rows end the growth when they have not got better for Patience trees.
	Checked  *Matrix
	CheckedY []bool
	Patience int
}

// Forest is a sum of trees on the scale of log-odds.
type Forest struct {
	Start float64
	Trees []Tree
}

// Tree is its nodes, the root first.
type Tree []Node

// Node sends a row to the left when its value is below Threshold (or missing, where
// MissingLeft). A leaf has no children (Left 0).
type Node struct {
	Column      int
	Threshold   float64
	MissingLeft bool
	Left, Right int
	Value       float64 // of a leaf: the step; of others: the mean step of the rows below
}

// cell sums what the rows of a bin hold, in whole numbers: sums are exact, so their order does
// not matter and a sibling is a difference without loss.
type cell struct {
	gradient int64
	// curvature in the low 40 bits, the number of rows above: one addition does both.
	curvature uint64
}

const (
	curvatureBits = 40
	curvatureMask = 1<<curvatureBits - 1
	// MaxRows is the number of rows that trees can be grown on.
	MaxRows = 1<<(64-curvatureBits) - 1
)

func (c cell) rows() int { return int(c.curvature >> curvatureBits) }

// histogram is a cell for each bin of each column.
type histogram [][256]cell

// leaf is a part of the rows while a tree grows.
type leaf struct {
	rows  []int32
	hist  histogram
	total cell
	node  int
	split split
}

type split struct {
	gain        float64
	column, bin int // bins up to bin go left
	missingLeft bool
}

// grower keeps what lives through all trees.
type grower struct {
	Growth
	data     *binned
	y        []bool
	margin   []float64
	cells    []cell // each row's own
	rows     []int32
	spare    []int32
	gScale   float64
	hScale   float64
	freeHist []histogram
}

// FitForest grows trees leaf by leaf, the best split of all leaves first (Shi 2007), with Newton
// steps of the log-loss (Friedman 2001; Chen and Guestrin 2016), on histograms.
func FitForest(x *Matrix, y []bool, how Growth) *Forest {
	n := x.Rows()
	rate := min(max(Rate(y), 1e-9), 1-1e-9)
	forest := &Forest{Start: math.Log(rate / (1 - rate))}
	g := &grower{Growth: how, data: bin(x, how.Workers), y: y, margin: make([]float64, n),
		cells: make([]cell, n), rows: make([]int32, n), spare: make([]int32, n)}
	for i := range g.margin {
		g.margin[i] = forest.Start
	}
	var checked []float64
	best, bestAt := math.Inf(1), 0
	if how.Checked != nil {
		checked = make([]float64, how.Checked.Rows())
		for i := range checked {
			checked[i] = forest.Start
		}
	}
	for range how.Trees {
		g.derive()
		tree := g.grow()
		if len(tree) == 1 {
			break
		}
		forest.Trees = append(forest.Trees, tree)
		if checked == nil {
			continue
		}
		tree.addTo(how.Checked, checked, how.Workers)
		loss := 0.0
		for i, z := range checked {
			if how.CheckedY[i] {
				z = -z
			}
			loss += softplus(z)
		}
		if loss < best {
			best, bestAt = loss, len(forest.Trees)
		} else if len(forest.Trees)-bestAt >= how.Patience {
			break
		}
	}
	if checked != nil {
		forest.Trees = forest.Trees[:bestAt]
	}
	return forest
}

// derive sets each row's gradient and curvature, in units that let their sums just fit.
func (g *grower) derive() {
	n := len(g.y)
	probability := g.margin // read only here; the values are used twice, computed once a pass
	sums := make([]float64, pieces(n))
	parallel(len(sums), g.Workers, func(k int) {
		from, to := pieceOf(k, n)
		for i := from; i < to; i++ {
			p := Sigmoid(probability[i])
			sums[k] += p * (1 - p)
		}
	})
	var curvature float64
	for _, s := range sums {
		curvature += s
	}
	// The sum stays below 2^39: roundings of up to half a unit a row (2^24 rows) have room.
	g.hScale = math.Exp2(math.Floor(39 - math.Log2(max(curvature, 1e-9))))
	g.gScale = math.Exp2(float64(60 - bits.Len(uint(n))))
	parallel(len(sums), g.Workers, func(k int) {
		from, to := pieceOf(k, n)
		for i := from; i < to; i++ {
			p := Sigmoid(g.margin[i])
			h := uint64(math.Round(p * (1 - p) * g.hScale))
			if g.y[i] {
				p--
			}
			g.cells[i] = cell{gradient: int64(math.Round(p * g.gScale)), curvature: 1<<curvatureBits | h}
		}
	})
}

func (g *grower) grow() Tree {
	for i := range g.rows {
		g.rows[i] = int32(i)
	}
	tree := Tree{{}}
	root := &leaf{rows: g.rows, hist: g.sum(g.rows)}
	for b := range root.hist[0] {
		root.total.gradient += root.hist[0][b].gradient
		root.total.curvature += root.hist[0][b].curvature
	}
	g.seek(root)
	leaves := []*leaf{root}
	for len(leaves) < g.Leaves {
		at := -1
		for k, l := range leaves {
			if l.split.gain > 0 && (at < 0 || l.split.gain > leaves[at].split.gain) {
				at = k
			}
		}
		if at < 0 {
			break
		}
		parent := leaves[at]
		left, right := g.divide(parent)
		left.node, right.node = len(tree), len(tree)+1
		s := parent.split
		edge := math.MaxFloat64 // all that is there goes left, only what is missing right; no infinity, which JSON has not
		if e := g.data.edges[s.column]; s.bin >= 1 && s.bin <= len(e) {
			edge = e[s.bin-1]
		} else if s.bin == 0 {
			edge = -math.MaxFloat64
		}
		tree[parent.node] = Node{Column: s.column, Threshold: edge, MissingLeft: s.missingLeft, Left: left.node, Right: right.node}
		tree = append(tree, Node{}, Node{})
		leaves[at] = left
		leaves = append(leaves, right)
	}
	for _, l := range leaves {
		step := -g.Rate * g.gradientOf(l.total) / (g.curvatureOf(l.total) + g.L2 + 1e-12)
		tree[l.node].Value = min(max(step, -4), 4) // one step never moves odds by more than e^4
		g.freeHist = append(g.freeHist, l.hist)
	}
	parallel(len(leaves), g.Workers, func(k int) {
		for _, i := range leaves[k].rows {
			g.margin[i] += tree[leaves[k].node].Value
		}
	})
	g.means(tree, leaves)
	return tree
}

// means sets the value of the nodes that are no leaves, for explanations.
func (g *grower) means(tree Tree, leaves []*leaf) {
	rows := make([]float64, len(tree))
	for _, l := range leaves {
		rows[l.node] = float64(len(l.rows))
	}
	for k := len(tree) - 1; k >= 0; k-- { // children lie behind their parents
		if n := &tree[k]; n.Left != 0 {
			rows[k] = rows[n.Left] + rows[n.Right]
			n.Value = (rows[n.Left]*tree[n.Left].Value + rows[n.Right]*tree[n.Right].Value) / rows[k]
		}
	}
}

func (g *grower) gradientOf(c cell) float64 { return float64(c.gradient) / g.gScale }
func (g *grower) curvatureOf(c cell) float64 {
	return float64(c.curvature&curvatureMask) / g.hScale
}

// sum makes the histogram of some rows.
func (g *grower) sum(rows []int32) histogram {
	var hist histogram
	if k := len(g.freeHist) - 1; k >= 0 {
		hist, g.freeHist = g.freeHist[k], g.freeHist[:k]
	} else {
		hist = make(histogram, len(g.data.groups)*groupWidth)
	}
	parallel(len(g.data.groups), g.Workers, func(k int) {
		part := hist[k*groupWidth : (k+1)*groupWidth]
		clear(part)
		group := g.data.groups[k]
		h := (*[groupWidth][256]cell)(part)
		for _, i := range rows {
			b := &group[i]
			c := g.cells[i]
			for j := range groupWidth {
				to := &h[j][b[j]]
				to.gradient += c.gradient
				to.curvature += c.curvature
			}
		}
	})
	return hist
}

// seek finds the leaf's best split.
func (g *grower) seek(l *leaf) {
	if l.total.rows() < 2*g.MinLeaf {
		return
	}
	found := make([]split, g.data.columns)
	parallel(len(g.data.groups), g.Workers, func(k int) {
		for j := k * groupWidth; j < min((k+1)*groupWidth, g.data.columns); j++ {
			found[j] = g.seekColumn(l, j)
		}
	})
	for _, s := range found {
		if s.gain > l.split.gain {
			l.split = s
		}
	}
}

func (g *grower) seekColumn(l *leaf, j int) (best split) {
	hist, bins := &l.hist[j], len(g.data.edges[j])+2
	try := func(left cell, bin int, missingLeft bool) {
		right := cell{l.total.gradient - left.gradient, l.total.curvature - left.curvature}
		if left.rows() < g.MinLeaf || right.rows() < g.MinLeaf {
			return
		}
		if gain := g.worth(left) + g.worth(right) - g.worth(l.total); gain > best.gain+1e-9 {
			best = split{gain: gain, column: j, bin: bin, missingLeft: missingLeft}
		}
	}
	missing := hist[0]
	var left cell
	for b := 1; b < bins-1; b++ {
		left.gradient += hist[b].gradient
		left.curvature += hist[b].curvature
		if hist[b].rows() == 0 {
			continue
		}
		try(left, b, false)
		if missing.rows() > 0 {
			try(cell{left.gradient + missing.gradient, left.curvature + missing.curvature}, b, true)
		}
	}
	if missing.rows() > 0 {
		try(missing, 0, true)
	}
	return best
}

// worth is how much a leaf of these rows lowers the loss, times two.
func (g *grower) worth(c cell) float64 {
	gradient := g.gradientOf(c)
	return gradient * gradient / (g.curvatureOf(c) + g.L2 + 1e-12)
}

// divide splits a leaf's rows, in their order, and sums the smaller part; the greater is the rest.
func (g *grower) divide(parent *leaf) (left, right *leaf) {
	s := parent.split
	group, k := g.data.groups[s.column/groupWidth], s.column%groupWidth
	nLeft, nRight := 0, 0
	for _, i := range parent.rows {
		b := group[i][k]
		if (b == 0 && s.missingLeft) || (b != 0 && int(b) <= s.bin) {
			parent.rows[nLeft] = i
			nLeft++
		} else {
			g.spare[nRight] = i
			nRight++
		}
	}
	copy(parent.rows[nLeft:], g.spare[:nRight])
	left, right = &leaf{rows: parent.rows[:nLeft]}, &leaf{rows: parent.rows[nLeft:]}
	small, great := left, right
	if nRight < nLeft {
		small, great = right, left
	}
	small.hist = g.sum(small.rows)
	for b := range small.hist[0] {
		small.total.gradient += small.hist[0][b].gradient
		small.total.curvature += small.hist[0][b].curvature
	}
	great.hist = parent.hist
	great.total = cell{parent.total.gradient - small.total.gradient, parent.total.curvature - small.total.curvature}
	parallel(len(g.data.groups), g.Workers, func(k int) {
		for j := k * groupWidth; j < (k+1)*groupWidth; j++ {
			a, b := &great.hist[j], &small.hist[j]
			for c := range a {
				a[c].gradient -= b[c].gradient
				a[c].curvature -= b[c].curvature
			}
		}
	})
	g.seek(left)
	g.seek(right)
	return left, right
}

func (n *Node) goesLeft(v float64) bool {
	if math.IsNaN(v) {
		return n.MissingLeft
	}
	return v < n.Threshold
}

func (t Tree) addTo(x *Matrix, margin []float64, workers int) {
	parallel(pieces(len(margin)), workers, func(k int) {
		from, to := pieceOf(k, len(margin))
		for i := from; i < to; i++ {
			n := &t[0]
			for n.Left != 0 {
				if n.goesLeft(x.Columns[n.Column][i]) {
					n = &t[n.Left]
				} else {
					n = &t[n.Right]
				}
			}
			margin[i] += n.Value
		}
	})
}

// Margin is the log-odds of each row.
func (f *Forest) Margin(x *Matrix, workers int) []float64 {
	out := make([]float64, x.Rows())
	for i := range out {
		out[i] = f.Start
	}
	for _, t := range f.Trees {
		t.addTo(x, out, workers)
	}
	return out
}

// contribute adds to out what each column adds to row i's log-odds: along the row's path, each
// split's change of the mean below it belongs to the split's column (Saabas 2014). Exact: base
// and contributions sum to the margin.
func (f *Forest) contribute(x *Matrix, i int, out []float64) (base float64) {
	base = f.Start
	for _, t := range f.Trees {
		base += t[0].Value
		n := &t[0]
		for n.Left != 0 {
			next := &t[n.Right]
			if n.goesLeft(x.Columns[n.Column][i]) {
				next = &t[n.Left]
			}
			out[n.Column] += next.Value - n.Value
			n = next
		}
	}
	return base
}
