package duckstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/duckdb/duckdb-go/v2"

	"clientele"
)

// pages is how an export is cut. The driver holds a whole result before it gives the first row,
// so an export reads page by page, in one transaction that sees one state. Pages are ranges of the
// table's key: a key says where to go on after an interruption, which a row's place in the file
// would not, as rows move.
type pages struct {
	rows  int64 // of a page
	block int64 // rows of which the pages' bounds are found at once
}

var defaultPages = pages{rows: 20_000, block: 2_000_000}

// Export reads the rows of a selection as of one commit: head once, then page for each page, in
// the order of the table's key. Rows may be kept. An error of theirs ends the reading and is
// returned as it is. While it runs, the file's log cannot be brought into the file.
func (s *Store) Export(ctx context.Context, sel clientele.Selection, head func(clientele.ExportHead) error, page func(clientele.ExportPage) error) error {
	if err := sel.Check(); err != nil {
		return err
	}
	select {
	case s.exits <- struct{}{}:
		defer func() { <-s.exits }()
	case <-ctx.Done():
		return clientele.Errorf(clientele.Unavailable, "export: %w", ctx.Err())
	}
	var theirs error // of head and page
	err := s.reading(ctx, func(conn *sql.Conn) error {
		if _, err := conn.ExecContext(ctx, "begin transaction read only"); err != nil {
			return err
		}
		err := s.export(ctx, conn, sel, func(h clientele.ExportHead) error { theirs = head(h); return theirs },
			func(p clientele.ExportPage) error { theirs = page(p); return theirs })
		_, end := conn.ExecContext(context.WithoutCancel(ctx), "rollback")
		return errors.Join(err, end)
	})
	if theirs != nil {
		return theirs
	}
	return exportError(ctx, err)
}

func exportError(ctx context.Context, err error) error {
	var known *clientele.Error
	var d *duckdb.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	case ctx.Err() != nil:
		return clientele.Errorf(clientele.Unavailable, "export: %w", ctx.Err())
	case errors.As(err, &d) && d.Type == duckdb.ErrorTypeOutOfMemory:
		return clientele.Errorf(clientele.TooLarge, "export: the column store needs more memory or room for temporary files than it may use").
			WithHint("raise columns.memory, or export a range with since and until")
	}
	return clientele.Errorf(clientele.Internal, "export: %s", unquote(err.Error()))
}

// selection is a Selection as SQL.
type selection struct {
	conn    *sql.Conn
	cut     pages
	from    string   // the view's, with base rows as b
	plan    string   // no more than where needs
	where   []string // of base rows
	keys    []string // exprs of the key, never null
	kinds   []clientele.ColumnType
	leading string // format of the first key column "op" a number, where ranges of it are found quickly, or ""
	columns []viewColumn
}

func (s *Store) export(ctx context.Context, conn *sql.Conn, sel clientele.Selection, head func(clientele.ExportHead) error, page func(clientele.ExportPage) error) error {
	var h clientele.ExportHead
	var err error
	if h.Commit, h.Position, err = position(ctx, conn); err != nil {
		return err
	}
	promoted, err := loadPromoted(ctx, conn)
	if err != nil {
		return err
	}
	t := sel.Of()
	x := newSelection(conn, t, sel)
	x.cut = s.pages
	all := viewColumns(t, promoted[t.Name], s.o.BaseCurrency)
	if _, ok := sel.Audience(); ok {
		all = append(slices.DeleteFunc(all, func(c viewColumn) bool { return c.name == clientele.EnteredColumn }), viewColumn{clientele.EnteredColumn, "a.entered_at", clientele.TypeTime})
	}
	if x.columns, err = chosen(all, sel.Columns); err != nil {
		return err
	}
	for _, c := range x.columns {
		h.Columns = append(h.Columns, clientele.ExportColumn{Name: c.name, Type: c.typ})
	}
	after, err := x.key(sel.After)
	if err != nil {
		return err
	}
	cond, args := x.above(after)
	if err := conn.QueryRowContext(ctx, "select count(*) "+x.plan+x.filter(cond), args...).Scan(&h.Rows); err != nil {
		return err
	}
	if err := head(h); err != nil || h.Rows == 0 {
		return err
	}
	blocks, err := x.blocks(ctx, after)
	if err != nil {
		return err
	}
	for _, b := range blocks {
		bounds, err := x.bounds(ctx, b, after)
		if err != nil {
			return err
		}
		for _, upTo := range bounds {
			p, err := x.page(ctx, after, upTo)
			if err != nil {
				return err
			}
			if len(p.Rows) > 0 {
				if err := page(p); err != nil {
					return err
				}
			}
			after = upTo
		}
	}
	return nil
}

