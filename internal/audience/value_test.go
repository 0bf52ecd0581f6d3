package audience

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"clientele"
	"clientele/internal/store/duckstore"
)

var allTimes = []clientele.Micros{clientele.MinTime, clientele.MaxTime - 1}

// TestTextsReadAsColumnsCast compares what a text is as a number, truth value and time with what
// the column store's casts give, which fill the typed columns.
func TestTextsReadAsColumnsCast(t *testing.T) {
	store, err := duckstore.Open(context.Background(), duckstore.Options{Path: filepath.Join(t.TempDir(), "c.duckdb")})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	texts := []string{"", " ", "1", "0", "-0", "+-1", "-+1", "--1", "1__0", "_1", "1_", "1._5", "1.5_0", "1e1_0", "1e400", "-1e400", "1e-400", "inf", "nan", "0x10", "٣", "\u00a01", "1\v", "1\x00",
		"t", "T", "yes", "YES", "y", "n", "No", "on", "off", "true", "tRuE", " true", "FALSE", "1.0", "01", "\u212A", "ſ",
		"2026-01-01", "2026-01-01T10:00:00Z", "2026-01-01 10:00:00", "2026-01-01T10:00:00.123456789+14:59", "2026-02-29", "2024-02-29T23:59:59.9999999-00:30", "1899-12-31", "2200-01-01", "2199-12-31T23:59:59.999999Z",
		"2026-01-01T10:00:00.1234567+01:00", "1960-01-01T00:00:00.0000019Z", "0000-01-01", "2026-13-01", "2026-00-10", "2026-01-01T10:00:00", "2026-01-01T10:00:00.5"}
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		alphabet, n := "0123456789+-.eE_ infaNxyt\t", 1+rnd.IntN(9)
		if rnd.IntN(3) == 0 {
			alphabet = "015-+.e"
		}
		var b strings.Builder
		for range n {
			b.WriteByte(alphabet[rnd.IntN(len(alphabet))])
		}
		texts = append(texts, b.String())
	}
	for range 5_000 {
		s := fmt.Sprintf("%04d-%02d-%02d", 1895+rnd.IntN(310), rnd.IntN(14), rnd.IntN(33))
		if rnd.IntN(4) > 0 {
			s += fmt.Sprintf("%c%02d:%02d:%02d", "T "[rnd.IntN(2)], rnd.IntN(25), rnd.IntN(61), rnd.IntN(61))
			s += []string{"", "." + strconv.Itoa(rnd.IntN(2_000_000_000))}[rnd.IntN(2)]
			s += []string{"", "Z", fmt.Sprintf("+%02d:%02d", rnd.IntN(16), rnd.IntN(61)), fmt.Sprintf("-%02d:%02d", rnd.IntN(16), rnd.IntN(61))}[rnd.IntN(4)]
		}
		texts = append(texts, s)
	}
	var rows []string
	for i, s := range texts {
		if strings.IndexByte(s, 0) >= 0 {
			continue
		}
		b, err := jsontext.AppendQuote(nil, s)
		if err != nil {
			t.Fatal(err)
		}
		v := jsontext.Value(b)
		number, truth, at := "null", "null", "null"
		if f, ok := numberOf(v); ok {
			number = numberSQL(f)
		}
		if x, ok := boolOf(v); ok {
			truth = strconv.FormatBool(x)
		}
		if m, ok := timeOf(v); ok {
			at = strconv.FormatInt(int64(m), 10)
		}
		rows = append(rows, fmt.Sprintf("(%d, %s, %s, %s, %s)", i, literalSQL(s), number, truth, at))
	}
	const atOnce = 1000
	for len(rows) > 0 {
		some := rows[:min(atOnce, len(rows))]
		rows = rows[len(some):]
		value := sqlValue{doc: "j", path: "'$'"}
		query := fmt.Sprintf(`select i, (case when isfinite(%s) then %[1]s end) is distinct from n, try_cast(x as boolean) is distinct from b or %s is distinct from coalesce(b, false),
			coalesce(%s, false) is distinct from (m is not null), epoch_us(try_cast(x as timestamptz)) is distinct from m and m is not null
			from (select to_json(x) j, * from (values %s) v(i, x, n, b, m))`, value.number(), "coalesce("+value.boolSQL(true)+", false)",
			timesSQL(Between, value, allTimes), strings.Join(some, ", "))
		query = fmt.Sprintf("select i, cast(c1 as integer), cast(c2 as integer), cast(c3 as integer), cast(c4 as integer) from (%s) q(i, c1, c2, c3, c4) where c1 or c2 or c3 or c4", query)
		err := store.Numbers(context.Background(), query, func(row []int64) error {
			t.Errorf("%q differs: as a number %d, a truth value %d, a time %d, its moment %d", texts[row[0]], row[1], row[2], row[3], row[4])
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestInt128(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	of := func(a int128) *big.Int {
		n := new(big.Int).Lsh(big.NewInt(a.hi), 64)
		return n.Add(n, new(big.Int).SetUint64(a.lo))
	}
	random := func() float64 {
		return math.Trunc((rnd.Float64() - 0.5) * math.Pow(10, float64(rnd.IntN(25))))
	}
	for range 100_000 {
		x, y, n := random(), random(), rnd.Int64N(1e9)
		a, b := int128Of(x), int128Of(y)
		bx, _ := big.NewFloat(x).Int(nil)
		by, _ := big.NewFloat(y).Int(nil)
		if of(a).Cmp(bx) != 0 || of(a.plus(b)).Cmp(new(big.Int).Add(bx, by)) != 0 || of(a.times(n)).Cmp(new(big.Int).Mul(bx, big.NewInt(n))) != 0 ||
			a.compare(b) != bx.Cmp(by) || of(a.negated()).Cmp(new(big.Int).Neg(bx)) != 0 {
			t.Fatalf("%v, %v, %d", x, y, n)
		}
	}
}
