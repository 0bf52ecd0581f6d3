package importer

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"clientele"
)

const (
	inFlight          = 3 // Append calls under way while parsing goes on
	retryFirst        = 100 * time.Millisecond
	retryMost         = 10 * time.Second
	retryFor          = 15 * time.Minute // that a sink may be unavailable
	rowsPerCheckpoint = 10_000
)

// sender cuts records into batches and appends them, some at a time, while the reading goes
// on. What a checkpoint says is acknowledged, and so is everything before it.
type sender struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	opt    *Options
	key    string
	done   int64 // rows an earlier run brought in

	cur     *batch
	queue   chan *batch // in order, bounded
	appends sync.WaitGroup
	commits sync.WaitGroup

	acked, quarantined atomic.Int64
	saved              int64
	err                error // of the committer; read after commits.Wait
}

// batch is records of both kinds that were made of whole rows, so that all rows up to the
// last one are acknowledged with it.
type batch struct {
	buf   []byte
	items []item
	rows  int64 // all rows up to here are in this batch or an earlier one
	bad   int64
	err   chan error
}

type item struct {
	kind     clientele.Kind
	verdict  clientele.Verdict
	from, to int
}

func newSender(ctx context.Context, opt *Options, key string, done int64) *sender {
	s := &sender{opt: opt, key: key, done: done, saved: done, cur: newBatch(), queue: make(chan *batch, inFlight-1)}
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	s.commits.Add(1)
	go s.commit()
	return s
}

func newBatch() *batch {
	return &batch{buf: make([]byte, 0, maxAppendBytes+maxAppendBytes/8), err: make(chan error, 1)}
}

// room makes room for the records of one row: a row is never in two batches. rows is how many
// rows came before it.
func (s *sender) room(records, bytes int, rows int64) error {
	if len(s.cur.items) > 0 && (len(s.cur.items)+records > maxAppendRecords || len(s.cur.buf)+bytes > maxAppendBytes) {
		return s.flush(rows)
	}
	return nil
}

// add takes a record of a row that room was made for.
func (s *sender) add(kind clientele.Kind, verdict clientele.Verdict, raw []byte) {
	if verdict != clientele.Accepted {
		s.cur.bad++
	}
	from := len(s.cur.buf)
	s.cur.buf = append(s.cur.buf, raw...)
	s.cur.items = append(s.cur.items, item{kind, verdict, from, len(s.cur.buf)})
}

// flush sends what was gathered. rows is how many rows are behind it.
func (s *sender) flush(rows int64) error {
	b := s.cur
	b.rows = rows
	s.cur = newBatch()
	select {
	case s.queue <- b:
	case <-s.ctx.Done():
		return context.Cause(s.ctx)
	}
	s.appends.Add(1)
	go func() {
		defer s.appends.Done()
		b.err <- s.append(b)
	}()
	return nil
}

// append sends the records of a batch, one kind and at most one frame's worth at a time.
func (s *sender) append(b *batch) error {
	now := clientele.MicrosOf(s.opt.Now())
	for _, kind := range []clientele.Kind{clientele.KindRow, clientele.KindEvent} {
		var records []clientele.Record
		size := 0
		for _, it := range b.items {
			if it.kind != kind {
				continue
			}
			n := it.to - it.from
			if len(records) == maxAppendRecords || len(records) > 0 && size+n > maxAppendBytes {
				if err := s.retry(kind, records); err != nil {
					return err
				}
				records, size = nil, 0
			}
			if records == nil {
				records = make([]clientele.Record, 0, len(b.items))
			}
			records = append(records, clientele.Record{Source: s.opt.Source, ReceivedAt: now, Verdict: it.verdict, Raw: b.buf[it.from:it.to:it.to]})
			size += n
		}
		if len(records) > 0 {
			if err := s.retry(kind, records); err != nil {
				return err
			}
		}
	}
	return nil
}

// retry appends until the sink takes it, for as long as it only says that it cannot just now.
func (s *sender) retry(kind clientele.Kind, records []clientele.Record) error {
	wait, since := retryFirst, time.Now()
	for {
		err := s.opt.Sink.Append(s.ctx, kind, records)
		if clientele.ErrorCode(err) != clientele.Unavailable || time.Since(since) > retryFor {
			return err
		}
		s.opt.Log.Debug("import waits for the log", "source", s.opt.Source, "wait", wait)
		timer := time.NewTimer(wait/2 + rand.N(wait/2))
		select {
		case <-timer.C:
		case <-s.ctx.Done():
			timer.Stop()
			return context.Cause(s.ctx)
		}
		wait = min(2*wait, retryMost)
	}
}

// commit waits for the batches in order and keeps the checkpoint.
func (s *sender) commit() {
	defer s.commits.Done()
	acked := s.saved
	for b := range s.queue {
		err := <-b.err
		if s.err != nil {
			continue // drain
		}
		if err != nil {
			s.err = err
			s.cancel(err)
			continue
		}
		acked = b.rows
		s.acked.Add(int64(len(b.items)) - b.bad)
		s.quarantined.Add(b.bad)
		if acked-s.saved >= rowsPerCheckpoint {
			s.save(acked)
		}
	}
	if acked > s.saved {
		s.save(acked)
	}
}

func (s *sender) save(rows int64) {
	if s.opt.Checkpoint == nil || s.key == "" || rows <= s.saved {
		return
	}
	if err := s.opt.Checkpoint.Save(s.key, rows); err != nil {
		if s.err == nil {
			s.err = err
			s.cancel(err)
		}
		return
	}
	s.saved = rows
}

// close waits until nothing is under way. With an error from the reading nothing more is
// begun, but what was begun is waited for.
func (s *sender) close(reading error) error {
	close(s.queue)
	s.commits.Wait()
	s.appends.Wait()
	s.cancel(reading)
	return s.err
}

func appendInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }
