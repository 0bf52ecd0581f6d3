package resolve_test

import (
	"strings"
	"testing"

	"clientele"
	"clientele/internal/resolve"
)

// anchorsOf are the anchors of identifiers, packed for a list command.
func (s *stream) anchorsOf(ids ...string) (out []int64) {
	g := s.graph()
	for _, id := range ids {
		ns, value, _ := strings.Cut(id, ":")
		a, err := g.Find(clientele.Identifier{Namespace: clientele.Namespace(ns), Value: value})
		s.must(err)
		out = append(out, int64(a))
	}
	return out
}

// sealed are the seals under which identifiers are awaited.
func sealed(ids ...clientele.Identifier) (out []clientele.Seal) {
	for _, id := range ids {
		out = append(out, resolve.SealIdentifier(resolve.NewSeal(nil), id.Hashed()[0]))
	}
	return out
}

func (s *stream) audience(name string) *clientele.AudienceInForce {
	s.t.Helper()
	a, err := resolve.LoadAudience(s.store, name)
	s.must(err)
	return a
}

// A static audience is who its list names, whoever that is today: merges, unmerges and erasure are followed,
// and who brings an identifier later that the list awaits joins then.
func TestStaticAudience(t *testing.T) {
	s := newStream(t)
	s.command(clientele.CommandAudience, resolve.AudienceBody{Audience: clientele.Audience{Name: "vip", Kind: clientele.AudienceStatic}})
	if a := s.audience("vip"); a.Filling != nil || a.Version != 1 || a.List == nil || a.Where != nil {
		t.Fatalf("a new static audience is %+v", a)
	}
	s.activate("other", `{"and":[{"identifier":"user_id"},{"not":{"audience":"vip"}}]}`)
	at := int64(10 * day)
	s.events(event("web", at, user("ann", "1", `"event":"View"`)), event("web", at, user("bob", "2", `"event":"View"`)), event("web", at, user("cid", "3", `"event":"View"`)))
	dan := clientele.Identifier{Namespace: clientele.Email, Value: "dan@example.com"}
	list := func(b resolve.AudienceListBody) {
		s.t.Helper()
		b.Name = "vip"
		s.commandAt(at, clientele.CommandAudienceList, b)
	}
	list(resolve.AudienceListBody{Revision: 1, Add: resolve.PackIDs(s.anchorsOf("user_id:ann", "user_id:bob")), Await: resolve.PackSeals(sealed(dan)), Anew: true, Dropped: 1})
	expect := func(what, vip, other string) {
		s.t.Helper()
		if got := s.inAudience("vip") + "|" + s.inAudience("other"); got != vip+"|"+other {
			t.Errorf("%s: vip and other are %s, want %s|%s", what, got, vip, other)
		}
		if a := s.audience("vip"); a.Members != int64(len(strings.Fields(vip))) {
			t.Errorf("%s: it counts %d members", what, a.Members)
		}
	}
	expect("listed", "ann bob", "cid")
	if l := s.audience("vip").List; l.Matched != 2 || l.Waiting != 1 || l.Dropped != 1 || l.MatchRate != 0.5 {
		t.Errorf("the list is %+v", l)
	}
	if row := s.toldOf("vip"); len(row) != 2 || !strings.Contains(row[0], clientele.ReasonList) || !strings.Contains(row[0], "static") {
		t.Errorf("told: %v", row)
	}
	list(resolve.AudienceListBody{Revision: 1, Add: resolve.PackIDs(s.anchorsOf("user_id:ann"))}) // again changes nothing
	s.events(event("web", at+1, `{"type":"identify","userId":"dan","messageId":"4","traits":{"email":"Dan@Example.com"}}`))
	if g := s.graph(); g != nil {
		id, err := g.Find(dan)
		s.must(err)
		if in := s.listedRows("vip"); len(in) != 3 {
			t.Errorf("with dan (%d) the list in SQL is %v", id, in)
		}
	}
	if l := s.audience("vip").List; l.Matched != 3 || l.Waiting != 0 {
		t.Errorf("when dan came, the list is %+v", l)
	}
	expect("dan came", "ann bob dan", "cid")
	var merged []clientele.Anchor
	for _, a := range s.anchorsOf("user_id:bob", "user_id:cid") {
		merged = append(merged, clientele.Anchor(a))
	}
	s.commandAt(at+2, clientele.CommandMerge, resolve.MergeBody{Anchors: merged})
	if got := s.inAudience("vip"); got != "ann bob cid dan" {
		t.Errorf("merged: %s", got)
	}
	s.commandAt(at+3, clientele.CommandUnmerge, resolve.MergeBody{Anchors: merged[1:]})
	expect("apart", "ann bob dan", "cid")
	list(resolve.AudienceListBody{Revision: 2, Remove: resolve.PackIDs(s.anchorsOf("user_id:bob"))})
	expect("removed", "ann dan", "bob cid")
	s.commandAt(at+4, clientele.CommandErase, resolve.EraseBody{Anchors: s.members("user_id", "dan")})
	expect("erased", "ann", "bob cid")
	if l := s.audience("vip").List; l.Matched != 1 || l.Waiting != 0 {
		t.Errorf("after the erasure the list is %+v", l)
	}
	if d := differences(s.dump(), s.again().dump()); len(d) > 0 {
		t.Errorf("resolved anew, rows differ:\n%s", strings.Join(d, "\n"))
	}
	s.purge()
	if d := differences(s.dump(), s.again().dump()); len(d) > 0 {
		t.Errorf("purged and resolved anew, rows differ:\n%s", strings.Join(d, "\n"))
	}
	s.commandAt(at+5, clientele.CommandAudience, resolve.AudienceBody{Audience: clientele.Audience{Name: "other"}, Delete: true})
	s.commandAt(at+5, clientele.CommandAudience, resolve.AudienceBody{Audience: clientele.Audience{Name: "vip"}, Delete: true})
	anchors, seals, err := resolve.ListOfAudience(s.store, "vip")
	if s.must(err); len(anchors)+len(seals) > 0 || s.inAudience("vip") != "" || len(s.listedRows("vip")) > 0 {
		t.Errorf("deleted, its list has %v, %v, %v", anchors, seals, s.listedRows("vip"))
	}
}

