package duckstore_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"clientele"
)

const (
	benchProfiles = 1_000_000
	benchEvents   = 5_000_000
	benchBatch    = 20_000
)

func benchEvent(i int) []any {
	person := int64(i*7919%benchProfiles + 1)
	return row("events", map[string]any{"source": "web", "event_id": fmt.Sprintf("event-%09d-%08x", i, i*2654435761), "anchor_id": person, "profile_id": person,
		"ts": int64(1_700_000_000_000_000 + i*1_000_000), "received_at": int64(1_700_000_000_500_000 + i*1_000_000), "type": "track", "name": []string{"Page Viewed", "Product Viewed", "Order Completed"}[i%3],
		"anonymous_id": fmt.Sprintf("anon-%d", person), "properties": fmt.Sprintf(`{"product_id":"p%d","category":"c%d","price":%d.5,"quantity":%d,"url":"https://shop.example/p/%d"}`, i%5000, i%40, i%300, i%4, i),
		"context": `{"locale":"en","page":{"path":"/p"},"library":{"name":"analytics.js","version":"2.1"}}`})
}

func benchProfile(i, version int) []any {
	return row("profiles", map[string]any{"profile_id": int64(i%benchProfiles + 1), "first_seen": int64(1_700_000_000_000_000), "last_seen": int64(1_700_000_000_000_000 + version),
		"traits": fmt.Sprintf(`{"name":"Person %d","city":"City %d","plan":"pro","score":%d}`, i, i%500, version+i%100)})
}

// BenchmarkColumns prints the figures of a store with 1 M profiles and 5 M events: what it
// takes to apply a follower's batch, what the overlay costs, what promotion and folding take.
func BenchmarkColumns(b *testing.B) {
	ctx := context.Background()
	s := open(b, filepath.Join(b.TempDir(), "columns.duckdb"))
	next := uint64(1)
	timed := func(what string, fn func()) {
		begin := time.Now()
		fn()
		fmt.Printf("%-60s %8.0f ms  file %d MB\n", what, float64(time.Since(begin).Microseconds())/1000, s.Size()>>20)
	}
	put := func(ch clientele.Change) { apply(b, s, next, ch); next++ }
	timed("load", func() {
		for from := 0; from < benchEvents; from += 100_000 {
			ch := clientele.Change{Tables: []clientele.TableRows{{Table: "events"}, {Table: "profiles"}}}
			for i := from; i < from+100_000; i++ {
				ch.Tables[0].Upsert = append(ch.Tables[0].Upsert, benchEvent(i))
			}
			for i := from / 5; i < from/5+20_000; i++ {
				ch.Tables[1].Upsert = append(ch.Tables[1].Upsert, benchProfile(i, 0))
			}
			put(ch)
		}
	})
	at := benchEvents
	batch := func() clientele.Change {
		ch := clientele.Change{Tables: []clientele.TableRows{{Table: "events"}, {Table: "profiles"}}}
		for i := at; i < at+benchBatch; i++ {
			ch.Tables[0].Upsert = append(ch.Tables[0].Upsert, benchEvent(i))
			ch.Tables[1].Upsert = append(ch.Tables[1].Upsert, benchProfile(i*7919, i))
		}
		at += benchBatch
		return ch
	}
	for range 3 {
		ch := batch()
		timed("apply 20,000 events and 20,000 profiles", func() { put(ch) })
	}
	timed("apply 1 event and 1 profile, 20 times", func() {
		for range 20 {
			put(clientele.Change{Tables: []clientele.TableRows{{Table: "events", Upsert: [][]any{benchEvent(at)}}, {Table: "profiles", Upsert: [][]any{benchProfile(at, at)}}}})
			at++
		}
	})
	look := func(when string) {
		for _, q := range []string{"select count(*) from events", "select profile_id, count(*) n from events where name = 'Order Completed' group by 1 order by 2 desc limit 10",
			"select count(*) from events where profile_id = 77", "select count(*), sum(json_num(properties, 'price')) from events"} {
			query(b, s, q)
			timed(when+": "+q, func() { query(b, s, q) })
		}
	}
	look("no overlay")
	var ch clientele.Change
	for i := range 10_000 {
		ch.Moved = append(ch.Moved, clientele.Moved{Anchor: clientele.Anchor(i*100 + 1), Profile: clientele.ProfileID(i + 1)})
	}
	timed("apply 10,000 moved", func() { put(ch) })
	look("10,000 moved")
	timed("fold", func() {
		if err := s.Fold(ctx); err != nil {
			b.Fatal(err)
		}
	})
	timed("promote a property of 5 M events", func() {
		put(clientele.Change{Promoted: []clientele.Promotion{{Table: "events", JSON: "price", Column: "price", Type: clientele.TypeDouble}}})
	})
	var eight clientele.Change
	for _, k := range []string{"product_id", "category", "url", "a", "b", "c", "d", "e"} {
		eight.Promoted = append(eight.Promoted, clientele.Promotion{Table: "events", JSON: k, Column: k, Type: clientele.TypeText})
	}
	timed("promote 8 more", func() { put(eight) })
	more := batch()
	timed("apply 20,000 and 20,000 with 9 promoted columns", func() { put(more) })
	query(b, s, "select count(*), sum(price) from events")
	timed("digests", func() { digests(b, s) })
	timed("maintain", func() {
		if err := s.Maintain(ctx); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkBloat prints how the file grows when the same 100,000 profiles are replaced 50
// times, without upkeep and with it.
func BenchmarkBloat(b *testing.B) {
	for _, every := range []int{0, 10} {
		s := open(b, filepath.Join(b.TempDir(), fmt.Sprint("columns", every, ".duckdb")))
		begin := time.Now()
		for round := range 50 {
			ch := clientele.Change{Tables: []clientele.TableRows{{Table: "profiles"}}}
			for i := range 100_000 {
				ch.Tables[0].Upsert = append(ch.Tables[0].Upsert, benchProfile(i, round))
			}
			apply(b, s, uint64(round+1), ch)
			if every > 0 && round%every == every-1 {
				if err := s.Maintain(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
			if round == 0 || round%10 == 9 {
				fmt.Printf("upkeep every %d rounds: round %d, %.1f s, file %.1f MB\n", every, round+1, time.Since(begin).Seconds(), float64(s.Size())/1e6)
			}
		}
		if err := s.Maintain(context.Background()); err != nil {
			b.Fatal(err)
		}
		fmt.Printf("upkeep every %d rounds: after upkeep file %.1f MB\n", every, float64(s.Size())/1e6)
	}
}
