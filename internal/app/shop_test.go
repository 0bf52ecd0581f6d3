package app_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/config"
	"clientele/internal/shop"
)

// TestShop loads a small demo shop over HTTP: every number that the simulator knows is what SQL
// answers, people are told apart as well as their records allow, the questions of the guide have
// answers, and the same history again changes nothing.
func TestShop(t *testing.T) {
	c := settings(t)
	c.Sources, c.ComputedTraits = nil, []string{"pack:commerce"}
	for _, name := range shop.Sources {
		c.Sources = append(c.Sources, config.Source{Name: name, Kind: config.KindFile})
	}
	p := run(t, c)
	s, err := shop.New(7, 300, clock().Add(-1e9))
	if err != nil {
		t.Fatal(err)
	}
	truth := shop.NewTruth()
	totals, err := s.Load(context.Background(), p.client, truth.Watch, nil)
	if err != nil {
		t.Fatal(err)
	}
	p.settle()
	for _, check := range totals.Checks() {
		p.tells(check.SQL, check.Want)
	}
	if q, _, err := p.client.Quarantine(context.Background(), 10, ""); err != nil || len(q) > 0 {
		t.Fatalf("in quarantine: %v %v", q, err)
	}
	p.toldApart(truth)
	p.packOfTheShop()
	p.tells("SELECT count(*) FROM orders WHERE revenue_base IS NULL", "0")
	p.summarized()
	p.guide("../../docs/demo.md")

	before := p.digests()
	if _, err := s.Load(context.Background(), p.client, nil, nil); err != nil {
		t.Fatal(err)
	}
	p.settle()
	for table, sum := range p.digests() {
		if before[table] != sum {
			t.Errorf("the same history again has changed %s", table)
		}
	}
}

// toldApart: matching can find no more than the records say, loses little of it to the limits
// that keep people apart, and is more precise than joining whatever is named together.
func (p *program) toldApart(truth *shop.Truth) {
	p.Helper()
	r, err := p.client.Query(context.Background(), "SELECT namespace, value, profile_id FROM identifiers", nil, 0)
	if err != nil || r.Cut {
		p.Fatal(err, r.Cut)
	}
	found := map[clientele.Identifier]int64{}
	for _, row := range r.Rows {
		found[id(row[0].(string), row[1].(string))] = row[2].(int64)
	}
	if len(found) != truth.Identifiers() {
		p.Errorf("%d identifiers, the simulator named %d", len(found), truth.Identifiers())
	}
	got, most := truth.Score(found), truth.Connected()
	p.Logf("precision %.4f, recall %.4f; joining all: %.4f, %.4f", got.Precision(), got.Recall(), most.Precision(), most.Recall())
	if got.Recall() > most.Recall() || got.Recall() < most.Recall()-0.03 || got.Precision() < most.Precision() || got.Precision() < 0.85 {
		p.Errorf("precision %.4f, recall %.4f; joining all: %.4f, %.4f", got.Precision(), got.Recall(), most.Precision(), most.Recall())
	}
}

var statements = regexp.MustCompile("(?ms)^```sql run\n(.*?)^```$")

// guide runs the SQL of a guide; each question must have an answer.
func (p *program) guide(path string) {
	p.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		p.Fatal(err)
	}
	blocks := statements.FindAllSubmatch(text, -1)
	if len(blocks) < 10 {
		p.Errorf("%s has %d blocks of SQL", path, len(blocks))
	}
	for _, b := range blocks {
		for sql := range strings.SplitSeq(string(b[1]), ";") {
			if sql = strings.TrimSpace(sql); sql == "" {
				continue
			}
			if rows := p.sql(sql); len(rows) == 0 {
				p.Errorf("no answer: %s", sql)
			} else if os.Getenv("SHOW_ANSWERS") != "" {
				fmt.Println(sql + "\n" + strings.Join(rows[:min(len(rows), 12)], "\n"))
			}
		}
	}
}
