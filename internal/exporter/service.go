package exporter

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"clientele"
)

// Job is an export that is repeated.
type Job struct {
	Name      string
	Request   clientele.ExportRequest // To: each run goes into a place of its own below it
	Every     time.Duration           // between the beginnings of two runs; 0: At
	At        time.Duration           // behind midnight UTC, each day
	SinceLast bool                    // only what has changed since the last run that was done
}

// ServiceOptions are what a Service works with.
type ServiceOptions struct {
	Source Source
	Ledger *Ledger
	Place  func(to string) (Place, error)
	Jobs   []Job
	Now    func() time.Time
	Room   func() error
	Log    *slog.Logger
	// Carries has Run carry out exports; without it they wait for a service that does.
	Carries  bool
	PartRows int64 // 0 = PartRows
}

// Service runs the exports of a server: those that are asked for and those that the configuration
// repeats, one after the other, and records those that others carry out.
type Service struct {
	o    ServiceOptions
	wake chan struct{}

	mu      sync.Mutex
	cancels map[string]context.CancelFunc // of exports that run
	retry   map[string]time.Time          // when one that failed is tried again
	totals  Totals
	begun   time.Time
}

// Totals are counts since the start.
type Totals struct {
	Ended       map[clientele.ExportState]uint64
	Retries     uint64
	Rows, Bytes uint64 // of those that are done
}

// NewService makes a service. What the ledger says was running when the last one ended goes on in
// Run, but for streams, whose reader has gone.
func NewService(o ServiceOptions) (*Service, error) {
	s := &Service{o: o, wake: make(chan struct{}, 1), cancels: map[string]context.CancelFunc{}, retry: map[string]time.Time{},
		totals: Totals{Ended: map[clientele.ExportState]uint64{}}, begun: o.Now()}
	for _, e := range o.Ledger.open() {
		if !strings.HasPrefix(e.To, streamed) {
			continue
		}
		e.State, e.Ended, e.Error = clientele.ExportFailed, clientele.MicrosOf(o.Now()), "it was interrupted"
		if err := o.Ledger.Put(e); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// streamed is where to an export went that nobody can go on with.
const streamed = "stream"

// ToStream is the place of an export that its asker writes: "stream", or "stream to" a description.
func ToStream(where string) string {
	if where == "" {
		return streamed
	}
	return streamed + " to " + where
}

// Ask has the export carried out by Run. The place must be one of its own: nothing may be there.
func (s *Service) Ask(by string, req clientele.ExportRequest) (clientele.Export, error) {
	return s.ask(by, "", req)
}

func (s *Service) ask(by, name string, req clientele.ExportRequest) (clientele.Export, error) {
	if err := errors.Join(req.Check(), CheckFormat(req.Format, req.Compression)); err != nil {
		return clientele.Export{}, first(err)
	}
	if _, err := s.o.Place(req.To); err != nil {
		return clientele.Export{}, err
	}
	e := clientele.Export{ID: s.newID(), Name: name, By: by, ExportRequest: req, State: clientele.ExportWaiting, Asked: clientele.MicrosOf(s.o.Now())}
	if err := s.o.Ledger.Put(e); err != nil {
		return clientele.Export{}, err
	}
	s.nudge()
	return e, nil
}

// first is the first of joined errors, with its code and hint.
func first(err error) error {
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		return j.Unwrap()[0]
	}
	return err
}

func (s *Service) newID() string {
	b := make([]byte, 4)
	rand.Read(b) // never fails: it ends the program instead
	return s.o.Now().UTC().Format(stampLayout) + "-" + hex.EncodeToString(b)
}

const stampLayout = "20060102T150405Z"

func (s *Service) nudge() {
	select {
	case s.wake <- struct{}{}:
	default: // it is awake
	}
}

// Cancel ends an export that waits or runs; what it has written stays. Conflict when it has ended.
func (s *Service) Cancel(id string) (clientele.Export, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.o.Ledger.Get(id)
	if err != nil {
		return e, err
	}
	if e.State.Ended() {
		return e, clientele.Errorf(clientele.Conflict, "the export has ended: it is %s", e.State)
	}
	e.State, e.Ended = clientele.ExportCancelled, clientele.MicrosOf(s.o.Now())
	if err := s.o.Ledger.Put(e); err != nil {
		return e, err
	}
	s.totals.Ended[e.State]++
	if cancel := s.cancels[id]; cancel != nil {
		cancel()
	}
	s.nudge()
	return e, nil
}

// Record carries out an export in the caller's place, as one that the ledger knows: do answers
// how far it came.
func (s *Service) Record(ctx context.Context, by string, req clientele.ExportRequest, do func(context.Context, func(Progress)) (Progress, error)) error {
	e := clientele.Export{ID: s.newID(), By: by, ExportRequest: req, Asked: clientele.MicrosOf(s.o.Now())}
	return s.run(ctx, e, do)
}

// Stream writes one file to w, recorded as an export.
func (s *Service) Stream(ctx context.Context, by string, req clientele.ExportRequest, w io.Writer) error {
	return s.Record(ctx, by, req, func(ctx context.Context, show func(Progress)) (Progress, error) {
		return Stream(ctx, s.o.Source, req, w, show)
	})
}

// run carries an export out and records its beginning and its end.
func (s *Service) run(ctx context.Context, e clientele.Export, do func(context.Context, func(Progress)) (Progress, error)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := s.running(&e, cancel); err != nil {
		return err
	}
	p, err := do(ctx, func(p Progress) { s.o.Ledger.show(e.ID, p) })
	return errors.Join(err, s.ended(ctx, e, p, err))
}

func (s *Service) running(e *clientele.Export, cancel context.CancelFunc) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now, err := s.o.Ledger.Get(e.ID); err == nil && now.State.Ended() {
		return clientele.Errorf(clientele.Conflict, "the export was cancelled")
	}
	e.State, e.Started, e.Error, e.Hint = clientele.ExportRunning, clientele.MicrosOf(s.o.Now()), "", ""
	e.Tries++
	s.cancels[e.ID] = cancel
	return s.o.Ledger.Put(*e)
}

