package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"clientele"
)

// AuditRecord is one act of the audit log.
type AuditRecord struct {
	N       uint64           `json:"n"`
	At      clientele.Micros `json:"at"`
	By      string           `json:"by"`
	Act     string           `json:"act"`
	Target  string           `json:"target,omitempty"`
	Outcome string           `json:"outcome"`
	Request string           `json:"request,omitempty"`
	Prev    string           `json:"prev"`
	Seal    string           `json:"seal"`
}

// AuditFilter chooses records; what is empty chooses all.
type AuditFilter struct {
	By, Act string
	Person  string // a profile id, or namespace:value
}

// AuditReport is a whole chain.
type AuditReport struct {
	First   uint64 `json:"first"`
	Last    uint64 `json:"last"`
	Records uint64 `json:"records"`
	Head    string `json:"head"`
}

// Audit lists who did what, the newest first.
func (c *Client) Audit(ctx context.Context, f AuditFilter, limit int, cursor string) ([]AuditRecord, string, error) {
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	for name, v := range map[string]string{"by": f.By, "act": f.Act, "person": f.Person, "cursor": cursor} {
		if v != "" {
			q.Set(name, v)
		}
	}
	var page struct {
		Items []AuditRecord `json:"items"`
		Next  string        `json:"next"`
	}
	err := c.call(ctx, request{method: http.MethodGet, path: "/api/v1/audit", query: q}, &page)
	return page.Items, page.Next, err
}

// VerifyAudit reads the whole audit log; Corrupt, or a fault of the server, when its chain is broken.
func (c *Client) VerifyAudit(ctx context.Context) (*AuditReport, error) {
	var r AuditReport
	err := c.call(ctx, request{method: http.MethodGet, path: "/api/v1/audit/verify"}, &r)
	return &r, err
}
