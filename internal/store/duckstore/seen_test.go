package duckstore_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"clientele"
)

// TestSeen: what is said of profiles that were seen again gives the same rows as telling each row
// in full, however the changes are cut into calls.
func TestSeen(t *testing.T) {
	for seed := range uint64(6) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		var short, full []clientele.Change
		model := map[int64]int64{} // profile -> last seen
		profile := func(id, last int64) map[string]any {
			return map[string]any{"profile_id": id, "first_seen": int64(1), "last_seen": last, "traits": fmt.Sprintf(`{"p":%d}`, id), "source": "web"}
		}
		for range 40 {
			var s, f clientele.Change
			taken := map[int64]bool{}
			for range 1 + rnd.IntN(6) {
				id, at := 1+rnd.Int64N(8), 1+rnd.Int64N(1000)
				if taken[id] {
					continue
				}
				taken[id] = true
				switch last, there := model[id]; {
				case there && rnd.IntN(10) == 0:
					delete(model, id)
					gone := clientele.TableRows{Table: "profiles", Delete: [][]any{{id}}}
					s.Tables, f.Tables = append(s.Tables, gone), append(f.Tables, gone)
				case there && rnd.IntN(4) > 0:
					model[id] = max(last, at)
					s.Seen = append(s.Seen, clientele.Seen{Profile: clientele.ProfileID(id), Last: clientele.Micros(at)})
					f.Tables = append(f.Tables, rows("profiles", profile(id, model[id])))
				default: // in full, also with an earlier time than before: after an unmerge
					model[id] = at
					s.Tables, f.Tables = append(s.Tables, rows("profiles", profile(id, at))), append(f.Tables, rows("profiles", profile(id, at)))
				}
			}
			// Of a profile that is gone nothing comes of it.
			s.Seen = append(s.Seen, clientele.Seen{Profile: 99, Last: 5})
			short, full = append(short, s), append(full, f)
		}
		one, cut, whole := fresh(t), fresh(t), fresh(t)
		apply(t, one, 1, short...)
		apply(t, whole, 1, full...)
		for at := 0; at < len(short); {
			n := min(1+rnd.IntN(5), len(short)-at)
			apply(t, cut, uint64(at+1), short[at:at+n]...)
			at += n
		}
		want := digests(t, whole)["profiles"]
		for name, got := range map[string]string{"in one call": digests(t, one)["profiles"], "cut": digests(t, cut)["profiles"]} {
			if got != want {
				t.Errorf("seed %d, %s: the digest of profiles is %s, want %s", seed, name, got, want)
			}
		}
		if n := query(t, one, "select count(*) from profiles"); n[0][0] != int64(len(model)) {
			t.Errorf("seed %d: %v profiles, want %d", seed, n[0][0], len(model))
		}
	}
}
