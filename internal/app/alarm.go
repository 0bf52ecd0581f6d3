package app

import (
	"fmt"
	"time"

	"clientele"
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
	return out
}
