package app_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"clientele"
)

func sumOf(s string) []byte {
	sum := sha256.Sum256([]byte(s))
	return sum[:]
}

// enrichRows is a part of a file that says an income and a hobby by key.
func enrichRows(keys ...string) (out []clientele.EnrichmentRow) {
	for i, k := range keys {
		out = append(out, clientele.EnrichmentRow{Key: k, Traits: map[string]any{"income": 10_000 * (i + 1), "hobby": []any{"sailing", "chess"}}})
	}
	return out
}

// fiveKnown are people of whom a third party may say something: u0 to u4 with their addresses.
func (p *program) fiveKnown() {
	p.Helper()
	var events []string
	for i := range 5 {
		events = append(events, identify(fmt.Sprint("i", i), "2026-02-27T11:00:00Z", fmt.Sprintf(`"userId":"u%d"`, i), fmt.Sprintf(`{"email":"u%d@example.com","country":"TH"}`, i)))
	}
	p.batch(webKey, events...)
}

// What a third party says by hashes of addresses becomes traits with source and expiry, of people that there are and of those who
// come later; audiences see it come and go; a later import takes the place of an earlier one; an erased person stays out.
func TestEnrichment(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := settings(t)
	o, ahead := optionsAhead()
	p := runWith(t, c, o)
	p.fiveKnown()
	if _, err := p.client.SetAudience(ctx, clientele.Audience{Name: "rich", Where: clientele.RawJSON(`{"trait":"country","op":"eq","value":"TH"}`)}); err != nil {
		t.Fatal(err)
	}
	enrich := func(revision string, keep bool, days int, rows ...clientele.EnrichmentRow) *clientele.Enrichment {
		t.Helper()
		e, err := p.client.Enrich(ctx, clientele.EnrichmentRequest{Source: "acme", Revision: revision, Namespace: "email_sha256", ExpiresAt: clientele.MicrosOf(o.Now().Add(time.Duration(days) * 24 * time.Hour)), Keep: keep, Rows: rows})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	keys := []string{strings.ToUpper(hex.EncodeToString(sumOf("u0@example.com"))), base64.StdEncoding.EncodeToString(sumOf("u1@example.com")), hex.EncodeToString(sumOf("u2@example.com")),
		hex.EncodeToString(sumOf("later@example.com")), "nonsense"}
	e := enrich("one", true, 30, enrichRows(keys...)...)
	if e.Rows != 5 || e.Matched != 3 || e.Held != 1 || e.MatchRate != 0.6 || strings.Join(e.Traits, " ") != "ext_acme_hobby ext_acme_income" {
		t.Fatalf("the import came to %+v", *e)
	}
	if _, err := p.client.SetAudience(ctx, clientele.Audience{Name: "rich", Where: clientele.RawJSON(`{"trait":"ext_acme_income","op":"gte","value":20000}`)}); err != nil {
		t.Fatal(err)
	}
	p.filled("rich")
	if got := p.membersOf("rich"); got != "u1 u2" {
		t.Errorf("members are %q", got)
	}
	who := p.profile("email", "u1@example.com")
	if len(who.Enrichment) != 2 || who.Enrichment[1].Trait != "ext_acme_income" || who.Enrichment[1].Source != "acme" || fmt.Sprint(who.Enrichment[1].Value) != "20000" || who.Enrichment[1].ExpiresAt != e.ExpiresAt {
		t.Errorf("the profile says %+v", who.Enrichment)
	}
	p.tells("select count(*), sum(ext_acme_income) from profiles where ext_acme_income is not null", "3|60000")
	// Nobody is known by a hash alone.
	p.tells("select count(*) from profiles", "5")
	p.batch(webKey, identify("late", "2026-02-27T12:00:00Z", `"userId":"late"`, `{"email":"Later@example.com"}`))
	p.settle()
	if got := p.membersOf("rich"); got != "u1 u2 late" {
		t.Errorf("with who came later members are %q", got)
	}
	if s := p.status(); s.Counts["held_enrichment"] != 0 {
		t.Errorf("%d rows are held for somebody who has come", s.Counts["held_enrichment"])
	}
	// A later import says other things of some, and holds longer.
	if e := enrich("two", false, 60, clientele.EnrichmentRow{Key: keys[1], Traits: map[string]any{"income": 5}}, clientele.EnrichmentRow{Key: keys[2], Traits: map[string]any{"income": 50_000}},
		clientele.EnrichmentRow{Key: keys[0], Traits: map[string]any{"income": 30_000}},
		clientele.EnrichmentRow{Key: hex.EncodeToString(sumOf("nobody@example.com")), Traits: map[string]any{"income": 1}}); e.Held != 0 || e.Matched != 3 || e.Rows != 4 {
		t.Errorf("the second import came to %+v", *e)
	}
	if got := p.membersOf("rich"); got != "u0 u2 late" {
		t.Errorf("after a second import members are %q", got)
	}
	if who := p.profile("email", "u1@example.com"); len(who.Enrichment) != 1 || fmt.Sprint(who.Enrichment[0].Value) != "5" {
		t.Errorf("what was said before is left: %+v", who.Enrichment)
	}
	// Who is erased takes it along, and no later import brings it back.
	if _, err := p.client.Erase(ctx, clientele.EraseRequest{Namespace: clientele.Email, Value: "u2@example.com"}); err != nil {
		t.Fatal(err)
	}
	if e := enrich("three", true, 60, enrichRows(keys[2], hex.EncodeToString(sumOf("to.come@example.com")))...); e.Matched != 0 || e.Held != 2 {
		t.Errorf("the third import came to %+v", *e)
	}
	if s := p.status(); s.Counts["held_enrichment"] != 1 {
		t.Errorf("%d rows are held, one of them for who was erased", s.Counts["held_enrichment"])
	}
	// After a month the first import goes, and who was in an audience by it leaves.
	ahead.Add(int64(31 * 24 * time.Hour))
	eventually(t, "what has expired is gone", func() bool { return p.membersOf("rich") == "u0" })
	p.settle()
	p.tells("select value, cast(ext_acme_income as bigint) from profiles p join identifiers i on i.profile_id = p.profile_id where namespace = 'user_id' and ext_acme_income is not null order by all", "u0|30000", "u1|5")
	if reasons := p.sql("select count(*) from audience_members where audience = 'rich' and exited_at is not null"); fmt.Sprint(reasons) == "[0]" {
		t.Error("nobody has left")
	}
	was := p.digests()
	p.stop()
	// What quality counted of an erased person's events stays counted; all else is the same.
	digest := func() string {
		s := rowStore(t, c)
		defer s.Close()
		d, err := s.Digest(ctx, clientele.RowSeen, clientele.RowOutbox, clientele.RowPosition, clientele.RowQuality)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	rows := digest()
	rebuild(t, c)
	if digest() != rows {
		t.Error("a rebuild comes to other rows")
	}
	p = runWith(t, c, o)
	same(t, was, p.digests())
	list, err := p.client.Enrichments(ctx)
	if err != nil || len(list) != 1 || list[0].Revision != "three" {
		t.Errorf("imports are %+v, %v", list, err)
	}
	ahead.Add(int64(31 * 24 * time.Hour))
	eventually(t, "all has expired", func() bool {
		return p.status().Counts["held_enrichment"] == 0 && fmt.Sprint(p.sql("select count(*) from profiles where ext_acme_income is not null")) == "[0]"
	})
}

// A source that ends early: what it has said goes, what is held of it too, people leave audiences; what it says later counts, others'
// words stay, and a rebuild comes to the same.
func TestEnrichmentEnds(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := settings(t)
	o, ahead := optionsAhead()
	p := runWith(t, c, o)
	p.fiveKnown()
	enrich := func(source, revision string, income int, keys ...string) {
		t.Helper()
		var list []clientele.EnrichmentRow
		for _, k := range keys {
			list = append(list, clientele.EnrichmentRow{Key: k, Traits: map[string]any{"income": income}})
		}
		e, err := p.client.Enrich(ctx, clientele.EnrichmentRequest{Source: source, Revision: revision, Namespace: clientele.Email, ExpiresAt: clientele.MicrosOf(o.Now().Add(30 * 24 * time.Hour)), Keep: true, Rows: list})
		if err != nil || e.EndedAt != 0 {
			t.Fatalf("%+v, %v", e, err)
		}
	}
	enrich("acme", "one", 50_000, "u0@example.com", "u1@example.com", "comes@example.com")
	enrich("other", "one", 9, "u0@example.com", "comes@example.com")
	if _, err := p.client.SetAudience(ctx, clientele.Audience{Name: "rich", Where: clientele.RawJSON(`{"trait":"ext_acme_income","op":"gte","value":20000}`)}); err != nil {
		t.Fatal(err)
	}
	p.filled("rich")
	if got := p.membersOf("rich"); got != "u0 u1" {
		t.Fatalf("members are %q", got)
	}
	if err := p.client.EndEnrichment(ctx, "nobody"); clientele.ErrorCode(err) != clientele.NotFound {
		t.Errorf("a source that has said nothing ends: %v", err)
	}
	if err := p.client.EndEnrichment(ctx, "acme"); err != nil {
		t.Fatal(err)
	}
	enrich("acme", "two", 70_000, "u1@example.com")
	ahead.Add(int64(2 * time.Second))
	eventually(t, "who was in by what has gone has left", func() bool { return p.membersOf("rich") == "u1" })
	p.batch(webKey, identify("late", "2026-02-27T12:00:00Z", `"userId":"late"`, `{"email":"comes@example.com"}`))
	p.settle()
	p.tells("select sum(ext_acme_income), count(ext_acme_income), count(ext_other_income) from profiles", "70000|1|2")
	if s := p.status(); s.Counts["held_enrichment"] != 0 {
		t.Errorf("%d rows are held", s.Counts["held_enrichment"])
	}
	list, err := p.client.Enrichments(ctx)
	if err != nil || len(list) != 2 || list[0].EndedAt != 0 || list[1].EndedAt != 0 {
		t.Errorf("sources are %+v, %v", list, err)
	}
	if err := p.client.EndEnrichment(ctx, "other"); err != nil {
		t.Fatal(err)
	}
	if list, err = p.client.Enrichments(ctx); err != nil || list[1].EndedAt == 0 {
		t.Errorf("sources are %+v, %v", list, err)
	}
	ahead.Add(int64(2 * time.Second))
	eventually(t, "the other has gone", func() bool { return fmt.Sprint(p.sql("select count(ext_other_income) from profiles")) == "[0]" })
	was := p.digests()
	p.stop()
	rebuild(t, c)
	p = runWith(t, c, o)
	same(t, was, p.digests())
}

// What cannot be is refused with a reason.
func TestEnrichmentRefused(t *testing.T) {
	t.Parallel()
	p := run(t, settings(t))
	soon := clientele.MicrosOf(clock().Add(time.Hour))
	ok := clientele.EnrichmentRequest{Source: "acme", Revision: "r", Namespace: "email", ExpiresAt: soon, Rows: enrichRows("a@example.com")}
	for what, change := range map[string]func(r *clientele.EnrichmentRequest){
		"source":   func(r *clientele.EnrichmentRequest) { r.Source = "ACME" },
		"expire":   func(r *clientele.EnrichmentRequest) { r.ExpiresAt = 1 },
		"revision": func(r *clientele.EnrichmentRequest) { r.Revision = "" },
		"five":     func(r *clientele.EnrichmentRequest) { r.ExpiresAt = clientele.MicrosOf(clock().AddDate(9, 0, 0)) },
		"attribute": func(r *clientele.EnrichmentRequest) {
			r.Rows = []clientele.EnrichmentRow{{Key: "a@example.com", Traits: map[string]any{"No Name": 1}}}
		},
		"object": func(r *clientele.EnrichmentRequest) {
			r.Rows = []clientele.EnrichmentRow{{Key: "a@example.com", Traits: map[string]any{"x": map[string]any{"y": 1}}}}
		},
	} {
		r := ok
		change(&r)
		if _, err := p.client.Enrich(context.Background(), r); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := p.client.Enrich(context.Background(), ok); err != nil {
		t.Error(err)
	}
}
