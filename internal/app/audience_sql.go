package app

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"clientele"
	"clientele/internal/audience"
	"clientele/internal/resolve"
	"clientele/internal/store/duckstore"
)

// Limits of the queries of SQL audiences.
const (
	maxQueried   = 5_000_000 // people
	queryTime    = 5 * time.Minute
	refreshEvery = audience.Day // unless the audience says otherwise
	shortest     = audience.Minute
)

// refreshLook is how often the stage looks for SQL audiences that are due; refreshAgain is when a query that
// failed is asked again.
const (
	refreshLook  = 2 * time.Second
	refreshAgain = time.Minute
)

// failure is why the latest refresh of an audience failed.
type failure struct {
	text string
	at   clientele.Micros
}

// failures are those of audiences whose latest refresh failed. They are no part of the log: after a
// restart the query is asked again.
type failures struct {
	mu sync.Mutex
	by map[string]failure
}

func (f *failures) note(name string, err error, at clientele.Micros) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.by == nil {
		f.by = map[string]failure{}
	}
	if delete(f.by, name); err != nil {
		f.by[name] = failure{err.Error(), at}
	}
}

func (f *failures) of(name string) (failure, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	x, failed := f.by[name]
	return x, failed
}

// checkQuery says what is wrong with the query of an SQL audience, or with how often it is asked.
func (a *App) checkQuery(ctx context.Context, in clientele.Audience) error {
	if in.Kind != clientele.AudienceSQL {
		return nil
	}
	if _, err := everyOf(in.Every); err != nil {
		return err
	}
	named := false
	_, err := a.columns.Stream(ctx, in.Query, nil, duckstore.Limits{Rows: 1, Time: time.Duration(a.cfg.Query.Timeout)}, func(columns []clientele.QueryColumn) error {
		named = slices.ContainsFunc(columns, func(c clientele.QueryColumn) bool { return c.Name == "profile_id" && c.Type == "bigint" })
		return nil
	}, func([]any) error { return nil })
	if err == nil && !named {
		err = clientele.Errorf(clientele.Invalid, "the query has no column profile_id").WithHint("select profile_id from …")
	}
	return err
}

func everyOf(every string) (audience.Duration, error) {
	if every == "" {
		return refreshEvery, nil
	}
	d, err := audience.ParseDuration(every)
	if err == nil && d < shortest {
		err = clientele.Errorf(clientele.Invalid, "every is shorter than a minute").WithHint("write 1m or longer")
	}
	return d, err
}

// RefreshAudience asks the query of an SQL audience, and brings its list to the answer. When the query fails the
// members stay, and the error stands beside them.
func (a *App) RefreshAudience(ctx context.Context, by, name string) (*clientele.AudienceInForce, error) {
	v, err := resolve.LoadAudience(a.rows, name)
	if err != nil {
		return nil, err
	}
	if v.Kind != clientele.AudienceSQL {
		return nil, clientele.Errorf(clientele.Conflict, "the audience is of the kind %s", v.Kind).WithHint("only audiences of the kind sql are refreshed")
	}
	a.listing.Lock()
	defer a.listing.Unlock()
	err = a.refresh(ctx, by, v)
	if ctx.Err() == nil {
		a.failures.note(name, err, clientele.MicrosOf(a.o.Now()))
	}
	if err != nil {
		return nil, err
	}
	return a.Audience(ctx, name)
}

// refresh does it. All that is committed is in the column store first: who asks for it now means now.
func (a *App) refresh(ctx context.Context, by string, v *clientele.AudienceInForce) error {
	if err := a.applied.reach(ctx, a.committed.get()); err != nil {
		return err
	}
	var ids []clientele.Anchor
	query := "select distinct profile_id from (\n" + strings.TrimRight(v.Query, "; \t\r\n") + "\n) q where profile_id is not null"
	cut, err := a.columns.Stream(ctx, query, nil, duckstore.Limits{Rows: maxQueried, Bytes: -1, Time: queryTime},
		func([]clientele.QueryColumn) error { return nil }, func(row []any) error {
			id, ok := row[0].(int64)
			if !ok {
				return clientele.Errorf(clientele.Invalid, "profile_id is not a number").WithHint("select profile_id from …")
			}
			ids = append(ids, clientele.Anchor(id))
			return nil
		})
	if err == nil && cut {
		err = clientele.Errorf(clientele.TooLarge, "the query names over %d people", maxQueried)
	}
	if err != nil {
		return err
	}
	slices.Sort(ids)
	have, _, err := resolve.ListOfAudience(a.rows, v.Name)
	if err != nil {
		return err
	}
	return a.tellList(ctx, by, v.Name, listChange{add: without(ids, have, cmp.Compare), remove: without(have, ids, cmp.Compare)})
}

// refreshes asks the queries of SQL audiences when they are due.
func (a *App) refreshes(ctx context.Context) error {
	if !a.o.Serves {
		return nil
	}
	select {
	case <-a.told:
	case <-ctx.Done():
		return nil
	}
	for pause(ctx, refreshLook) == nil {
		list, err := a.Audiences(ctx)
		if err != nil {
			if ctx.Err() == nil {
				a.trouble.add("refresh", err.Error())
			}
			continue
		}
		now := clientele.MicrosOf(a.o.Now())
		for _, v := range list {
			if v.Kind != clientele.AudienceSQL || v.List.Due > now {
				continue
			}
			if _, err := a.RefreshAudience(ctx, "clientele", v.Name); err != nil && ctx.Err() == nil {
				a.o.Log.Warn("refresh", "audience", v.Name, "error", err.Error())
			}
		}
	}
	return nil
}

// schedule says when the query is asked again, and what was wrong the last time.
func (a *App) schedule(v *clientele.AudienceInForce) {
	if v.Kind != clientele.AudienceSQL {
		return
	}
	every, err := everyOf(v.Every)
	if err != nil { // it was checked when it came into force
		every = refreshEvery
	}
	v.List.Due = v.List.At + clientele.Micros(every)
	if v.At > v.List.At { // another query
		v.List.Due = v.At
	}
	if f, failed := a.failures.of(v.Name); failed && f.at >= v.At {
		v.List.Error, v.List.ErrorAt = f.text, f.at
		v.List.Due = max(v.List.Due, f.at+clientele.Micros(refreshAgain.Microseconds()))
	}
}
