package app

import (
	"fmt"
	"time"

	"clientele"
	"clientele/internal/config"
	"clientele/internal/resolve"
)

// standing are the problems that are found by looking, each with what to do: they come and go with
// what they are about.
func (a *App) standing() []string {
	out := a.exportProblems()
	if age := time.Duration(a.cfg.Backup.MaxAge); age > 0 {
		a.backups.mu.Lock()
		s := a.backups.state
		a.backups.mu.Unlock()
		since := s.At
		if s.State != clientele.BackupDone {
			if last, ok := LastBackup(a.cfg.Data); ok {
				since = last.At
			} else {
				since = 0
			}
		}
		switch old := a.o.Now().Sub(since.Time()); {
		case since == 0 && a.o.Now().Sub(a.started) > age:
			out = append(out, "backup: there is none; clientele backup makes one")
		case since != 0 && old > age:
			out = append(out, fmt.Sprintf("backup: the last one is %s old, backup.max_age is %s; clientele backup makes one", old.Round(time.Minute), age))
		}
	}
	return append(out, a.diskAlarms()...)
}

// diskAlarms are the parts that have outgrown what the configuration says of them.
func (a *App) diskAlarms() (out []string) {
	limits, sizes := a.cfg.Disk, a.sizes()
	for _, part := range []struct {
		name, fix string
		limit     config.Size
	}{
		{"archive", "move archive.dir to a larger disk", limits.Archive},
		{"rows", "raise it, or give the data directory a larger disk", limits.Rows},
		{"columns", "raise it, or give the data directory a larger disk", limits.Columns},
	} {
		if size := config.Size(sizes[part.name]); part.limit > 0 && size > part.limit {
			out = append(out, fmt.Sprintf("%[1]s: it takes %[2]s, disk.%[1]s is %[3]s; %[4]s", part.name, size.Short(), part.limit.Short(), part.fix))
		}
	}
	if free, known := a.log.Free(); known && limits.Free > 0 && config.Size(free) < limits.Free {
		out = append(out, fmt.Sprintf("disk: %s are free, disk.free is %s; below log.reserve (%s) nothing is accepted: make room", config.Size(free).Short(), limits.Free.Short(), a.cfg.Log.Reserve.Short()))
	}
	if limits.Quarantine > 0 {
		if t, err := resolve.LoadTotals(a.rows); err == nil && t.Quarantined > int64(limits.Quarantine) {
			out = append(out, fmt.Sprintf("quarantine: %d records, disk.quarantine is %d; clientele quarantine list shows why", t.Quarantined, limits.Quarantine))
		}
	}
	return out
}
