package collect

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestEdge(t *testing.T) {
	hash := [][]string{{"traits", "email"}, {"properties", "card"}, {"userId"}}
	for _, x := range []struct {
		name string
		edge Edge
		raw  string
		want string // H is a hash
	}{
		{"nothing", Edge{}, `{"context":{"ip":"203.0.113.77"}}`, `{"context":{"ip":"203.0.113.77"}}`},
		{"IPv4", Edge{IP: IPTruncate}, `{"context":{"a":1,"ip" : "203.0.113.77"},"x":"203.0.113.77"}`, `{"context":{"a":1,"ip" : "203.0.113.0"},"x":"203.0.113.77"}`},
		{"IPv6", Edge{IP: IPTruncate}, `{"context":{"ip":"2001:db8:1:2:3::4"}}`, `{"context":{"ip":"2001:db8:1::"}}`},
		{"IPv4 in IPv6", Edge{IP: IPTruncate}, `{"context":{"ip":"::ffff:203.0.113.77"}}`, `{"context":{"ip":"203.0.113.0"}}`},
		{"no address", Edge{IP: IPTruncate}, `{"context":{"ip":"ann's house"}}`, `{"context":{"ip":null}}`},
		{"drop, PostHog's too, of twins both", Edge{IP: IPDrop}, `{"context":{"ip":"203.0.113.7","ip":"2001:db8::1"},"properties":{"$ip":"203.0.113.7"}}`, `{"context":{"ip":null,"ip":null},"properties":{"$ip":null}}`},
		{"hash", Edge{Hash: hash}, `{"userId":7,"traits":{"email":" Ann@Example.com ","n":1},"properties":{"card":{"no":"4111"},"cards":"4111"}}`, `{"userId":H,"traits":{"email":H,"n":1},"properties":{"card":H,"cards":"4111"}}`},
		{"an escaped name", Edge{Hash: hash}, `{"traits":{"\u0065mail":"a@b.co"}}`, `{"traits":{"\u0065mail":H}}`},
		{"nothing there", Edge{IP: IPDrop, Hash: hash}, `{"traits":null,"context":[],"userId":"","properties":{}}`, `{"traits":null,"context":[],"userId":"","properties":{}}`},
	} {
		got := string(x.edge.apply([]byte(x.raw), []byte("k")))
		for {
			i := strings.Index(got, `"h_`)
			if i < 0 {
				break
			}
			got = got[:i] + "H" + got[i+3+32+1:]
		}
		if got != x.want {
			t.Errorf("%s\n got %s\nwant %s", x.name, got, x.want)
		}
	}
	x := Edge{Hash: hash}
	one, two := string(x.apply([]byte(`{"userId":"Ann@b.co"}`), []byte("k"))), string(x.apply([]byte(`{"userId":"ann@B.co "}`), []byte("k")))
	if one != two || one == string(x.apply([]byte(`{"userId":"Ann@b.co"}`), []byte("l"))) {
		t.Errorf("%s, %s", one, two)
	}
}

func FuzzEdge(f *testing.F) {
	f.Add([]byte(`{"context":{"ip":"203.0.113.77"},"traits":{"email":"x"},"userId":[1,{"a":2}]}`))
	x := Edge{IP: IPTruncate, Hash: [][]string{{"traits", "email"}, {"userId"}, {"traits"}}}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !json.Valid(raw) || !isObject(raw) {
			return
		}
		if out := x.apply(raw, []byte("k")); !json.Valid(out) {
			t.Fatalf("%s became %s", raw, out)
		}
	})
}
