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

// live sends what happens in the shop from now on to the collect API, as its web shop and app
// would, until the context ends.
func (d *demo) live(ctx context.Context) error {
	web := &http.Client{Timeout: 30 * time.Second}
	defer web.CloseIdleConnections()
	gap := time.Second / time.Duration(d.f.perSecond)
	told := false
	for r := range d.shop.Live(clientele.MicrosOf(time.Now()), clientele.Micros(gap.Microseconds())) {
		timer := time.NewTimer(time.Until(r.At.Time()))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
		err := send(ctx, web, d.address, d.key(r.Source), r.Raw)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !told: // the shop goes on; the next may get through
			d.printError(err)
		}
		told = err != nil
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
