package eventlog

// Free is how many bytes this user may still write on the log's disk; false when the log is not
// on a disk of this machine.
func (l *Log) Free() (bytes uint64, known bool) {
	if l.o.URL != "" {
		return 0, false
	}
	bytes, err := freeBytes(l.o.Dir)
	return bytes, err == nil
}

// Restarts is how often the embedded server was started again since Open, after a write of its
// own had failed.
func (l *Log) Restarts() uint64 { return l.restarts.Load() }
