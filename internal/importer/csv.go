package importer

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// rowReader reads the rows of one file in turn.
type rowReader interface {
	// next fills the row: texts or values, line and raw. A row that cannot be read has a
	// fault and is not an error; the error is io.EOF at the end, or what ended the reading.
	next(r *row) error
}

// Faults of rows.
const (
	faultLong      = "the row is over 1 MB"
	faultUTF8      = "the row is not UTF-8: say encoding: in the mapping"
	faultDecode    = "the row has bytes that the encoding does not have"
	faultNUL       = "the row has a NUL byte"
	faultBareQuote = "a quote stands within a value without quotes"
	faultQuote     = "a quoted value goes on behind its closing quote"
	faultOpenQuote = "a quoted value is not closed"
)

// window reads a stream piece by piece: the bytes from pos on are not consumed yet. It never
// holds more than one row and one read.
type window struct {
	r        io.Reader
	buf      []byte
	pos, end int
	eof      bool
	err      error // other than io.EOF
	line     int64 // of pos, from 1
}

const readSize = 128 << 10

func newWindow(r io.Reader) *window { return &window{r: r, line: 1} }

// fill reads more behind what is there. It says whether there is more.
func (w *window) fill() bool {
	if w.eof || w.err != nil {
		return false
	}
	if w.pos > 0 {
		copy(w.buf, w.buf[w.pos:w.end])
		w.end -= w.pos
		w.pos = 0
	}
	if len(w.buf)-w.end < readSize {
		grown := make([]byte, max(2*len(w.buf), 2*readSize))
		copy(grown, w.buf[:w.end])
		w.buf = grown
	}
	for range 100 {
		n, err := w.r.Read(w.buf[w.end:])
		w.end += n
		if errors.Is(err, io.EOF) {
			w.eof = true
		} else if err != nil {
			w.err = err
		}
		if n > 0 || err != nil {
			return n > 0
		}
	}
	w.err = io.ErrNoProgress
	return false
}

// physicalLine is the next line without its line end, and how many bytes it takes with it; long when it is
// over MaxRowBytes and was cut. false at the end of the file.
func (w *window) physicalLine() (text []byte, size int, long, ok bool) {
	from := 0
	for {
		have := w.buf[w.pos:w.end]
		if i := bytes.IndexByte(have[from:], '\n'); i >= 0 {
			size = from + i + 1
			break
		}
		from = len(have)
		if len(have) > MaxRowBytes {
			return have[:MaxRowBytes], MaxRowBytes, true, true
		}
		if !w.fill() {
			if w.err != nil || len(have) == 0 {
				return nil, 0, false, false
			}
			size = len(have)
			break
		}
	}
	text = w.buf[w.pos : w.pos+size]
	text = bytes.TrimSuffix(text, []byte{'\n'})
	text = bytes.TrimSuffix(text, []byte{'\r'})
	return text, size, len(text) > MaxRowBytes, true
}

// skip consumes n bytes and counts lines.
func (w *window) skip(n int) {
	w.line += int64(bytes.Count(w.buf[w.pos:w.pos+n], []byte{'\n'}))
	w.pos += n
}

// dropLine consumes up to and with the next line end, however far it is.
func (w *window) dropLine() {
	for {
		if i := bytes.IndexByte(w.buf[w.pos:w.end], '\n'); i >= 0 {
			w.skip(i + 1)
			return
		}
		w.pos = w.end
		if !w.fill() {
			return
		}
	}
}

// finished is what ended the reading.
func (w *window) finished() error {
	if w.err != nil {
		return w.err
	}
	return io.EOF
}

// csvReader reads RFC 4180 with a free choice of delimiter and quote. encoding/csv reads a
// whole record before it can be refused, so one lost quote would take the memory of a file;
// here a row is bounded, and reading goes on behind the first line of a row that is bad.
type csvReader struct {
	w       *window
	spec    *fileSpec
	delim   byte
	foreign bool // decoded from another encoding
	text    []byte
	ends    []int
}

func (c *csvReader) next(r *row) error {
	for {
		line, size, long, ok := c.w.physicalLine()
		switch {
		case !ok:
			return c.w.finished()
		case long:
			r.start(c.w.line, line[:min(len(line), MaxRowBytes)])
			r.fault = faultLong
			r.raw = bytes.Clone(r.raw[:min(len(r.raw), QuarantineKept)]) // dropLine moves the window
			c.w.dropLine()
			return nil
		case len(line) == 0 || c.spec.comment != 0 && line[0] == c.spec.comment:
			c.w.skip(size)
			continue
		}
		r.start(c.w.line, line)
		if c.spec.quote == 0 || bytes.IndexByte(line, c.spec.quote) < 0 {
			c.split(r, string(line))
			c.w.line++
			c.w.pos += size
		} else {
			n, fault := c.quoted(r)
			if fault != "" {
				// The row may be its first line alone with a quote too many.
				r.fault = fault
				_, n, _, _ = c.w.physicalLine()
				r.raw = bytes.Clone(bytes.TrimRight(c.w.buf[c.w.pos:c.w.pos+min(n, QuarantineKept)], "\r\n"))
			}
			c.w.skip(n)
		}
		if r.fault == "" {
			r.fault = textFault(r.raw, c.foreign)
		}
		return nil
	}
}

