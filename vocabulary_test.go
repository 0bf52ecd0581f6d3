package clientele_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"clientele"
)

func TestErrors(t *testing.T) {
	cause := errors.New("disk gone")
	err := fmt.Errorf("apply: %w", clientele.Errorf(clientele.Unavailable, "write row: %w", cause).WithHint("free some space"))
	if got := clientele.ErrorCode(err); got != clientele.Unavailable {
		t.Errorf("code %q", got)
	}
	if clientele.ErrorHint(err) != "free some space" || !errors.Is(err, cause) {
		t.Errorf("hint or cause lost in %v", err)
	}
	if err.Error() != "apply: write row: disk gone" {
		t.Errorf("cause printed twice or not at all: %v", err)
	}
	if clientele.ErrorCode(cause) != clientele.Internal || clientele.ErrorCode(nil) != "" {
		t.Error("codes of foreign errors")
	}
}

func TestDecimal(t *testing.T) {
	for in, want := range map[string]string{
		"12": "12", "-3.5": "-3.5", "1e3": "1000", "0.00005": "0", "0.00015": "0.0002", "0.00025": "0.0002", "-0.00015": "-0.0002",
		"+7": "7", "99999999999999.9999": "99999999999999.9999", "1.10": "1.1", "2.5E-1": "0.25", "0": "0", "-0": "0",
	} {
		d, err := clientele.ParseDecimal(in)
		if err != nil || d.String() != want {
			t.Errorf("%q = %v, %v; want %s", in, d, err, want)
		}
	}
	for _, bad := range []string{"", "NaN", "Inf", "-inf", "1/3", "0x10", "1_000", "1,5", "--1", "1e999", "100000000000000", ".", "1e", "١"} {
		if d, err := clientele.ParseDecimal(bad); err == nil {
			t.Errorf("%q was read as %v", bad, d)
		}
	}
	if _, err := clientele.DecimalOf(math.NaN()); err == nil {
		t.Error("NaN was read")
	}
}

func FuzzDecimal(f *testing.F) {
	f.Add("12.34567")
	f.Add("-1e-9")
	f.Fuzz(func(t *testing.T, s string) {
		d, err := clientele.ParseDecimal(s)
		if err != nil {
			return
		}
		back, err := clientele.ParseDecimal(d.String())
		if err != nil || back != d {
			t.Fatalf("%q -> %v -> %v, %v", s, d, back, err)
		}
		exact, _ := new(big.Rat).SetString(s)
		diff := new(big.Rat).Sub(exact, big.NewRat(int64(d), 10_000))
		if diff.Abs(diff).Cmp(big.NewRat(1, 20_000)) > 0 {
			t.Fatalf("%q is more than half a unit from %v", s, d)
		}
	})
}

// TestKeysGolden fixes the bytes of every row key: they are in every data directory.
func TestKeysGolden(t *testing.T) {
	id := clientele.Identifier{Namespace: "email", Value: "a\x00b"}
	var hash [16]byte
	copy(hash[:], "0123456789abcdef")
	for _, c := range []struct {
		name, want string
		key        clientele.Key
	}{
		{"identifier", "69656d61696c0001" + "6100ff620001", clientele.IdentifierKey(id)},
		{"anchor", "610000000000002003", clientele.AnchorKey(8195)},
		{"group", "670000000000002003", clientele.GroupKey(8195)},
		{"edge", "6500000000000000010000000000000002", clientele.EdgeKey(1, 2)},
		{"link", "6b00000000000000010000000000000002", clientele.LinkKey(1, 2)},
		{"head", "680000000000000001", clientele.HeadKey(1)},
		{"said", "68000000000000000173", clientele.SaidKey(1)},
		{"meta", "4d72756c65730001", clientele.MetaKey("rules")},
		{"timeline", "740000000000000001" + "4f0001" + "8000000000000005" + "770001" + "6d0001", clientele.TimelineKey(1, "O", 5, "w", "m")},
		{"before 1970", "740000000000000001" + "0001" + "7fffffffffffffff" + "0001" + "0001", clientele.TimelineKey(1, "", -1, "", "")},
		{"table", "726f72646572730001" + "730001" + "310001", clientele.TableKey("orders", "s", "1")},
		{"seen", "64" + "0000000000000007" + "30313233343536373839616263646566", clientele.SeenKey(7, hash)},
		{"imported", "6d" + "30313233343536373839616263646566", clientele.ImportedKey(hash)},
		{"quarantine", "71" + "0000000000000009" + "0000000000000003", clientele.QuarantineKey(9, 3)},
		{"outbox", "6f" + "0000000000000001", clientele.OutboxKey(1)},
	} {
		if got := hex.EncodeToString(c.key); got != c.want {
			t.Errorf("%s key is %s, was %s", c.name, got, c.want)
		}
	}
}