// exportKey is the order of a table's rows. Events go by when they were received, which is nearly
// the order in which they lie in the file: a range of it is found without reading the others.
func exportKey(t *clientele.Table) (key []string, leading string) {
	switch t.Name {
	case "events":
		return []string{"received_at", "source", "event_id"}, "received_at"
	case "profiles":
		return t.Key, "profile_id"
	}
	return t.Key, ""
}

func newSelection(conn *sql.Conn, t *clientele.Table, sel clientele.Selection) *selection {
	x := &selection{conn: conn, from: viewFrom(t), plan: "from base." + quote(t.Name) + " b"}
	key, leading := exportKey(t)
	for _, k := range key {
		c := t.Columns[t.Column(k)]
		x.keys, x.kinds = append(x.keys, keyExpr(c)), append(x.kinds, c.Type)
	}
	// A literal, not an argument: the engine then leaves out what lies elsewhere in the file.
	switch {
	case leading == "":
	case x.kinds[0] == clientele.TypeTime:
		x.leading = "b." + quote(leading) + " %s make_timestamptz(%d)"
	default:
		x.leading = "b." + quote(leading) + " %s %d"
	}
	if sel.Source != "" {
		x.where = append(x.where, "b.source = "+literal(sel.Source))
	}
	changed := fmt.Sprintf("b.%s > %d", changedColumn, sel.Behind)
	time := "b." + quote(t.TimeColumn())
	if name, ok := sel.Audience(); ok {
		members := fmt.Sprintf("\njoin (select profile_id, max(entered_at) as entered_at, max(%[1]s) as %[1]s from base.audience_members where audience = %[2]s and exited_at is null group by profile_id) a "+
			"on a.profile_id = b.profile_id", changedColumn, literal(name))
		x.from, x.plan, time = x.from+members, x.plan+members, "a.entered_at"
		changed = fmt.Sprintf("(%s or a.%s > %d)", changed, changedColumn, sel.Behind)
	}
	if name := t.TimeColumn(); sel.Since != 0 || sel.Until != 0 {
		at, col := "make_timestamptz(%d)", time
		if t.Columns[t.Column(name)].Type == clientele.TypeDate {
			at, col = "make_timestamp(%d)", "cast("+col+" as timestamp)"
		}
		if sel.Since != 0 {
			x.where = append(x.where, col+" >= "+fmt.Sprintf(at, sel.Since))
		}
		if sel.Until != 0 {
			x.where = append(x.where, col+" < "+fmt.Sprintf(at, sel.Until))
		}
	}
	if sel.Behind > 0 {
		if t.Person { // a merge changes rows without writing them, until it is folded
			changed = "(" + changed + " or m.anchor_id is not null)"
			x.plan = x.from
		}
		x.where = append(x.where, changed)
	}
	return x
}

// chosen are the named columns, in the order in which they are named; all when none is.
func chosen(all []viewColumn, names []string) ([]viewColumn, error) {
	if len(names) == 0 {
		return all, nil
	}
	var out []viewColumn
	for _, n := range names {
		i := slices.IndexFunc(all, func(c viewColumn) bool { return c.name == n })
		if i < 0 {
			var have []string
			for _, c := range all {
				have = append(have, c.name)
			}
			return nil, clientele.Errorf(clientele.Invalid, "there is no column %q", n).WithHint("there are %s", strings.Join(have, ", "))
		}
		out = append(out, all[i])
	}
	return out, nil
}

// nullKey stands for null in a number of a key: it is below all of them.
const nullKey = int64(math.MinInt64 + 1)

