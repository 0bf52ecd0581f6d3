package shop_test

import (
	"testing"

	"clientele"
	"clientele/internal/shop"
)

func ident(ns clientele.Namespace, v string) clientele.Identifier {
	return clientele.Identifier{Namespace: ns, Value: v}
}

func TestTruth(t *testing.T) {
	truth := shop.NewTruth()
	a, b, c, tablet := ident("email", "a"), ident("anonymous_id", "b"), ident("email", "c"), ident("anonymous_id", "t")
	for _, r := range []shop.Record{
		{Person: 1, Identifiers: []clientele.Identifier{a, b}},
		{Person: 1, Identifiers: []clientele.Identifier{a, tablet}},
		{Person: 2, Identifiers: []clientele.Identifier{c}},
		{Person: 2, Identifiers: []clientele.Identifier{tablet}},
		{}, // nobody's
	} {
		truth.Watch(&r)
	}
	if truth.Identifiers() != 4 {
		t.Errorf("%d identifiers", truth.Identifiers())
	}
	// Five things: a, b and the tablet of person 1, c and the tablet of person 2.
	if s := truth.Connected(); s.Items != 5 || s.True != 4 || s.Found != 6 || s.Right != 3 || s.Mixed != 1 || s.Split != 1 {
		t.Errorf("connected: %+v", s)
	}
	if s := truth.Score(map[clientele.Identifier]int64{a: 1, b: 1, tablet: 2, c: 2}); s.Found != 4 || s.Right != 2 {
		t.Errorf("score: %+v", s)
	}
	if s := truth.Score(nil); s.Clusters != 4 || s.Right != 0 {
		t.Errorf("nothing found: %+v", s)
	}
}

// TestConfusion: the shop makes it hard to tell people apart, and not impossible. Streets have
// nothing to do with each other.
func TestConfusion(t *testing.T) {
	records, totals := history(t, plan(t, 1, 2000), 2)
	truth := shop.NewTruth()
	streets := map[clientele.Identifier]int{}
	owners := map[clientele.Identifier]map[int]bool{}
	for i := range records {
		r := &records[i]
		truth.Watch(r)
		for _, id := range r.Identifiers {
			if owners[id] == nil {
				owners[id] = map[int]bool{}
			}
			owners[id][r.Person] = true
			if s, ok := streets[id]; ok && s != (r.Person-1)/10 {
				t.Errorf("%s is in two streets", id.Namespace)
			}
			streets[id] = (r.Person - 1) / 10
		}
	}
	shared := map[clientele.Namespace]int{}
	for id, who := range owners {
		if len(who) > 1 {
			shared[id.Namespace]++
		}
	}
	if shared[clientele.AnonymousID] == 0 || shared[clientele.Phone] == 0 || shared[clientele.UserID] != 0 || shared["loyalty_id"] != 0 {
		t.Errorf("shared identifiers: %v", shared)
	}
	s := truth.Connected()
	if s.Entities > totals.People || s.Precision() < 0.8 || s.Precision() > 0.97 || s.Recall() < 0.75 || s.Recall() > 0.95 || s.Split < 80 {
		t.Errorf("joining all that is named together: precision %.3f, recall %.3f, %+v", s.Precision(), s.Recall(), s)
	}
}
