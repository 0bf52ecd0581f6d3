package main

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"clientele/internal/linkage"
)

// shown is a value as it goes out: lists of JSON with semicolons.
func shown(s string) string { return strings.ReplaceAll(s, linkage.ValueSeparator, "; ") }

func (m *matching) writeClusters(w io.Writer) error {
	b := bufio.NewWriterSize(w, 1<<20)
	c := csv.NewWriter(b)
	names := m.table.Columns()
	line := append([]string{"cluster_id", "source", "row"}, names...)
	if err := c.Write(line); err != nil {
		return err
	}
	sources := m.table.Sources()
	for i := range m.table.Rows() {
		source, number := m.table.Source(i)
		line = append(line[:0], strconv.Itoa(int(m.res.Clusters[i])+1), sources[source], strconv.Itoa(number))
		for j := range names {
			line = append(line, shown(m.table.Value(i, j)))
		}
		if err := c.Write(line); err != nil {
			return err
		}
	}
	c.Flush()
	return errors.Join(c.Error(), b.Flush())
}

// mostPairs is how many pairs of one cluster are written; a cluster of a hundred has five thousand.
const mostPairs = 200

// writePairs writes, for each cluster of several records, its pairs with what they weigh and why.
func (m *matching) writePairs(w io.Writer) error {
	b := bufio.NewWriterSize(w, 1<<20)
	c := csv.NewWriter(b)
	if err := c.Write([]string{"cluster_id", "source_a", "row_a", "source_b", "row_b", "probability", "weight", "reasons"}); err != nil {
		return err
	}
	order := make([]int, m.table.Rows())
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(x, y int) int { return cmp.Or(cmp.Compare(m.res.Clusters[x], m.res.Clusters[y]), x-y) })
	explain := m.res.Explainer()
	sources := m.table.Sources()
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && m.res.Clusters[order[to]] == m.res.Clusters[order[from]] {
			to++
		}
		written := 0
		for i, x := range order[from:to] {
			for _, y := range order[from+i+1 : to] {
				if written++; written > mostPairs {
					break
				}
				e := explain(x, y)
				s, n := m.table.Source(x)
				p, q := m.table.Source(y)
				if err := c.Write([]string{fmt.Sprint(m.res.Clusters[x] + 1), sources[s], fmt.Sprint(n), sources[p], fmt.Sprint(q),
					fmt.Sprintf("%.6f", e.Probability), fmt.Sprintf("%.2f", e.Weight), reasons(e)}); err != nil {
					return err
				}
			}
			if written > mostPairs {
				break
			}
		}
		from = to
	}
	c.Flush()
	return errors.Join(c.Error(), b.Flush())
}

// reasons are the terms of a weight in one line, the heaviest first.
func reasons(e linkage.Explanation) string {
	terms := slices.DeleteFunc(slices.Clone(e.Terms), func(t linkage.Term) bool { return t.Level == "" })
	slices.SortStableFunc(terms, func(x, y linkage.Term) int { return cmp.Compare(math.Abs(y.Weight), math.Abs(x.Weight)) })
	var out []string
	for _, t := range terms {
		out = append(out, fmt.Sprintf("%s %s %+.1f", t.Field, t.Level, t.Weight))
	}
	if e.Household > 0.05 {
		out = append(out, fmt.Sprintf("household %+.1f", -e.Household))
	}
	return strings.Join(out, "; ")
}
