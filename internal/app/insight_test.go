package app_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"clientele"
)

// What the people of an audience have more often than others: known shares, the index and its interval by hand.
func TestInsightOfAnAudience(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := run(t, settings(t))
	for i := range 40 { // 10 are vip, of whom 6 are of Hue; of the other 30 there are 9
		traits := fmt.Sprintf(`{"vip":%t,"city":%q,"ext_income":%q}`, i < 10, map[bool]string{true: "Hue", false: "Hanoi"}[i < 6 || i >= 31], "high")
		who := fmt.Sprintf(`"userId":"u%d"`, i)
		if i < 8 {
			traits = traits[:len(traits)-1] + fmt.Sprintf(`,"email":"u%d@example.com","consent":{"marketing":{"email":true}}}`, i)
		}
		p.batch(webKey, identify(fmt.Sprint("i", i), "2026-02-27T11:00:00Z", who, traits),
			track(fmt.Sprint("s", i), "Survey Answered", "2026-02-28T11:00:00Z", who, fmt.Sprintf(`{"question":"why","answer":%q}`, []string{"price", "taste"}[i%2])))
	}
	if err := p.app.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	q := clientele.Question{Kind: "insight", People: clientele.RawJSON(`{"trait":"vip","op":"eq","value":true}`)}
	r, err := p.client.Explore(ctx, q)
	if err != nil {
		t.Fatal(err)
	}
	// Hue: 6 of 10 against 15 of 40. ((6.5/10.5)/(9.5/30.5)) = 1.98747; its logarithm 0.68686, deviation
	// sqrt(1/6.5-1/10.5+1/9.5-1/30.5) = 0.36212; a quarter of all are the people.
	ratio := (6.5 / 10.5) / (9.5 / 30.5)
	deviation := 1.959964 * math.Sqrt(1/6.5-1/10.5+1/9.5-1/30.5)
	toAll := func(r float64) float64 { return 100 * r / (r/4 + 0.75) }
	want := map[string][]float64{
		"trait city Hue":             {6, 60, 37.5, 160, toAll(ratio * math.Exp(-deviation)), toAll(ratio * math.Exp(deviation))},
		"survey why price":           {5, 50, 50, 100},
		"enrichment ext_income high": {10, 100, 100, 100},
		"addressable by email":       {8, 80, 20, 400},
		"data built on online":       {10, 100, 100, 100},
		"data built on third-party":  {10, 100, 100, 100},
		"data built on zero-party":   {10, 100, 100, 100},
	}
	found := 0
	for i, row := range r.Rows {
		values, ok := want[fmt.Sprint(row[0], " ", row[1], " ", row[2])]
		if !ok {
			continue
		}
		found++
		for j, v := range values {
			if got := fmt.Sprint(row[3+j]); math.Abs(number(got)-v) > 1e-6 {
				t.Errorf("%v: %s, want %v", row[:3], got, v)
			}
		}
		b, err := p.client.Behind(ctx, clientele.BehindRequest{Question: q, Cell: r.Cells[i]})
		if err != nil || float64(b.Count) != values[0] {
			t.Errorf("behind %v: %+v, %v", r.Cells[i], b, err)
		}
	}
	if found != len(want) {
		t.Errorf("%d of %d attributes are in %v", found, len(want), r.Rows)
	}
	if _, err := p.client.SetAudience(ctx, clientele.Audience{Name: "hanoi", Where: clientele.RawJSON(`{"trait":"city","op":"eq","value":"Hanoi"}`)}); err != nil {
		t.Fatal(err)
	}
	p.filled("hanoi")
	if err := p.app.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	q.Against, q.MinSupport = "hanoi", 1
	if r, err = p.client.Explore(ctx, q); err != nil {
		t.Fatal(err)
	}
	for _, row := range r.Rows { // 4 vips of Hanoi count with the people alone: 21 others, all of Hanoi
		if fmt.Sprint(row[:3]) == "[trait city Hanoi]" && (fmt.Sprint(row[3]) != "4" || fmt.Sprint(row[4:7]) != "[40 100 40]") {
			t.Errorf("against an audience: %v", row)
		}
	}
}

func number(s string) float64 {
	var f float64
	_, _ = fmt.Sscan(s, &f)
	return f
}
