package resolve

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"clientele"
)

// RequestBody enters a person's request, or with Close ends one. It is in the log for ever and names nobody.
type RequestBody struct {
	Kind      string              `json:"kind,omitempty"`
	Profile   clientele.ProfileID `json:"profile,omitempty"`
	Reference string              `json:"reference,omitempty"`
	Received  clientele.Micros    `json:"received,omitempty"`
	Due       clientele.Micros    `json:"due,omitempty"`
	Close     clientele.Position  `json:"close,omitempty"`
	Outcome   string              `json:"outcome,omitempty"`
	Reason    string              `json:"reason,omitempty"`
}

func requestKey(at clientele.Position) clientele.Key {
	return clientele.MetaKey("subject_request").Uint(uint64(at))
}

// LoadRequests are all requests of persons: those that wait first, the one that is due first before all, then the closed,
// the latest first.
func LoadRequests(rows clientele.Rows) ([]clientele.SubjectRequest, error) {
	out := []clientele.SubjectRequest{}
	err := rows.Scan(clientele.Prefix(clientele.MetaKey("subject_request")), func(_ clientele.Key, v []byte) (bool, error) {
		q, err := readRequest(v)
		if err == nil {
			out = append(out, *q)
		}
		return err == nil, err
	})
	slices.SortFunc(out, func(x, y clientele.SubjectRequest) int {
		switch {
		case (x.Closed == 0) != (y.Closed == 0):
			return cmp.Compare(x.Closed, y.Closed)
		case x.Closed != 0:
			return cmp.Or(cmp.Compare(y.Closed, x.Closed), cmp.Compare(y.ID, x.ID))
		}
		return cmp.Or(cmp.Compare(x.Due, y.Due), cmp.Compare(x.ID, y.ID))
	})
	return out, err
}

// LoadRequest is the request that the command at the position has entered; NotFound when there is none.
func LoadRequest(rows clientele.Rows, at clientele.Position) (*clientele.SubjectRequest, error) {
	v, err := rows.Get(requestKey(at))
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, clientele.Errorf(clientele.NotFound, "there is no request of that id")
	}
	return readRequest(v)
}

const requestID = "rq_"

// ParseRequestID reads the id of a request: "rq_" and its position.
func ParseRequestID(id string) (clientele.Position, error) {
	digits, ok := strings.CutPrefix(id, requestID)
	n, err := strconv.ParseUint(digits, 10, 64)
	if !ok || err != nil {
		return 0, invalid("the id of a request is %s and a number", requestID)
	}
	return clientele.Position(n), nil
}

func readRequest(v []byte) (*clientele.SubjectRequest, error) {
	q := &clientele.SubjectRequest{}
	if err := json.Unmarshal(v, q); err != nil {
		return nil, clientele.Errorf(clientele.Corrupt, "request: %w", err)
	}
	return q, nil
}

// requestCommand enters a request, or closes one. One that was closed stays as it was closed first.
func (r *Resolver) requestCommand(b RequestBody, by string, p clientele.Position, now clientele.Micros) error {
	at, q := p, &clientele.SubjectRequest{ID: requestID + strconv.FormatUint(uint64(p), 10), Kind: b.Kind, Profile: b.Profile, Reference: b.Reference, Received: b.Received, Due: b.Due, By: by}
	if b.Close != 0 {
		var err error
		at = b.Close
		if q, err = LoadRequest(r.o.Store, b.Close); err != nil {
			return err
		}
		if q.Closed != 0 {
			return clientele.Errorf(clientele.Conflict, "the request was closed already")
		}
		q.Outcome, q.Reason, q.Closed, q.ClosedBy = b.Outcome, b.Reason, now, by
	}
	v, err := json.Marshal(q)
	if err == nil {
		r.put(requestKey(at), v)
	}
	return err
}
