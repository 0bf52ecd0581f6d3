package computed_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/audience"
	"clientele/internal/computed"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ name, definition, wrong string }{
		{"a", `{"event":"E","count":true}`, ""},
		{"a", `{"table":"order_lines","where":[{"property":"full_price","op":"eq","value":true}],"sum":"net","within":"30d"}`, ""},
		{"a", `{"ratio":{"of":{"event":"E","sum":"p"},"by":{"table":"orders","count":true}}}`, ""},
		{"A", `{"event":"E","count":true}`, "name"},
		{"a", `[]`, "object"},
		{"a", `{"event":"E"}`, "what to make"},
		{"a", `{"event":"E","count":true,"sum":"p"}`, "beside"},
		{"a", `{"event":"E","count":false}`, "true"},
		{"a", `{"event":"E","sum":""}`, "property"},
		{"a", `{"table":"prices","count":true}`, "prices"},
		{"a", `{"table":"orders","sum":"sparkle"}`, "sparkle"},
		{"a", `{"table":"orders","where":[{"property":"sparkle","op":"eq","value":1}],"count":true}`, "sparkle"},
		{"a", `{"table":"orders","event":"E","count":true}`, "beside"},
		{"a", `{"table":"loyalty_accounts","count":true,"within":"3d"}`, "no time"},
		{"a", `{"event":"E","by":"p","count":true}`, "audiences"},
		{"a", `{"event":"E","count":true,"within":"soon"}`, "within"},
		{"a", `{"ratio":{"of":{"event":"E","count":true}}}`, "by"},
		{"a", `{"ratio":{"of":{"event":"E","list":"p"},"by":{"event":"E","count":true}}}`, "/ratio/of"},
		{"a", `{"trait":"x","op":"exists","count":true}`, "count"},
	} {
		_, err := computed.Parse(c.name, []byte(c.definition))
		if c.wrong == "" && err != nil || c.wrong != "" && (clientele.ErrorCode(err) != clientele.Invalid || !strings.Contains(err.Error(), c.wrong)) {
			t.Errorf("%s: %v, want %q", c.definition, err, c.wrong)
		}
	}
}

func TestPack(t *testing.T) {
	traits, err := computed.Pack("commerce")
	if err != nil || len(traits) < 10 {
		t.Fatal(len(traits), err)
	}
	for _, x := range traits {
		if _, err := computed.Parse(x.Name, x.Definition); err != nil {
			t.Error(err)
		}
	}
	if _, err := computed.Pack("other"); clientele.ErrorCode(err) != clientele.NotFound {
		t.Error(err)
	}
}

// TestOrder: however events are divided among anchors and in whatever order they come, the value is the same; also of more
// values than are kept, of which the number is near.
func TestOrder(t *testing.T) {
	ops := []string{`"count":true`, `"sum":"p"`, `"avg":"p"`, `"min":"p"`, `"max":"p"`, `"first":"p"`, `"last":"p"`, `"most_frequent":"p"`, `"unique":"p"`, `"list":"p"`, `"days_since":true`}
	const day, now = 86_400_000_000, 100 * 86_400_000_000
	for seed := range uint64(40) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		window := []string{``, `,"within":"40d"`, `,"older_than":"5d"`, `,"within":"30h"`}[rnd.IntN(4)]
		different := []int{5, 50, 3000}[rnd.IntN(3)]
		op := ops[int(seed)%len(ops)]
		tr, err := computed.Parse("t", []byte(`{"event":"E",`+op+window+`}`))
		if err != nil {
			t.Fatal(err)
		}
		l := tr.Leaves[0]
		hits := make([]audience.Hit, 1+rnd.IntN(3000))
		for i := range hits {
			value := fmt.Sprint(rnd.IntN(different)-2, ".", rnd.IntN(3))
			hits[i] = audience.Hit{Stamp: clientele.Stamp{At: clientele.Micros(now - rnd.Int64N(80*day)), ID: fmt.Sprint(i)}, Value: []byte(strings.ReplaceAll(value, " ", ""))}
		}
		var want string
		for range 3 {
			rnd.Shuffle(len(hits), func(i, j int) { hits[i], hits[j] = hits[j], hits[i] })
			states := make([]*computed.State, 1+rnd.IntN(4))
			for i := range states {
				states[i] = &computed.State{Leaves: map[string]computed.Buckets{}}
			}
			for _, h := range hits {
				s := states[rnd.IntN(len(states))]
				s.Leaves[l.Key] = l.Add(s.Leaves[l.Key], h)
			}
			got := string(tr.Value(states, now))
			if want == "" {
				want = got
			}
			if got != want {
				t.Fatalf("seed %d, %s%s: %.200s, in another order %.200s", seed, op, window, got, want)
			}
		}
		if op == `"count":true` && window == "" && want != fmt.Sprint(len(hits)) {
			t.Errorf("seed %d: %s of %d", seed, want, len(hits))
		}
	}
}

