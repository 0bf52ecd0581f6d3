package resolve_test

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/zeebo/xxh3"

	"clientele"
	"clientele/internal/identity"
	"clientele/internal/resolve"
	"clientele/internal/store/storetest"
)

// counting is a store that counts for how many message ids it is asked.
type counting struct {
	clientele.RowStore
	asked int
}

func (c *counting) Load(keys []clientele.Key) ([][]byte, error) {
	for _, k := range keys {
		c.note(k)
	}
	return c.RowStore.Load(keys)
}

func (c *counting) Get(k clientele.Key) ([]byte, error) {
	c.note(k)
	return c.RowStore.Get(k)
}

func (c *counting) note(k clientele.Key) {
	if k[0] == clientele.RowSeen && len(k) == 25 {
		c.asked++
	}
}

// TestSieve: after a start with many stored message ids every repeat is still known, and soon the
// store is not asked for new ones any more.
func TestSieve(t *testing.T) {
	const stored, received = 120_000, 10 * day
	id := func(n int) string { return fmt.Sprintf("stored-%d", n) }
	set := &clientele.ChangeSet{Position: 1}
	for n := range stored {
		at := uint64(received - n%2*day/2) // in two of the buckets
		set.Rows = append(set.Rows, clientele.RowChange{Key: clientele.SeenKey(at/(day/2), xxh3.Hash128([]byte("web\x00"+id(n))).Bytes()),
			Value: binary.BigEndian.AppendUint64(nil, at)})
	}
	store := &counting{RowStore: storetest.NewMemory()}
	if err := store.Apply(set); err != nil {
		t.Fatal(err)
	}
	rules, err := identity.NewRules(clientele.DefaultIdentityRules())
	if err != nil {
		t.Fatal(err)
	}
	r, err := resolve.New(resolve.Options{Store: store, Sources: source, Rules: rules})
	if err != nil {
		t.Fatal(err)
	}
	batch := func(ids ...string) {
		t.Helper()
		f := clientele.Frame{Kind: clientele.KindEvent}
		for _, id := range ids {
			f.Records = append(f.Records, event("web", received+1, fmt.Sprintf(`{"type":"page","anonymousId":"a","messageId":%q}`, id)))
		}
		if err := r.Batch([]resolve.Decoded{resolve.Decode(r.Position()+1, &f, resolve.Rules{Identity: rules}, source)}); err != nil {
			t.Fatal(err)
		}
	}
	const rounds, perRound = 8, 100
	for round := range rounds {
		var ids []string
		for n := range perRound {
			ids = append(ids, id(round*perRound+n), fmt.Sprintf("new-%d-%d", round, n))
		}
		before := store.asked
		batch(append(ids, ids...)...) // each twice in one batch, too
		if got := r.Totals(); got.Events != int64(perRound*(round+1)) || got.Duplicates != 3*int64(perRound*(round+1)) {
			t.Fatalf("round %d: %d events, %d duplicates", round, got.Events, got.Duplicates)
		}
		// Repeats are looked up, each telling in at most three buckets; of the new ones hardly any is.
		if asked := store.asked - before; round == rounds-1 && asked > 2*3*perRound+perRound/4 {
			t.Errorf("the store is asked %d times for %d repeats and %d new ids", asked, 2*perRound, perRound)
		}
	}
}
