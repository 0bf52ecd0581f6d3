package eventlog

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"clientele"
)

// Damage is what Open found missing.
type Damage struct {
	// Gaps are positions inside the log whose frames are gone.
	Gaps []Gap
	// CutBytes were cut off block files because they are no whole records. After a crash it
	// is the append that was under way, which nobody was told of; anything else was lost.
	CutBytes int64
	// Files names the block files that were cut.
	Files []string
}

// Damage is what Open found missing; zero when the log is whole.
func (l *Log) Damage() Damage { return l.damage }

// blockFile is a file of the stream's messages as it was before the server saw it.
type blockFile struct {
	path  string
	index int
	info  fs.FileInfo
}

func blockFiles(dir string) []blockFile {
	paths, _ := filepath.Glob(filepath.Join(dir, "jetstream", "$G", "streams", streamName, "msgs", "*.blk"))
	var files []blockFile
	for _, p := range paths {
		index, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(p), ".blk"))
		info, statErr := os.Stat(p)
		if err == nil && statErr == nil {
			files = append(files, blockFile{p, index, info})
		}
	}
	slices.SortFunc(files, func(a, b blockFile) int { return a.index - b.index })
	return files
}

// survey finds out what the server has thrown away. When its state file does not fit the
// blocks, NATS reads all of them and cuts each at its first bad record, and only what a later
// block proves to be missing shows in the stream's state: so the files are compared too.
// (A rewritten block is another file and no damage, nor is a block that went away unless it
// was the last: purges do that.)
func (l *Log) survey(ctx context.Context, before []blockFile) error {
	info, err := l.link.Load().stream.Info(ctx, jetstream.WithDeletedDetails(true))
	if err != nil {
		return unreachable(err)
	}
	gone := info.State.Deleted
	if lost := info.State.Lost; lost != nil {
		gone = append(gone, lost.Msgs...)
	}
	slices.Sort(gone)
	for _, seq := range slices.Compact(gone) {
		p := clientele.Position(seq)
		if seq == 0 || seq < info.State.FirstSeq {
			continue
		}
		if n := len(l.damage.Gaps); n > 0 && l.damage.Gaps[n-1].To+1 == p {
			l.damage.Gaps[n-1].To = p
			continue
		}
		l.damage.Gaps = append(l.damage.Gaps, Gap{p, p})
	}
	for i, b := range before {
		now, err := os.Stat(b.path)
		switch {
		case err == nil && os.SameFile(now, b.info) && now.Size() < b.info.Size():
			l.damage.CutBytes += b.info.Size() - now.Size()
		case err != nil && i == len(before)-1 && b.info.Size() > 0:
			l.damage.CutBytes += b.info.Size()
		default:
			continue
		}
		l.damage.Files = append(l.damage.Files, filepath.Base(b.path))
	}
	for _, g := range l.damage.Gaps {
		l.o.Log.Error("log has lost frames", "from", uint64(g.From), "to", uint64(g.To))
	}
	if l.damage.CutBytes > 0 {
		l.o.Log.Warn("log was cut where it is not whole", "bytes", l.damage.CutBytes, "files", l.damage.Files, "last", uint64(l.Last()))
	}
	return nil
}
