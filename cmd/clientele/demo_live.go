package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"clientele"
)

// live tells what happens in the shop from now on until the context ends: events go to the collect
// API, as web shop and app would send them, what other systems tell to that of imports.
func (d *demo) live(ctx context.Context) error {
	web := &http.Client{Timeout: 30 * time.Second}
	defer web.CloseIdleConnections()
	gap := time.Second / time.Duration(d.f.perSecond)
	tick := time.NewTicker(gap)
	defer tick.Stop()
	told := false
	for r := range d.shop.Live(clientele.MicrosOf(time.Now()), clientele.Micros(gap.Microseconds())) {
		var err error
		if key := d.key(r.Source); key != "" && r.Kind == clientele.KindEvent {
			err = send(ctx, web, d.address, key, r.Raw)
		} else {
			_, err = d.api.Import(ctx, r.Source, r.Kind, []clientele.Record{{Raw: r.Raw}})
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !told: // the shop goes on; the next may get through
			d.printError(err)
		}
		told = err != nil
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// send is one call of a client library.
func send(ctx context.Context, web *http.Client, address, key string, message []byte) error {
	body := fmt.Appendf(nil, `{"batch":[%s]}`, message)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"/v1/batch", bytes.NewReader(body))
	if err != nil {
		return clientele.Errorf(clientele.Internal, "live: %w", err)
	}
	req.SetBasicAuth(key, "")
	req.Header.Set("Content-Type", "application/json")
	resp, err := web.Do(req)
	if err != nil {
		return clientele.Errorf(clientele.Unavailable, "live: %w", err)
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	if resp.StatusCode != http.StatusOK {
		return clientele.Errorf(clientele.Unavailable, "live: %s: %s", resp.Status, bytes.TrimSpace(said))
	}
	return nil
}