// number is a column as a whole number, in the form that clientele.TableRows gives it.
func number(x string, t clientele.ColumnType) string {
	switch t {
	case clientele.TypeTime:
		return "epoch_us(" + x + ")"
	case clientele.TypeDate:
		return "(" + x + " - date '1970-01-01')"
	case clientele.TypeDecimal:
		return "cast((" + x + ") * 10000 as bigint)"
	}
	return x
}

// keyExpr is a key column without nulls, which no comparison would find again.
func keyExpr(c clientele.Column) string {
	if c.Type == clientele.TypeText {
		return "coalesce(b." + quote(c.Name) + ", '')"
	}
	return fmt.Sprintf("coalesce(%s, %d)", number("b."+quote(c.Name), c.Type), nullKey)
}

func (x *selection) filter(more ...string) string {
	all := slices.DeleteFunc(append(slices.Clone(x.where), more...), func(s string) bool { return s == "" })
	if len(all) == 0 {
		return ""
	}
	return "\nwhere " + strings.Join(all, " and ")
}

// key are the parts of a key in the types of its columns; nil is before all keys.
func (x *selection) key(texts []string) ([]any, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	if len(texts) != len(x.keys) {
		return nil, clientele.Errorf(clientele.Invalid, "the key to go on behind has %d parts, not %d", len(texts), len(x.keys))
	}
	out := make([]any, len(texts))
	for i, s := range texts {
		if out[i] = s; x.kinds[i] != clientele.TypeText {
			n, err := strconv.ParseInt(s, 10, 64)
			if err != nil {
				return nil, clientele.Errorf(clientele.Invalid, "the key to go on behind has a part that is no number")
			}
			out[i] = n
		}
	}
	return out, nil
}

// above is the condition that a row's key is above the key, with its arguments $1, $2, ...
func (x *selection) above(key []any) (string, []any) {
	if key == nil {
		return "", nil
	}
	cond := x.compare(0, ">", false)
	if x.leading != "" && key[0] != nullKey {
		cond += " and " + fmt.Sprintf(x.leading, ">=", key[0])
	}
	return "(" + cond + ")", key
}

// compare is "key op argument" by parts from the i-th on; or equal, too.
func (x *selection) compare(i int, op string, equal bool, offset ...int) string {
	n := i + 1
	if len(offset) > 0 {
		n += offset[0]
	}
	if i == len(x.keys)-1 {
		if equal {
			op += "="
		}
		return fmt.Sprintf("%s %s $%d", x.keys[i], op, n)
	}
	return fmt.Sprintf("(%[1]s %[2]s $%[3]d or (%[1]s = $%[3]d and %[4]s))", x.keys[i], op, n, x.compare(i+1, op, equal, offset...))
}

// between is the condition of the rows above one key, up to and with another; nil is no bound.
func (x *selection) between(after, upTo []any) (string, []any) {
	cond, args := x.above(after)
	if upTo == nil {
		return cond, args
	}
	offset := len(args)
	to := x.compare(0, "<", true, offset)
	if x.leading != "" && after != nil && after[0] != nullKey && upTo[0] != nullKey { // else nulls may be in the range
		to += " and " + fmt.Sprintf(x.leading, "<=", upTo[0])
	}
	if cond != "" {
		to = cond + " and " + to
	}
	return "(" + to + ")", append(slices.Clone(args), upTo...)
}

// block is a range of the leading key, both ends within; all rows when all.
type block struct {
	all      bool
	from, to int64
}

// blocks cut the rows above a key into ranges of bounded size.
func (x *selection) blocks(ctx context.Context, after []any) ([]block, error) {
	if x.leading == "" {
		return []block{{all: true}}, nil
	}
	cond, args := x.above(after)
	var n int64
	var from, to sql.NullInt64
	lead := x.keys[0]
	if err := x.conn.QueryRowContext(ctx, fmt.Sprintf("select count(*), min(%[1]s), max(%[1]s) %[2]s%[3]s", lead, x.plan, x.filter(cond)), args...).Scan(&n, &from, &to); err != nil {
		return nil, err
	}
	if n <= x.cut.block {
		return []block{{all: true}}, nil
	}
	return x.split(ctx, cond, args, from.Int64, to.Int64, n)
}