// TestNext: between now and the next moment nothing changes by time alone.
func TestNext(t *testing.T) {
	const hour = 3600_000_000
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 4))
		tr, err := computed.Parse("t", []byte([]string{`{"event":"E","count":true,"within":"3d"}`, `{"event":"E","count":true,"within":"5h"}`, `{"event":"E","sum":"p","within":"9d","older_than":"2d"}`,
			`{"event":"E","days_since":true}`, `{"event":"E","list":"p","older_than":"7h"}`, `{"event":"E","days_since":true,"within":"4d"}`}[rnd.IntN(6)]))
		if err != nil {
			t.Fatal(err)
		}
		l := tr.Leaves[0]
		s := &computed.State{Leaves: map[string]computed.Buckets{}}
		for range 1 + rnd.IntN(5) {
			s.Leaves[l.Key] = l.Add(s.Leaves[l.Key], audience.Hit{Stamp: clientele.Stamp{At: clientele.Micros(rnd.Int64N(200 * hour))}, Value: []byte(fmt.Sprint(1 + rnd.IntN(9)))})
		}
		now := clientele.Micros(200 * hour)
		for range 20 {
			next := s.NextOf(map[string]*computed.Leaf{l.Key: l}, now)
			if next == 0 {
				if a, b := tr.Value([]*computed.State{s}, now), tr.Value([]*computed.State{s}, now+9999*hour); string(a) != string(b) {
					t.Fatalf("seed %d: nothing is due, and %s becomes %s", seed, a, b)
				}
				break
			}
			if a, b := tr.Value([]*computed.State{s}, now), tr.Value([]*computed.State{s}, next-1); string(a) != string(b) {
				t.Fatalf("seed %d: %s becomes %s before it is due", seed, a, b)
			}
			now = next
		}
	}
}

// TestSums: money adds up exactly.
func TestSums(t *testing.T) {
	tr, err := computed.Parse("t", []byte(`{"event":"E","sum":"p"}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		values []string
		want   string
	}{
		{[]string{"0.1", "0.2"}, "0.3"},
		{[]string{"-0.5", "0.25"}, "-0.25"},
		{[]string{"999999999999.99", "0.01"}, "1000000000000"},
		{[]string{"1e3", `"2.50"`, "true", `"much"`, "null"}, "1002.5"},
		{[]string{"1", "-1"}, "0"},
		{[]string{"123456789.123456789", "0.000000001"}, "123456789.12345679"},
		{[]string{"1e15"}, ""},
	} {
		s := &computed.State{Leaves: map[string]computed.Buckets{}}
		l := tr.Leaves[0]
		for _, v := range c.values {
			s.Leaves[l.Key] = l.Add(s.Leaves[l.Key], audience.Hit{Value: []byte(v)})
		}
		if got := string(tr.Value([]*computed.State{s}, 0)); got != c.want {
			t.Errorf("%v is %s, want %s", c.values, got, c.want)
		}
	}
}

type row map[string]any

func (r row) Value(column string) any { return r[column] }

func TestOccurrence(t *testing.T) {
	d := func(s float64) int64 { return int64(s * 10_000) }
	for _, c := range []struct {
		row  row
		want string
	}{
		{row{"price": d(10), "quantity": d(2), "discount": d(1), "list_price": d(10), "unit_cost": d(4)}, `{"discount":1,"discounted":true,"full_price":false,"list_price":10,"list_total":20,"margin":11,"net":19,"price":10,"quantity":2,"saved":1,"unit_cost":4}`},
		{row{"price": d(10), "list_price": d(10)}, `{"discounted":false,"full_price":true,"list_price":10,"list_total":10,"net":10,"price":10,"saved":0}`},
		{row{"unit_cost": d(4)}, `{"unit_cost":4}`},
	} {
		o := computed.Occurrence(clientele.TableNamed("order_lines"), "k", c.row)
		var got, want any
		if err := json.Unmarshal(o.Properties, &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(c.want), &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%v is %s, want %s", c.row, o.Properties, c.want)
		}
	}
}
