package app

import (
	"context"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"clientele"
	"clientele/internal/identity"
	"clientele/internal/linkage"
	"clientele/internal/resolve"
	"clientele/internal/store/duckstore"
)

// healths keeps what was last told of the identity graph, for it looks at every profile.
type healths struct {
	making sync.Mutex
	last   atomic.Pointer[madeHealth]
	want   chan struct{} // somebody has been told what is old
}

type madeHealth struct {
	clientele.IdentityHealth
	at   time.Time
	took time.Duration
}

// What takes longer than healthQuick to make is told again for healthShare times as long before it is made anew.
const (
	healthQuick = 250 * time.Millisecond
	healthShare = 20
)

// IdentityHealth is how the identity graph is doing, and how far it can be trusted; of a little while ago where there are many
// profiles.
func (a *App) IdentityHealth(ctx context.Context) (*clientele.IdentityHealth, error) {
	last := a.health.last.Load()
	if last == nil || last.took < healthQuick {
		var err error
		if last, err = a.makeHealth(ctx); err != nil {
			return nil, err
		}
	} else if time.Since(last.at) > healthShare*last.took {
		select {
		case a.health.want <- struct{}{}:
		default:
		}
	}
	h := last.IdentityHealth
	h.Matching.Online = a.online.now()
	return &h, nil
}

// renewHealth is the stage that makes it anew behind who asks.
func (a *App) renewHealth(ctx context.Context) error {
	for {
		select {
		case <-a.health.want:
		case <-ctx.Done():
			return nil
		}
		if _, err := a.makeHealth(ctx); err != nil && ctx.Err() == nil {
			a.o.Log.Warn("identity health", "error", err.Error())
		}
	}
}

// makeHealth looks at everybody. Who asks while it is made waits for it.
func (a *App) makeHealth(ctx context.Context) (*madeHealth, error) {
	asked := time.Now()
	a.health.making.Lock()
	defer a.health.making.Unlock()
	if last := a.health.last.Load(); last != nil && last.at.After(asked) {
		return last, nil
	}
	made := &madeHealth{at: time.Now()}
	h, err := a.identityHealth(ctx)
	if err != nil {
		return nil, err
	}
	made.IdentityHealth, made.took = *h, time.Since(made.at)
	made.AsOf = clientele.MicrosOf(a.o.Now())
	a.health.last.Store(made)
	return made, nil
}

func (a *App) identityHealth(ctx context.Context) (*clientele.IdentityHealth, error) {
	v, err := a.view()
	if err != nil {
		return nil, err
	}
	defer v.Close()
	h, suspects, err := identity.Health(v.graph.Rules(), v)
	if err != nil {
		return nil, err
	}
	for _, s := range suspects {
		if err := v.suspect(h, s); err != nil {
			return nil, err
		}
	}
	h.Matching, err = v.matchTrust()
	if err != nil || h.Profiles == 0 {
		return h, err
	}
	res, err := a.columns.Query(ctx, `select count(distinct profile_id) from (select profile_id, arg_max(granted, ts) as granted from consents group by profile_id, purpose, channel) c where granted`,
		nil, duckstore.Limits{})
	if err != nil {
		return nil, err
	}
	n, err := integer(res.Rows[0][0])
	h.ConsentRate = float64(n) / float64(h.Profiles)
	return h, err
}

// Two spellings of a name are common, and two birth dates are not.
const (
	manyNames = 3
	manyDates = 2
)

// maxSuspicious is how many suspicious profiles are told.
const maxSuspicious = 20

// suspect looks whether the profile's identifiers have told of several people.
func (v *view) suspect(h *clientele.IdentityHealth, s clientele.ProfileSize) error {
	if s.Identifiers < 2 || len(h.Suspicious) >= maxSuspicious {
		return nil
	}
	members, err := v.graph.Members(s.ID)
	if err != nil {
		return err
	}
	names, dates := map[string]bool{}, map[string]bool{}
	for _, a := range members {
		traits, err := resolve.LoadTraits(v, v.traits, []clientele.Anchor{a})
		if err != nil {
			return err
		}
		says := map[string]string{}
		for name, raw := range traits {
			flatten(says, name, raw, true)
		}
		for name, text := range says {
			switch linkage.RoleOf(name) {
			case linkage.GivenName:
				names[strings.ToLower(text)] = true
			case linkage.BirthDate:
				dates[text] = true
			}
		}
	}
	if len(names) >= manyNames || len(dates) >= manyDates {
		h.Suspicious = append(h.Suspicious, clientele.SuspiciousProfile{ID: s.ID, Identifiers: s.Identifiers, GivenNames: len(names), BirthDates: len(dates)})
	}
	return nil
}

// matchTrust estimates what matching has got wrong, and what it has missed.
func (v *view) matchTrust() (t clientele.MatchTrust, err error) {
	labels, _, open, err := matchLabels(v)
	if err != nil {
		return t, err
	}
	right := linkage.Calibrate(labels)
	wrong := 0.0
	if runs, err := resolve.LoadMatchRuns(v, 1); err != nil || len(runs) == 0 {
		return t, err // matching was never used: evidence need not be read
	}
	if err := v.graph.Matches(func(m clientele.MatchPair, refused string) error {
		t.Matches++
		if refused != "" {
			t.Blocked++
			return nil
		}
		wrong += 1 - right.Probability(m.Match.Weight)
		return nil
	}); err != nil {
		return t, err
	}
	if joined := t.Matches - t.Blocked; joined > 0 {
		t.OverMerge = wrong / float64(joined)
	}
	t.Open, t.Decided = int64(len(open)), int64(len(labels))
	for _, l := range labels {
		if l.Same {
			t.Same++
		}
	}
	if t.Decided > 0 {
		low, high := wilson(t.Same, t.Decided)
		n := float64(t.Open)
		t.UnderMerge, t.UnderMergeLow, t.UnderMergeHigh = n*float64(t.Same)/float64(t.Decided), n*low, n*high
	}
	return t, nil
}

// wilson is the 95 % interval of a share (Wilson, 1927).
func wilson(k, n int64) (low, high float64) {
	const z = 1.959964
	p, m := float64(k)/float64(n), float64(n)
	mid, half := p+z*z/(2*m), z*math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	return max(0, (mid-half)/(1+z*z/m)), min(1, (mid+half)/(1+z*z/m))
}