// listedRows are the rows of audience_lists.
func (s *stream) listedRows(name string) (out []string) {
	for _, row := range s.tables()["audience_lists"] {
		if strings.Contains(row, " "+name+" ") {
			out = append(out, row)
		}
	}
	return out
}

// A hash of a phone number is recognised with the plus and without.
func TestAwaitedPhone(t *testing.T) {
	s := newStream(t)
	s.command(clientele.CommandAudience, resolve.AudienceBody{Audience: clientele.Audience{Name: "called", Kind: clientele.AudienceStatic}})
	forms := clientele.Identifier{Namespace: clientele.Phone, Value: "+66812345678"}.Hashed()
	if len(forms) != 2 || forms[0].Namespace != "phone_sha256" {
		t.Fatalf("hashes of a phone number: %v", forms)
	}
	s.command(clientele.CommandAudienceList, resolve.AudienceListBody{Name: "called", Revision: 1, Await: resolve.PackSeals([]clientele.Seal{resolve.SealIdentifier(resolve.NewSeal(nil), forms[1])})})
	s.events(event("web", 10*day, `{"type":"identify","userId":"ann","messageId":"4","traits":{"phone":"+66 81 234 5678"}}`))
	if got := s.inAudience("called"); got != "ann" {
		t.Errorf("members are %q", got)
	}
}

// The commands about lists that cannot be done say why.
func TestListsThatAreRefused(t *testing.T) {
	s := newStream(t)
	s.activate("rule", `{"event":"View"}`)
	for what, a := range map[string]clientele.Audience{
		"another kind":          {Name: "rule", Kind: clientele.AudienceStatic},
		"no such kind":          {Name: "x", Kind: "odd"},
		"sql without a query":   {Name: "x", Kind: clientele.AudienceSQL},
		"static with a query":   {Name: "x", Kind: clientele.AudienceStatic, Query: "select 1"},
		"static with where":     {Name: "x", Kind: clientele.AudienceStatic, Where: clientele.RawJSON(`{"event":"View"}`)},
		"a list as a condition": {Name: "x", Where: clientele.RawJSON(`{"listed":"x"}`)},
	} {
		if _, err := resolve.CheckAudience(s.store, a); err == nil || clientele.ErrorHint(err) == "" {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, b := range map[string]resolve.AudienceListBody{
		"a definition has none": {Name: "rule"}, "nobody's": {Name: "none"},
	} {
		before := s.r.Totals().Quarantined
		s.command(clientele.CommandAudienceList, b)
		if s.r.Totals().Quarantined != before+1 {
			t.Errorf("%s: the command was done", what)
		}
	}
}
