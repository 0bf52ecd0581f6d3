package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"clientele"
)

const matchingPath = "/api/v1/identity/matching"

// StartMatching runs matching now; dry tells the numbers alone.
func (c *Client) StartMatching(ctx context.Context, req clientele.MatchRunRequest) (*clientele.MatchRun, error) {
	return send[clientele.MatchRun](ctx, c, http.MethodPost, matchingPath+"/runs", req)
}

// MatchRuns are the latest runs of matching, the newest first.
func (c *Client) MatchRuns(ctx context.Context) ([]clientele.MatchRun, error) {
	var p struct {
		Items []clientele.MatchRun `json:"items"`
	}
	err := c.call(ctx, request{method: http.MethodGet, path: matchingPath + "/runs"}, &p)
	return p.Items, err
}

// EndMatchRun approves or discards a run that waits.
func (c *Client) EndMatchRun(ctx context.Context, id clientele.Position, approve bool) (*clientele.MatchRun, error) {
	end := "discard"
	if approve {
		end = "approve"
	}
	return send[clientele.MatchRun](ctx, c, http.MethodPost, matchingPath+"/runs/"+strconv.FormatUint(uint64(id), 10)+"/"+end, nil)
}

// MatchReviews lists pairs of the review queue.
func (c *Client) MatchReviews(ctx context.Context, q clientele.MatchReviewQuery, limit int, cursor string) ([]clientele.MatchReview, string, error) {
	query := url.Values{}
	for k, v := range map[string]string{"state": string(q.State), "q": q.Text, "cursor": cursor} {
		if v != "" {
			query.Set(k, v)
		}
	}
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	var p struct {
		Items []clientele.MatchReview `json:"items"`
		Next  string                  `json:"next"`
	}
	err := c.call(ctx, request{method: http.MethodGet, path: matchingPath + "/reviews", query: query}, &p)
	return p.Items, p.Next, err
}

// DecideMatches gives pairs of the review queue a verdict. A pair that cannot have it is refused alone.
func (c *Client) DecideMatches(ctx context.Context, d clientele.MatchDecision) (*clientele.MatchDecided, error) {
	return send[clientele.MatchDecided](ctx, c, http.MethodPost, matchingPath+"/reviews", d)
}