func (s *Service) ended(ctx context.Context, e clientele.Export, p Progress, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.cancels, e.ID)
	e.Rows, e.Total, e.Bytes, e.Parts, e.Position = p.Rows, p.Total, p.Bytes, p.Parts, p.Position
	if now, errGet := s.o.Ledger.Get(e.ID); errGet == nil && now.State == clientele.ExportCancelled {
		now.Rows, now.Bytes, now.Parts, now.Position = p.Rows, p.Bytes, p.Parts, p.Position
		return s.o.Ledger.Put(now)
	}
	now := s.o.Now()
	e.Ended = clientele.MicrosOf(now)
	switch {
	case err == nil:
		e.State = clientele.ExportDone
		s.totals.Rows, s.totals.Bytes = s.totals.Rows+uint64(p.Rows), s.totals.Bytes+uint64(p.Bytes)
	case strings.HasPrefix(e.To, streamed):
		e.State, e.Error, e.Hint = clientele.ExportFailed, err.Error(), clientele.ErrorHint(err)
	case ctx.Err() != nil: // the server stops: it goes on when it is there again
		e.State, e.Ended = clientele.ExportWaiting, 0
	case passing(err) && e.Tries < maxTries:
		e.State, e.Ended, e.Error, e.Hint = clientele.ExportWaiting, 0, err.Error(), clientele.ErrorHint(err)
		s.retry[e.ID] = now.Add(backoff(e.Tries))
		s.totals.Retries++
	default:
		e.State, e.Error, e.Hint = clientele.ExportFailed, err.Error(), clientele.ErrorHint(err)
	}
	if e.State.Ended() {
		s.totals.Ended[e.State]++
		delete(s.retry, e.ID)
	}
	return s.o.Ledger.Put(e)
}

// An export that fails for a reason that may pass is tried so often, ever more rarely.
const maxTries = 10

func passing(err error) bool {
	code := clientele.ErrorCode(err)
	return code == clientele.Unavailable || code == clientele.Internal
}

// backoff is 30 s, doubled with each try, an hour at most.
func backoff(tries int) time.Duration {
	return min(time.Hour, 30*time.Second<<min(tries-1, 10))
}

