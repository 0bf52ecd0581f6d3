// Package client talks to Clientele's HTTP API. Every method answers with the types of package
// clientele, and its errors are *clientele.Error with the code and the hint the server gave.
// Personal data travels in bodies, never in a URL that a proxy might log.
package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"clientele"
)

// Client is safe for use by several goroutines.
type Client struct {
	base  string
	token string
	http  *http.Client
}

// New makes a client of the server at baseURL, for example http://127.0.0.1:8080. Invalid when
// that is no http or https URL.
func New(baseURL, token string) (*Client, error) {
	u, err := url.Parse(baseURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, clientele.Errorf(clientele.Invalid, "the server's address is no http or https URL").
			WithHint("write it like http://127.0.0.1:8080")
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 16
	t.ResponseHeaderTimeout = 15 * time.Minute // above the server's longest operation
	return &Client{base: strings.TrimRight(baseURL, "/"), token: token, http: &http.Client{Transport: t}}, nil
}

// Pin makes the client accept the first certificate of the PEM text and no other, whatever name and
// issuer it has: for who got it from the server's own machine.
func (c *Client) Pin(text []byte) error {
	block, _ := pem.Decode(text)
	if block == nil {
		return clientele.Errorf(clientele.Invalid, "the certificate is not PEM")
	}
	c.http.Transport.(*http.Transport).TLSClientConfig = &tls.Config{
		InsecureSkipVerify: true, // what is verified is that it is this one
		VerifyConnection: func(s tls.ConnectionState) error {
			if !bytes.Equal(s.PeerCertificates[0].Raw, block.Bytes) {
				return clientele.Errorf(clientele.Denied, "the server shows another certificate")
			}
			return nil
		},
	}
	return nil
}

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// problem is an error on the wire.
type problem struct {
	Detail string         `json:"detail"`
	Code   clientele.Code `json:"code"`
	Hint   string         `json:"hint"`
}

// request is one call.
type request struct {
	method, path string
	query        url.Values
	body         any       // JSON
	raw          io.Reader // or this, as contentType
	contentType  string
	encoding     string // of raw: gzip, or nothing
	numbers      bool   // keep whole numbers apart from others in the answer
}

// do sends the request; the caller closes the body of the answer, which has a 2xx status.
func (c *Client) do(ctx context.Context, r request) (*http.Response, error) {
	target := c.base + r.path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	body := r.raw
	if r.body != nil {
		b, err := json.Marshal(r.body)
		if err != nil {
			return nil, clientele.Errorf(clientele.Invalid, "request: %w", err)
		}
		body, r.contentType = bytes.NewReader(b), "application/json"
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, body)
	if err != nil {
		return nil, clientele.Errorf(clientele.Invalid, "request: %w", plain(err))
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	if r.encoding != "" {
		req.Header.Set("Content-Encoding", r.encoding)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, clientele.Errorf(clientele.Unavailable, "request: %w", ctx.Err())
		}
		return nil, clientele.Errorf(clientele.Unavailable, "server: %w", plain(err)).WithHint("is it running? clientele serve starts one")
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, problemOf(resp)
}

// call is do with an answer in JSON; into may be nil.
func (c *Client) call(ctx context.Context, r request, into any) error {
	resp, err := c.do(ctx, r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if into == nil {
		return nil
	}
	d := json.NewDecoder(resp.Body)
	if r.numbers {
		d.UseNumber()
	}
	if err := d.Decode(into); err != nil {
		return clientele.Errorf(clientele.Unavailable, "answer: %w", err).WithHint("is the address that of a Clientele server?")
	}
	return nil
}

// plain is the error without the URL that net/http puts before it.
func plain(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func problemOf(resp *http.Response) error {
	var p problem
	b, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil || json.Unmarshal(b, &p) != nil || p.Code == "" {
		return clientele.Errorf(codeOf(resp.StatusCode), "server: %s", resp.Status).WithHint("is the address that of a Clientele server?")
	}
	e := clientele.Errorf(p.Code, "%s", p.Detail)
	e.Hint = p.Hint
	return e
}

// codeOf is for answers that come from something between us and the server.
func codeOf(status int) clientele.Code {
	switch status {
	case http.StatusUnauthorized:
		return clientele.Unknown
	case http.StatusForbidden:
		return clientele.Denied
	case http.StatusNotFound:
		return clientele.NotFound
	case http.StatusRequestEntityTooLarge:
		return clientele.TooLarge
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return clientele.Unavailable
	}
	if status/100 == 4 {
		return clientele.Invalid
	}
	return clientele.Internal
}

// Health is nil when a Clientele server answers; instance names its run.
func (c *Client) Health(ctx context.Context) (instance string, err error) {
	var h struct {
		Status   string `json:"status"`
		Instance string `json:"instance"`
	}
	if err := c.call(ctx, request{method: http.MethodGet, path: "/healthz"}, &h); err != nil {
		return "", err
	}
	return h.Instance, nil
}

// Profile is the profile that has the identifier; namespace "id" is a profile id or a former
// one. explain says where each trait came from.
func (c *Client) Profile(ctx context.Context, id clientele.Identifier, explain bool) (*clientele.Profile, error) {
	var p clientele.Profile
	return result(&p, c.call(ctx, request{method: http.MethodPost, path: "/api/v1/profiles/lookup",
		body: map[string]any{"namespace": id.Namespace, "value": id.Value, "explain": explain}}, &p))
}

// result is the answer, or the error and no answer.
func result[T any](v *T, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

func paging(limit int, cursor string) url.Values {
	q := url.Values{}
	if limit > 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	return q
}

// Search finds profiles by what people type. next is the cursor of the next page, "" at the
// end. What is typed goes into the query: the API has no other place for it.
func (c *Client) Search(ctx context.Context, q string, limit int, cursor string) (found []*clientele.Profile, next string, err error) {
	query := paging(limit, cursor)
	if q != "" {
		query.Set("q", q)
	}
	var p page[*clientele.Profile]
	err = c.call(ctx, request{method: http.MethodGet, path: "/api/v1/profiles", query: query}, &p)
	return p.Items, p.Next, err
}

// pathOf is the profile's path by its id, looked up when the identifier is another one, so that
// the value is in no URL.
func (c *Client) pathOf(ctx context.Context, id clientele.Identifier) (string, error) {
	if id.Namespace != "id" {
		p, err := c.Profile(ctx, id, false)
		if err != nil {
			return "", err
		}
		id.Value = p.ID.String()
	}
	return "/api/v1/profiles/id/" + url.PathEscape(id.Value), nil
}

// Events are the profile's events, the newest first.
func (c *Client) Events(ctx context.Context, id clientele.Identifier, limit int, cursor string) (events []clientele.Event, next string, err error) {
	path, err := c.pathOf(ctx, id)
	if err != nil {
		return nil, "", err
	}
	var p page[clientele.Event]
	err = c.call(ctx, request{method: http.MethodGet, path: path + "/events", query: paging(limit, cursor)}, &p)
	return p.Items, p.Next, err
}

// Names are what profiles are called, without those that there are not.
func (c *Client) Names(ctx context.Context, ids []clientele.ProfileID) ([]clientele.ProfileName, error) {
	var r struct {
		Items []clientele.ProfileName `json:"items"`
	}
	err := c.call(ctx, request{method: http.MethodPost, path: "/api/v1/profiles/names", body: map[string]any{"ids": ids}}, &r)
	return r.Items, err
}

// Summary is what who serves the person has at hand: worth, last orders and conversations, sizes, what is looked for.
func (c *Client) Summary(ctx context.Context, id clientele.Identifier) (*clientele.Summary, error) {
	path, err := c.pathOf(ctx, id)
	if err != nil {
		return nil, err
	}
	return send[clientele.Summary](ctx, c, http.MethodGet, path+"/summary", nil)
}

// Identity explains why the profile is one person.
func (c *Client) Identity(ctx context.Context, id clientele.Identifier) (*clientele.IdentityView, error) {
	path, err := c.pathOf(ctx, id)
	if err != nil {
		return nil, err
	}
	var v clientele.IdentityView
	return result(&v, c.call(ctx, request{method: http.MethodGet, path: path + "/identity"}, &v))
}

// Merge adds a manual link between the profile and the identifiers.
func (c *Client) Merge(ctx context.Context, req clientele.MergeRequest) (*clientele.MergeResult, error) {
	var r clientele.MergeResult
	return result(&r, c.call(ctx, request{method: http.MethodPost, path: "/api/v1/profiles/merge", body: req}, &r))
}

// Unmerge retires evidence, or takes identifiers out of the profile, and keeps them apart.
func (c *Client) Unmerge(ctx context.Context, req clientele.MergeRequest) (*clientele.MergeResult, error) {
	var r clientele.MergeResult
	return result(&r, c.call(ctx, request{method: http.MethodPost, path: "/api/v1/profiles/unmerge", body: req}, &r))
}

// Simulate says what complete other rules would do. sample is how many changed groups to show.
func (c *Client) Simulate(ctx context.Context, rules clientele.IdentityRules, sample int) (*clientele.Simulation, error) {
	var s clientele.Simulation
	return result(&s, c.call(ctx, request{method: http.MethodPost, path: "/api/v1/identity/simulate",
		body: map[string]any{"rules": rules, "sample": sample}}, &s))
}

// IdentityRules are the rules in force that say which identifiers make one person.
func (c *Client) IdentityRules(ctx context.Context) (*clientele.IdentityRules, error) {
	return send[clientele.IdentityRules](ctx, c, http.MethodGet, "/api/v1/identity/rules", nil)
}

// IdentityHealth says how the identity graph is doing.
func (c *Client) IdentityHealth(ctx context.Context) (*clientele.IdentityHealth, error) {
	var h clientele.IdentityHealth
	return result(&h, c.call(ctx, request{method: http.MethodGet, path: "/api/v1/identity/health"}, &h))
}

// Query runs one SELECT with values for $1, $2, ...; maxRows 0 is the server's limit. Whole
// numbers come as int64, others as float64.
func (c *Client) Query(ctx context.Context, sql string, params []any, maxRows int) (*clientele.QueryResult, error) {
	body := map[string]any{"sql": sql, "max_rows": maxRows}
	if len(params) > 0 {
		body["params"] = params
	}
	var r clientele.QueryResult
	if err := c.call(ctx, request{method: http.MethodPost, path: "/api/v1/query", body: body, numbers: true}, &r); err != nil {
		return nil, err
	}
	for _, row := range r.Rows {
		for i, v := range row {
			row[i] = number(v)
		}
	}
	return &r, nil
}

// number makes an int64 or a float64 of a JSON number; anything else stays.
func number(v any) any {
	n, ok := v.(json.Number)
	if !ok {
		return v
	}
	if i, err := n.Int64(); err == nil {
		return i
	}
	if f, err := n.Float64(); err == nil {
		return f
	}
	return n.String()
}

// Quarantine lists records that could not be used, the newest first.
func (c *Client) Quarantine(ctx context.Context, limit int, cursor string) (items []clientele.Quarantined, next string, err error) {
	return c.FindQuarantined(ctx, clientele.QuarantineQuery{}, limit, cursor)
}

// Replay tries quarantined records again, all of them when ids is empty, and says how many.
func (c *Client) Replay(ctx context.Context, ids []string) (int, error) {
	body := map[string]any{"all": true}
	if len(ids) > 0 {
		body = map[string]any{"ids": ids}
	}
	var r struct {
		Replayed int `json:"replayed"`
	}
	err := c.call(ctx, request{method: http.MethodPost, path: "/api/v1/quarantine/replay", body: body}, &r)
	return r.Replayed, err
}

// Status is what the server says of itself.
func (c *Client) Status(ctx context.Context) (*clientele.Status, error) {
	var s clientele.Status
	return result(&s, c.call(ctx, request{method: http.MethodGet, path: "/api/v1/status"}, &s))
}

// Digests are checksums of every table's content.
func (c *Client) Digests(ctx context.Context) (map[string]string, error) {
	var d map[string]string
	err := c.call(ctx, request{method: http.MethodGet, path: "/api/v1/status/digests"}, &d)
	return d, err
}

// Token is a token of the API without its secret.
type Token struct {
	Name    string           `json:"name"`
	Scopes  []string         `json:"scopes"`
	Role    string           `json:"role,omitempty"` // instead of scopes
	Created clientele.Micros `json:"created"`
	Revoked clientele.Micros `json:"revoked"` // 0: in use
}

// CreateToken makes a token with scopes of read, write, collect and admin. The secret is in
// this answer and nowhere else.
func (c *Client) CreateToken(ctx context.Context, name string, scopes []string) (secret string, err error) {
	var made struct {
		Token string `json:"token"`
	}
	err = c.call(ctx, request{method: http.MethodPost, path: "/api/v1/tokens", body: map[string]any{"name": name, "scopes": scopes}}, &made)
	return made.Token, err
}

// CreateRoleToken makes a token that may do and sees what the role does.
func (c *Client) CreateRoleToken(ctx context.Context, name, role string) (secret string, err error) {
	var made struct {
		Token string `json:"token"`
	}
	err = c.call(ctx, request{method: http.MethodPost, path: "/api/v1/tokens", body: map[string]any{"name": name, "role": role}}, &made)
	return made.Token, err
}

// Tokens are all tokens, revoked ones included.
func (c *Client) Tokens(ctx context.Context) ([]Token, error) {
	var p page[Token]
	err := c.call(ctx, request{method: http.MethodGet, path: "/api/v1/tokens"}, &p)
	return p.Items, err
}

// RevokeToken ends the token of that name, at once.
func (c *Client) RevokeToken(ctx context.Context, name string) error {
	return c.call(ctx, request{method: http.MethodDelete, path: "/api/v1/tokens/" + url.PathEscape(name)}, nil)
}
