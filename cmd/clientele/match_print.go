package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"clientele/internal/linkage"
	"clientele/internal/linkage/truth"
)

// matchOutput is what --json prints.
type matchOutput struct {
	Records   int                  `json:"records"`
	Clusters  int                  `json:"clusters"`
	Identical int                  `json:"identical"`
	Pairs     int64                `json:"pairs_compared"`
	Refused   int                  `json:"refused_by_conflict"`
	Threshold float64              `json:"threshold"`
	Sizes     map[int]int          `json:"cluster_sizes"`
	Columns   []linkage.Choice     `json:"columns"`
	Keys      []linkage.Key        `json:"keys"`
	Model     *linkage.Model       `json:"model"`
	Stages    []matchStage         `json:"stages"`
	Seconds   float64              `json:"seconds"`
	Truth     *truth.Report        `json:"truth,omitempty"`
	Explain   *linkage.Explanation `json:"explain,omitempty"`
	Notes     []string             `json:"notes,omitempty"`
}

type matchStage struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
	Items   int64   `json:"items"`
	Unit    string  `json:"unit"`
}

// print shows the result: on standard error when the clusters are on standard output.
func (m *matching) print(a, b int) error {
	if m.f.asJSON {
		return m.printJSON(a, b)
	}
	c := *m.cli
	if m.f.out == "-" {
		c.out, c.outWidth = m.err, m.errWidth
	}
	if a >= 0 {
		return m.printExplained(&c, m.res.Explain(a, b))
	}
	if err := m.printRoles(&c); err != nil {
		return err
	}
	m.printResult(&c)
	if m.score != nil {
		return m.printTruth(&c)
	}
	return nil
}

func (m *matching) printJSON(a, b int) error {
	out := matchOutput{Records: m.table.Rows(), Clusters: m.res.Count, Identical: m.res.Identical, Pairs: m.res.Pairs, Refused: m.res.Refused, Threshold: linkage.Probability(m.res.Threshold),
		Sizes: m.res.Sizes(), Columns: m.res.Choices, Keys: m.res.Keys, Model: m.res.Model, Seconds: time.Since(m.start).Seconds(), Truth: m.score, Notes: m.notes}
	for _, s := range append([]linkage.Stage{m.reader}, m.res.Stages...) {
		out.Stages = append(out.Stages, matchStage{s.Name, s.Took.Seconds(), s.Items, s.Unit})
	}
	if a >= 0 {
		e := m.res.Explain(a, b)
		e.A, e.B = a+1, b+1 // rows are numbered from 1
		out.Explain = &e
	}
	return writeJSON(m.out, out)
}

func (m *matching) printRoles(c *cli) error {
	t := rows("column", "role", "why")
	for _, ch := range m.res.Choices {
		t.add(ch.Column, string(ch.Role), ch.Why)
	}
	return c.sheet(t)
}

func (m *matching) printResult(c *cli) {
	c.printf("\n%s records, %s people", thousands(int64(m.table.Rows())), thousands(int64(m.res.Count)))
	if m.res.Identical > 0 {
		c.printf("; %s records are equal to an earlier one in what is compared", thousands(int64(m.res.Identical)))
	}
	c.printf("\nrecords of a person:")
	sizes := m.res.Sizes()
	list := slices.Sorted(maps.Keys(sizes))
	for i, n := range list {
		if i == 8 && len(list) > 9 {
			largest := list[len(list)-1]
			c.printf(" ... %d: %s", largest, thousands(int64(sizes[largest])))
			break
		}
		c.printf(" %d: %s,", n, thousands(int64(sizes[n])))
	}
	c.printf("\n%s pairs compared, %s weighed over %d bits", thousands(m.res.Pairs), thousands(m.res.Edges), linkage.Weakest)
	if m.res.Refused > 0 {
		c.printf(", %s merges refused by a conflict", thousands(int64(m.res.Refused)))
	}
	if n := m.table.Files(); n > 0 {
		c.printf("\n%s MB of records and keys went to temporary files, as memory was full", thousands(n>>20))
	}
	c.printf("\n%s:", time.Since(m.start).Round(time.Millisecond))
	for _, s := range append([]linkage.Stage{m.reader}, m.res.Stages...) {
		c.printf(" %s %s", s.Name, s.Took.Round(time.Millisecond))
		if s.Unit == "pairs" && s.Items > 100_000 {
			c.printf(" (%s %s/s)", thousands(int64(s.Rate())), s.Unit)
		}
	}
	c.printf("\n")
}

