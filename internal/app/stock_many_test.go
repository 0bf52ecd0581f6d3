package app_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"clientele"
)

// TestStockOfMany: a SKU that 100,000 people want comes back and goes. All of the test takes 13 seconds of processor time; on two cores
// with nothing else to do entering and leaving took 1.8 seconds each, with ten times as much other work 9 and 19. It says how long it took; nothing depends on it.
func TestStockOfMany(t *testing.T) {
	if os.Getenv("CLIENTELE_E2E") == "" {
		t.Skip("100,000 people take half a minute: make e2e runs it")
	}
	const people = 100_000
	ctx := context.Background()
	p := run(t, settings(t))
	for i := 0; i < people; i += 500 {
		var batch []string
		for j := i; j < i+500; j++ {
			batch = append(batch, track(fmt.Sprint("m", j), "Product Added", "2026-02-27T11:00:00Z", fmt.Sprintf(`"userId":"u%d"`, j), `{"sku":"B-42"}`))
		}
		p.batch(webKey, batch...)
	}
	stocked := func(available, at string) {
		p.rows("erp", fmt.Sprintf(`{"table":"inventory","id":"s%s","fields":{"sku":"B-42","available":%q,"as_of":"2026-02-%sT00:00:00Z"}}`, at, available, at))
	}
	stocked("0", "20")
	p.settle()
	if _, err := p.client.SetAudience(ctx, clientele.Audience{Name: "can have it", Where: clientele.RawJSON(`{"catalog":"wanted_skus","available":{"op":"gt","value":0}}`)}); err != nil {
		t.Fatal(err)
	}
	p.filled("can have it")
	for i, available := range []string{"3", "0"} {
		p.settle() // memberships of the change before are in the columns
		began := time.Now()
		stocked(available, fmt.Sprint(21+i))
		want := int64(people * (1 - i))
		for v := int64(-1); v != want; time.Sleep(20 * time.Millisecond) {
			a, err := p.client.Audience(ctx, "can have it")
			if err != nil {
				t.Fatal(err)
			}
			if v = a.Members; time.Since(began) > 5*time.Minute {
				t.Fatalf("%d of %d", v, want)
			}
		}
		t.Logf("%d members after %v", want, time.Since(began))
	}
}