// Run carries out what is asked for and what is due, until the context ends.
func (s *Service) Run(ctx context.Context) error {
	if !s.o.Carries {
		<-ctx.Done()
		return nil
	}
	for ctx.Err() == nil {
		next, err := s.due()
		if err != nil {
			s.o.Log.Error("export", "error", err.Error())
		}
		if e, ok := s.pick(); ok {
			s.carryOut(ctx, e)
			continue
		}
		timer := time.NewTimer(next)
		select {
		case <-timer.C:
		case <-s.wake:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	return nil
}

func (s *Service) carryOut(ctx context.Context, e clientele.Export) {
	log := s.o.Log.With("export", e.ID, "table", e.Table)
	err := s.run(ctx, e, func(ctx context.Context, show func(Progress)) (Progress, error) {
		place, err := s.o.Place(e.To)
		if err != nil {
			return Progress{}, err
		}
		return Run(ctx, Options{ID: e.ID, Request: e.ExportRequest, Source: s.o.Source, Place: place, PartRows: s.o.PartRows, Now: s.o.Now, Room: s.o.Room, Progress: show})
	})
	now, _ := s.o.Ledger.Get(e.ID)
	switch {
	case err == nil:
		log.Info("exported", "rows", now.Rows, "bytes", now.Bytes, "parts", now.Parts)
	case now.State == clientele.ExportCancelled, ctx.Err() != nil:
	default:
		log.Warn("export", "state", string(now.State), "tries", now.Tries, "error", err.Error(), "hint", clientele.ErrorHint(err))
	}
}

// pick is the oldest export that waits and may be tried now.
func (s *Service) pick() (clientele.Export, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Now()
	for _, e := range s.o.Ledger.open() {
		if s.cancels[e.ID] == nil && !strings.HasPrefix(e.To, streamed) && !now.Before(s.retry[e.ID]) {
			return e, true
		}
	}
	return clientele.Export{}, false
}

// longest is how long Run sleeps at most: a clock that is set is noticed then.
const longest = 10 * time.Minute

// due asks for what the jobs want now, and answers how long nothing will be to do.
func (s *Service) due() (time.Duration, error) {
	now := s.o.Now()
	wait := longest
	var errs []error
	for _, j := range s.o.Jobs {
		if next := s.next(j); next.After(now) {
			wait = min(wait, next.Sub(now))
			continue
		}
		if _, err := s.ask("schedule", j.Name, s.requestOf(j, now)); err != nil {
			errs = append(errs, err)
			wait = min(wait, time.Minute)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, at := range s.retry {
		wait = min(wait, max(0, at.Sub(now)))
	}
	return wait, errors.Join(errs...)
}

// next is when the job's next run begins: never while one of it is open.
func (s *Service) next(j Job) time.Time {
	last, ok := s.o.Ledger.last(j.Name, func(*clientele.Export) bool { return true })
	switch {
	case !ok && j.Every > 0:
		return s.begun
	case !ok:
		return atNext(s.begun, j.At)
	case !last.State.Ended():
		return s.o.Now().Add(longest)
	case j.Every > 0:
		return last.Asked.Time().Add(j.Every)
	}
	return atNext(last.Asked.Time(), j.At)
}

// atNext is the first time of day at that comes after t.
func atNext(t time.Time, at time.Duration) time.Time {
	t = t.UTC()
	next := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC).Add(at)
	for !next.After(t) {
		next = next.Add(day)
	}
	return next
}

// requestOf is what a run of the job asks for: into a place of its own, and when it wants no more,
// what has changed since the last one that was done and asked for the same.
func (s *Service) requestOf(j Job, now time.Time) clientele.ExportRequest {
	req := j.Request
	req.To = strings.TrimRight(req.To, "/") + "/" + path.Join(j.Name, now.UTC().Format(stampLayout))
	if !j.SinceLast {
		return req
	}
	last, ok := s.o.Ledger.last(j.Name, func(e *clientele.Export) bool {
		return e.State == clientele.ExportDone && e.Table == req.Table && e.Source == req.Source && slices.Equal(e.Columns, req.Columns)
	})
	if ok {
		req.Behind = last.Position
	}
	return req
}

// Scheduled are the jobs with their last and next runs.
func (s *Service) Scheduled() []clientele.ScheduledExport {
	out := []clientele.ScheduledExport{}
	for _, j := range s.o.Jobs {
		e := clientele.ScheduledExport{Name: j.Name, What: j.Request.Table, Next: clientele.MicrosOf(s.next(j))}
		if last, ok := s.o.Ledger.last(j.Name, func(*clientele.Export) bool { return true }); ok {
			e.Last = &last
		}
		out = append(out, e)
	}
	return out
}

// LastDone is when each job's last run that was done has ended; zero for none.
func (s *Service) LastDone() map[string]time.Time {
	out := map[string]time.Time{}
	for _, j := range s.o.Jobs {
		last, _ := s.o.Ledger.last(j.Name, func(e *clientele.Export) bool { return e.State == clientele.ExportDone })
		out[j.Name] = last.Ended.Time()
	}
	return out
}

// Totals are the counts of now, with how many exports run and wait.
func (s *Service) Totals() (t Totals, running, waiting int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t = s.totals
	t.Ended = map[clientele.ExportState]uint64{}
	for state, n := range s.totals.Ended {
		t.Ended[state] = n
	}
	for _, e := range s.o.Ledger.open() {
		if e.State == clientele.ExportRunning {
			running++
		} else {
			waiting++
		}
	}
	return t, running, waiting
}