func (m *matching) printTruth(c *cli) error {
	s := m.score
	c.printf("\nagainst %s: %s records of %s people, %s pairs\n", printable(m.f.truth), thousands(int64(s.Records)), thousands(int64(s.Persons)), thousands(s.TruePairs))
	c.printf("  pairs of clusters  precision %.4f  recall %.4f  F1 %.4f\n", s.Precision, s.Recall, s.F1)
	c.printf("  B-cubed            precision %.4f  recall %.4f  F1 %.4f\n", s.BCubed.Precision, s.BCubed.Recall, s.BCubed.F1)
	c.printf("  blocking recall    %.4f of the true pairs share a key\n\n", s.Blocking)
	t := rows("from weight", "probability", "true pos.", "false pos.", "false neg.", "true neg.", "precision", "recall", "F1")
	for i := range t.Columns {
		t.Columns[i].Type = "DOUBLE" // to the right
	}
	for _, p := range s.Curve {
		t.add(fmt.Sprintf("%.0f", p.Weight), fmt.Sprintf("%.4f", p.Probability), thousands(p.TruePositive), thousands(p.FalsePositive), thousands(p.FalseNegative), thousands(p.TrueNegative),
			fmt.Sprintf("%.4f", p.Precision), fmt.Sprintf("%.4f", p.Recall), fmt.Sprintf("%.4f", p.F1))
	}
	return c.sheet(t)
}

func (m *matching) printExplained(c *cli, e linkage.Explanation) error {
	name := func(row int) string {
		s, n := m.table.Source(row)
		return fmt.Sprintf("%s:%d", m.table.Sources()[s], n)
	}
	t := rows("field", name(e.A), name(e.B), "agreement", "bits", "sum", "")
	for _, i := range []int{4, 5} {
		t.Columns[i].Type = "DOUBLE"
	}
	sum := e.Prior
	line := func(field, a, b, level string, bits float64) {
		t.add(field, a, b, level, fmt.Sprintf("%+.2f", bits), fmt.Sprintf("%+.2f", sum), bar(bits))
	}
	line("(any two records)", "", "", "", e.Prior)
	for _, x := range e.Terms {
		if x.Level == "" && x.A == "" && x.B == "" {
			continue
		}
		level := x.Level
		if level == "" {
			level = "one has none"
		}
		sum += x.Weight
		line(x.Field, x.A, x.B, level, x.Weight)
	}
	if e.Household > 0.005 {
		sum -= e.Household
		line("(may be one household)", "", "", "", -e.Household)
	}
	if err := c.sheet(t); err != nil {
		return err
	}
	c.printf("\nweight %+.2f bits, probability %.6f\n", e.Weight, e.Probability)
	words := []string{"they share no key, so they were not compared", "they were compared"}
	if !e.Candidate {
		words = words[:1]
	} else {
		words = words[1:]
	}
	together := "they are in different clusters"
	if e.Same {
		together = "they are in one cluster"
	}
	c.printf("%s; %s\n", words[0], together)
	return nil
}

// bar draws bits: + for one person, - against.
func bar(bits float64) string {
	sign := "+"
	if bits < 0 {
		sign, bits = "-", -bits
	}
	return strings.Repeat(sign, min(30, int(bits+0.5)))
}