// start makes the row ready for its next content.
func (r *row) start(line int64, raw []byte) {
	r.line, r.raw, r.texts, r.fault = line, raw, r.texts[:0], ""
}

// textFault says what is wrong with the bytes of a row.
func textFault(raw []byte, foreign bool) string {
	switch {
	case bytes.IndexByte(raw, 0) >= 0:
		return faultNUL
	case foreign && bytes.Contains(raw, []byte("\uFFFD")):
		return faultDecode
	case !utf8.Valid(raw):
		return faultUTF8
	}
	return ""
}

func (c *csvReader) split(r *row, line string) {
	for {
		i := strings.IndexByte(line, c.delim)
		if i < 0 {
			r.texts = append(r.texts, line)
			return
		}
		r.texts = append(r.texts, line[:i])
		line = line[i+1:]
	}
}

// quoted parses a row that has quotes, from the window's position. It says how many bytes the
// row takes, or what is wrong with it.
func (c *csvReader) quoted(r *row) (size int, fault string) {
	c.text, c.ends = c.text[:0], c.ends[:0]
	i := 0
	for {
		end, fault := 0, ""
		if b, ok := c.byteAt(i); ok && b == c.spec.quote {
			end, fault = c.quotedField(i + 1)
		} else {
			end, fault = c.plainField(i)
		}
		if fault != "" {
			return 0, fault
		}
		c.ends = append(c.ends, len(c.text))
		b, ok := c.byteAt(end)
		i = end + 1
		if ok && b == c.delim {
			continue
		}
		if ok && b == '\r' {
			i++
		}
		break
	}
	size = min(i, c.w.end-c.w.pos)
	if size > MaxRowBytes+2 {
		return 0, faultLong
	}
	r.raw = bytes.TrimRight(c.w.buf[c.w.pos:c.w.pos+size], "\r\n")
	all, from := string(c.text), 0
	for _, e := range c.ends {
		r.texts = append(r.texts, all[from:e])
		from = e
	}
	return size, ""
}

// byteAt is the byte at an offset from the window's position; false at the end of the file.
func (c *csvReader) byteAt(i int) (byte, bool) {
	for c.w.pos+i >= c.w.end {
		if !c.w.fill() {
			return 0, false
		}
	}
	return c.w.buf[c.w.pos+i], true
}

// atEnd says whether the field ends at the offset: delimiter, line end or end of file.
func (c *csvReader) atEnd(i int) bool {
	b, ok := c.byteAt(i)
	if !ok || b == c.delim || b == '\n' {
		return true
	}
	if b != '\r' {
		return false
	}
	b, ok = c.byteAt(i + 1)
	return !ok || b == '\n'
}

func (c *csvReader) plainField(i int) (end int, fault string) {
	for !c.atEnd(i) {
		b, _ := c.byteAt(i)
		if b == c.spec.quote && !c.spec.lazy {
			return 0, faultBareQuote
		}
		if i > MaxRowBytes {
			return 0, faultLong
		}
		c.text = append(c.text, b)
		i++
	}
	return i, ""
}

// quotedField reads from behind the opening quote to behind the closing one.
func (c *csvReader) quotedField(i int) (end int, fault string) {
	for {
		if i > MaxRowBytes {
			return 0, faultLong
		}
		b, ok := c.byteAt(i)
		switch {
		case !ok && c.spec.lazy:
			if b, _ := c.byteAt(i - 1); b == '\r' { // half a line end, as encoding/csv sees it
				c.text = bytes.TrimSuffix(c.text, []byte{'\r'})
			}
			return i, ""
		case !ok:
			return 0, faultOpenQuote
		case b == '\r':
			if n, ok := c.byteAt(i + 1); ok && n == '\n' { // line ends within values are \n
				i++
				continue
			}
		case b == c.spec.quote:
			if n, ok := c.byteAt(i + 1); ok && n == c.spec.quote {
				i++
				break
			}
			if c.atEnd(i + 1) {
				return i + 1, ""
			}
			if !c.spec.lazy {
				return 0, faultQuote
			}
		}
		c.text = append(c.text, b)
		i++
	}
}
