package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"clientele"
)

// WatchEvents calls fn once with nothing when it has begun, then with events as the server resolves them, and with how many were left out because
// this reader was too slow, until fn answers an error, which it answers then, or the server ends it: after
// an hour, or when it stops. Then it answers nil.
func (c *Client) WatchEvents(ctx context.Context, q clientele.LiveQuery, fn func(events []clientele.LiveEvent, missed int64) error) error {
	query := url.Values{}
	for name, v := range map[string]string{"source": q.Source, "outcome": q.Outcome} {
		if v != "" {
			query.Set(name, v)
		}
	}
	return c.stream(ctx, "/api/v1/events/stream", query, func(name string, data []byte) error {
		var events []clientele.LiveEvent
		var gap struct{ Missed int64 }
		switch name {
		case "events":
			if err := json.Unmarshal(data, &events); err != nil {
				return err
			}
		case "missed":
			if err := json.Unmarshal(data, &gap); err != nil {
				return err
			}
		}
		return fn(events, gap.Missed)
	})
}

// WatchPulse calls fn with the pulse whenever it has changed, at most once a second; it ends as WatchEvents does.
func (c *Client) WatchPulse(ctx context.Context, fn func(clientele.Pulse) error) error {
	return c.stream(ctx, "/api/v1/status/stream", nil, func(_ string, data []byte) error {
		var p clientele.Pulse
		if err := json.Unmarshal(data, &p); err != nil {
			return err
		}
		return fn(p)
	})
}

// Pulse is whether data comes in, and how large things are.
func (c *Client) Pulse(ctx context.Context) (*clientele.Pulse, error) {
	return send[clientele.Pulse](ctx, c, http.MethodGet, "/api/v1/status/pulse", nil)
}

// stream reads server-sent events.
func (c *Client) stream(ctx context.Context, path string, query url.Values, fn func(name string, data []byte) error) error {
	resp, err := c.do(ctx, request{method: http.MethodGet, path: path, query: query})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 4<<20)
	name := ""
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "event":
			name = value
		case "data":
			if err := fn(name, []byte(value)); err != nil {
				return err
			}
		}
	}
	if err := lines.Err(); err != nil && !errors.Is(err, context.Canceled) {
		return clientele.Errorf(clientele.Unavailable, "the stream broke off: %w", err)
	}
	return ctx.Err()
}
