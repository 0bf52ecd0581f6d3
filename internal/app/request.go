package app

import (
	"context"
	"strings"
	"time"

	"clientele"
	"clientele/internal/resolve"
)

// This file is the register of what persons have asked for, with the dates by which it is due.

// SubjectRequests are all: those that wait first, by when they are due.
func (a *App) SubjectRequests(context.Context) ([]clientele.SubjectRequest, error) {
	return resolve.LoadRequests(a.rows)
}

// EnterRequest notes that a person asks for access or erasure. It is due privacy.answer_within after its receipt.
func (a *App) EnterRequest(ctx context.Context, by string, in clientele.NewSubjectRequest) (*clientele.SubjectRequest, error) {
	if in.Kind != clientele.RequestAccess && in.Kind != clientele.RequestErasure {
		return nil, clientele.Errorf(clientele.Invalid, "a request is access or erasure")
	}
	now := clientele.MicrosOf(a.o.Now())
	if in.Received == 0 {
		in.Received = now
	}
	if in.Received > now {
		return nil, clientele.Errorf(clientele.Invalid, "received is in the future").WithHint("say when the person asked")
	}
	p, err := a.profileOf(clientele.Identifier{Namespace: in.Namespace, Value: in.Value})
	if err != nil {
		return nil, err
	}
	due := in.Received + clientele.Micros(time.Duration(a.live.Load().cfg.Privacy.AnswerWithin).Microseconds())
	at, err := a.command(ctx, clientele.CommandSubjectRequest, by, resolve.RequestBody{Kind: in.Kind, Profile: p,
		Reference: strings.TrimSpace(in.Reference), Received: in.Received, Due: due})
	if err != nil {
		return nil, err
	}
	return resolve.LoadRequest(a.rows, at)
}

// CloseRequest notes how a request ended. Conflict when it was closed before.
func (a *App) CloseRequest(ctx context.Context, by string, id string, end clientele.SubjectRequestEnd) (*clientele.SubjectRequest, error) {
	at, err := resolve.ParseRequestID(id)
	if err != nil {
		return nil, err
	}
	q, err := resolve.LoadRequest(a.rows, at)
	if err != nil {
		return nil, err
	}
	end.Reason = strings.TrimSpace(end.Reason)
	switch {
	case q.Closed != 0:
		return nil, clientele.Errorf(clientele.Conflict, "the request was closed already").WithHint("enter another one where the person asks again")
	case end.Outcome != clientele.RequestAnswered && end.Outcome != clientele.RequestRefused:
		return nil, clientele.Errorf(clientele.Invalid, "a request ends answered or refused")
	case end.Outcome == clientele.RequestRefused && end.Reason == "":
		return nil, clientele.Errorf(clientele.Invalid, "a refusal has a reason").WithHint("say why, as the person is told: without personal data")
	}
	if _, err := a.command(ctx, clientele.CommandSubjectRequest, by, resolve.RequestBody{Close: at, Outcome: end.Outcome, Reason: end.Reason}); err != nil {
		return nil, err
	}
	return resolve.LoadRequest(a.rows, at)
}

// requestsOf are the open requests to erase the person, by whichever number they were entered.
func (a *App) requestsOf(p clientele.ProfileID) (out []string, err error) {
	all, err := resolve.LoadRequests(a.rows)
	for _, q := range all {
		if q.Closed != 0 || q.Kind != clientele.RequestErasure {
			continue
		}
		now, err := a.profileOf(clientele.Identifier{Namespace: "id", Value: q.Profile.String()})
		if clientele.ErrorCode(err) == clientele.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		if now == p {
			out = append(out, q.ID)
		}
	}
	return out, err
}

func (a *App) profileOf(id clientele.Identifier) (clientele.ProfileID, error) {
	v, err := a.view()
	if err != nil {
		return 0, err
	}
	defer v.Close()
	return v.find(id)
}