// split cuts a range in 256 and joins neighbours again that are small together.
func (x *selection) split(ctx context.Context, cond string, args []any, from, to, n int64) ([]block, error) {
	if n <= x.cut.block || from == to {
		return []block{{from: from, to: to}}, nil
	}
	width := (to/256 - from/256) + 1
	q := fmt.Sprintf("select cast((cast(%[1]s as hugeint) - (%[2]d)) // %[3]d as bigint) as bin, count(*) %[4]s%[5]s group by bin order by bin", x.keys[0], from, width, x.plan,
		x.filter(cond, fmt.Sprintf("%s between %d and %d", x.keys[0], from, to)))
	rows, err := x.conn.QueryContext(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	type bin struct{ at, n int64 }
	var bins []bin
	for rows.Next() {
		var b bin
		if err := rows.Scan(&b.at, &b.n); err != nil {
			return nil, err
		}
		bins = append(bins, b)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	var out []block
	open, sum := -1, int64(0) // the block that is being joined: its place in out, its rows
	for _, b := range bins {
		begin := from + b.at*width
		end := min(to, begin+width-1)
		if b.n > x.cut.block {
			finer, err := x.split(ctx, cond, args, begin, end, b.n)
			if err != nil {
				return nil, err
			}
			out, open, sum = append(out, finer...), -1, 0
			continue
		}
		if open < 0 || sum+b.n > x.cut.block {
			out, open, sum = append(out, block{from: begin, to: end}), len(out), 0
		}
		out[open].to, sum = end, sum+b.n
	}
	return out, nil
}

// bounds are the upper ends of a block's pages; the last is its last key.
func (x *selection) bounds(ctx context.Context, b block, after []any) ([][]any, error) {
	cond, args := x.above(after)
	in := ""
	if !b.all {
		in = fmt.Sprintf("%s between %d and %d", x.keys[0], b.from, b.to)
	}
	names := make([]string, len(x.keys))
	list := make([]string, len(x.keys))
	for i, k := range x.keys {
		names[i] = fmt.Sprintf("k%d", i)
		list[i] = k + " as " + names[i]
	}
	by := strings.Join(names, ", ")
	q := fmt.Sprintf("select %[1]s from (select %[1]s, row_number() over (order by %[1]s) as n, count(*) over () as c from (select %[2]s %[3]s%[4]s)) where n %% %[5]d = 0 or n = c order by n",
		by, strings.Join(list, ", "), x.plan, x.filter(cond, in), x.cut.rows)
	rows, err := x.conn.QueryContext(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out [][]any
	for rows.Next() {
		key, targets := make([]any, len(names)), make([]any, len(names))
		for i := range key {
			targets[i] = &key[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		out = append(out, key)
	}
	return out, rows.Err()
}

// page reads the rows above one key, up to and with another.
func (x *selection) page(ctx context.Context, after, upTo []any) (p clientele.ExportPage, err error) {
	var list []string
	for _, c := range x.columns {
		expr := number(c.expr, c.typ)
		if c.typ == clientele.TypeJSON {
			expr = "cast(" + c.expr + " as varchar)"
		}
		list = append(list, expr)
	}
	cond, args := x.between(after, upTo)
	keys := strings.Join(x.keys, ", ")
	q := fmt.Sprintf("select %s, %s %s%s order by %s", strings.Join(list, ", "), keys, x.from, x.filter(cond), keys)
	rows, err := x.conn.QueryContext(ctx, q, args...)
	if err != nil {
		return p, err
	}
	defer rows.Close()
	n, width := len(list), len(list)+len(x.keys)
	row, targets := make([]any, width), make([]any, width)
	for i := range row {
		targets[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return p, err
		}
		p.Rows = append(p.Rows, slices.Clone(row[:n]))
		if p.First == nil {
			p.First = keyTexts(row[n:])
		}
	}
	p.Last = keyTexts(upTo)
	return p, rows.Err()
}

func keyTexts(key []any) []string {
	out := make([]string, len(key))
	for i, k := range key {
		out[i] = fmt.Sprint(k)
	}
	return out
}