func TestKeyOrderAndReading(t *testing.T) {
	type parts struct {
		a string
		m clientele.Micros
		b string
	}
	texts := []string{"", "a", "a\x00", "a\x00b", "ab", "\xff", "é", "a\x01"}
	rnd := rand.New(rand.NewPCG(1, 2))
	var all []parts
	for range 500 {
		all = append(all, parts{texts[rnd.IntN(len(texts))], clientele.Micros(rnd.Int64N(7) - 3), texts[rnd.IntN(len(texts))]})
	}
	key := func(p parts) clientele.Key { return clientele.NewKey('x').Text(p.a).Time(p.m).Text(p.b) }
	for _, p := range all {
		r := key(p).Read()
		if got := (parts{r.Text(), r.Time(), r.Text()}); got != p || r.Err() != nil || len(r.Rest()) != 0 {
			t.Fatalf("%+v read back as %+v, %v", p, got, r.Err())
		}
		for _, q := range all {
			want := slices.Compare([]string{p.a}, []string{q.a})
			if want == 0 {
				want = int(max(-1, min(1, p.m-q.m)))
			}
			if want == 0 {
				want = slices.Compare([]string{p.b}, []string{q.b})
			}
			if got := bytes.Compare(key(p), key(q)); got != want {
				t.Fatalf("%+v against %+v: keys compare %d, parts %d", p, q, got, want)
			}
		}
	}
	short := clientele.AnchorKey(7)[:5]
	if r := short.Read(); r.Anchor() != 0 || r.Err() == nil {
		t.Error("a short key was read")
	}
}

func TestPrefix(t *testing.T) {
	r := clientele.Prefix(clientele.Key{'a', 0xff})
	if !bytes.Equal(r.End, clientele.Key{'b'}) {
		t.Errorf("end is %x", r.End)
	}
	if r := clientele.Prefix(clientele.Key{0xff}); r.End != nil {
		t.Errorf("end is %x", r.End)
	}
}

func TestProfileID(t *testing.T) {
	a, err := clientele.NewAnchor(clientele.MaxPosition, clientele.AnchorsPerFrame-1)
	if err != nil || a != 1<<53-1 {
		t.Fatalf("last anchor is %d, %v", a, err)
	}
	for id, want := range map[clientele.ProfileID]string{1: "p_00000000001", 8192: "p_00000000800", clientele.ProfileID(a): "p_7zzzzzzzzzz"} {
		if id.String() != want {
			t.Errorf("%d is %s, want %s", int64(id), id, want)
		}
		if back, err := clientele.ParseProfileID(want); back != id || err != nil {
			t.Errorf("%s is %d, %v", want, int64(back), err)
		}
	}
	for _, bad := range []string{"", "p_", "p_0000000000", "p_0000000000l", "p_00000000000", "p_80000000000", "x_00000000001", "p_0000000000é"} {
		if id, err := clientele.ParseProfileID(bad); err == nil {
			t.Errorf("%q was read as %d", bad, int64(id))
		}
	}
	if _, err := clientele.NewAnchor(1<<40, 0); err == nil {
		t.Error("an anchor above 2^53 was minted")
	}
	if _, err := clientele.NewAnchor(1, 8192); err == nil {
		t.Error("ordinal 8192 was minted")
	}
}

func TestSchema(t *testing.T) {
	seen := map[string]bool{}
	for _, table := range clientele.Schema {
		if seen[table.Name] {
			t.Errorf("table %s twice", table.Name)
		}
		seen[table.Name] = true
		for _, k := range table.Key {
			if table.Column(k) < 0 {
				t.Errorf("%s has no key column %s", table.Name, k)
			}
		}
		if table.Column("source") < 0 {
			t.Errorf("%s has no source", table.Name)
		}
		if table.Person && (table.Column("anchor_id") < 0 || table.Column("profile_id") < 0) {
			t.Errorf("%s cannot follow a merge", table.Name)
		}
	}
}
