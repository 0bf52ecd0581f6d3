package importer

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"clientele"
)

// run is one import or preview under way.
type run struct {
	opt     Options
	inputs  []input
	mapper  *mapper
	row     row
	file    string
	columns []string     // of the file that was opened last
	read    atomic.Int64 // bytes of the files
	rows    int64
	bad     counter
	start   time.Time

	lastProgress time.Time
}

func newRun(ctx context.Context, opt Options) (*run, error) {
	if opt.Mapping == nil {
		return nil, clientele.Errorf(clientele.Invalid, "there is no mapping")
	}
	if opt.Mapping.each != "" {
		return nil, clientele.Errorf(clientele.Invalid, "the mapping has each:, which is for webhooks").
			WithHint("write one row a line, or take each: out")
	}
	if opt.Source == "" || strings.ContainsFunc(opt.Source, func(r rune) bool { return r <= ' ' || r == ':' || r == 0x7f }) {
		return nil, clientele.Errorf(clientele.Invalid, "a source has a name without blanks and colons")
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	inputs, err := expand(ctx, opt.Paths, opt.Objects)
	if err != nil {
		return nil, err
	}
	mp, err := newMapper(opt.Mapping, opt.Source)
	if err != nil {
		return nil, err
	}
	r := &run{opt: opt, inputs: inputs, mapper: mp, start: opt.Now()}
	r.row.memos = make([]memo, opt.Mapping.memos)
	return r, nil
}

// errStop ends reading without being an error.
var errStop = errors.New("enough rows")

// Run imports the files. It returns when every row is durable in the sink, or with the first
// error that it cannot get over; started again with the same checkpoints and files, it goes on
// behind the last row that was acknowledged. Rows that cannot be read or mapped are sent as
// Malformed records and are no error.
func Run(ctx context.Context, opt Options) (Result, error) {
	r, err := newRun(ctx, opt)
	if err != nil {
		return Result{}, err
	}
	if opt.Sink == nil {
		return Result{}, clientele.Errorf(clientele.Internal, "import has no sink")
	}
	key := checkpointKey(opt.Source, opt.Mapping, r.inputs)
	var done int64
	if opt.Checkpoint != nil && key != "" {
		if done, err = opt.Checkpoint.Load(key); err != nil {
			return Result{}, err
		}
	}
	s := newSender(ctx, &r.opt, key, done)
	err = r.eachRow(s.ctx, func() error { return r.import1(s, done) })
	if s.ctx.Err() == nil { // what came before a damaged end is good
		if e := s.flush(r.rows); err == nil {
			err = e
		}
	}
	if e := s.close(err); e != nil {
		err = e // what the sender met is why the reading stopped
	}
	res := r.result(s, min(done, r.rows))
	if err == nil && opt.Checkpoint != nil && key != "" {
		err = opt.Checkpoint.Save(key, 0)
	}
	r.progress(s, true)
	return res, err
}

func (r *run) result(s *sender, skipped int64) Result {
	res := Result{Rows: r.rows, Records: s.acked.Load(), Tables: map[string]int64{}, Quarantined: s.quarantined.Load(), Skipped: skipped,
		Unchanged: r.mapper.unchanged, Bytes: r.read.Load(), Duration: r.opt.Now().Sub(r.start)}
	for i := range r.mapper.specs {
		st := &r.mapper.specs[i]
		if st.spec.table == nil {
			res.Events += st.sent
		} else {
			res.Tables[st.spec.name()] += st.sent
		}
	}
	return res
}

// import1 maps the row that was just read and hands its records on, unless an earlier run has
// brought it in: then only the counters of identical rows move.
func (r *run) import1(s *sender, done int64) error {
	fault := r.row.fault
	if fault == "" {
		if err := r.mapper.mapRow(&r.row); err != nil {
			fault = err.Error()
		}
	}
	var bad []byte
	if fault != "" {
		bad = r.malformed(fault)
	}
	r.rows++
	switch {
	case r.rows <= done:
	case fault != "":
		if err := s.room(1, len(bad), r.rows-1); err != nil {
			return err
		}
		s.add(clientele.KindRow, clientele.Malformed, bad)
	default:
		if err := s.room(len(r.mapper.records), len(r.mapper.out), r.rows-1); err != nil {
			return err
		}
		for _, rec := range r.mapper.records {
			s.add(rec.state.spec.kind(), clientele.Accepted, r.mapper.out[rec.from:rec.to])
			rec.state.sent++
		}
	}
	if r.rows&0x3ff == 0 {
		r.progress(s, false)
	}
	return nil
}

// progressEvery is how often progress is told.
const progressEvery = 200 * time.Millisecond

func (r *run) progress(s *sender, last bool) {
	if r.opt.Progress == nil {
		return
	}
	now := r.opt.Now()
	if !last && now.Sub(r.lastProgress) < progressEvery {
		return
	}
	r.lastProgress = now
	p := Progress{File: r.file, Rows: r.rows, Records: s.acked.Load(), Quarantined: s.quarantined.Load(), Bytes: r.read.Load(), Elapsed: now.Sub(r.start)}
	for _, in := range r.inputs {
		p.TotalBytes += in.size
		if in.path == stdinPath {
			p.TotalBytes = 0
			break
		}
	}
	r.opt.Progress(p)
}

// malformed is the quarantine record of the row: where it was, what is wrong, and its text.
func (r *run) malformed(fault string) []byte {
	raw := r.row.raw
	if r.row.all != nil {
		raw, _ = appendAny(nil, r.row.all) // what has no JSON form ends it
	}
	h := hashOf(append(appendPart([]byte{idOfBad}, r.opt.Source), raw...))
	id := h.ordinal(r.bad.next(h.low()))
	if len(raw) > QuarantineKept {
		raw = raw[:QuarantineKept]
	}
	b := id.appendHex([]byte(`{"id":"`), 32)
	b = appendText(append(b, `","file":`...), strings.ToValidUTF8(filepath.Base(r.file), "\uFFFD"))
	b = appendInt(append(b, `,"line":`...), r.row.line)
	b = appendText(append(b, `,"error":`...), strings.ToValidUTF8(fault, "\uFFFD"))
	b = appendText(append(b, `,"row":`...), strings.ToValidUTF8(string(raw), "\uFFFD"))
	return append(b, '}')
}

// eachRow reads all files and calls fn with r.row filled.
func (r *run) eachRow(ctx context.Context, fn func() error) error {
	for _, in := range r.inputs {
		r.file = in.path
		f := r.opt.Mapping.file.format
		if f == formatAuto {
			f = formatOf(in.path)
		}
		var err error
		if f == formatParquet {
			err = r.eachParquet(ctx, in, fn)
		} else {
			err = r.eachText(ctx, in, fn)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *run) eachText(ctx context.Context, in input, fn func() error) error {
	from, done, err := r.streamOf(ctx, in)
	if err != nil {
		return err
	}
	defer done()
	rd, s, columns, err := r.opt.Mapping.open(in, from, &r.read, &r.row)
	if err != nil {
		return err
	}
	defer s.Close()
	r.columns = columns
	for {
		switch err := rd.next(&r.row); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return clientele.Errorf(clientele.Invalid, "%s ends in the middle, near line %d: %w", in.path, r.row.line, err).
				WithHint("the file is cut off or damaged; what came before is imported")
		}
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if err := fn(); err != nil {
			return err
		}
	}
}
