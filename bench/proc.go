package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ticks are what Linux counts CPU time in for programs, on every machine that Go runs on.
const ticks = 100

// usage is what a process has used so far.
type usage struct {
	cpu     time.Duration // user and system, all threads, C code included
	rss     int64         // resident memory, bytes
	rssPeak int64
}

// usageOf reads /proc, so it needs Linux.
func usageOf(pid int) (u usage, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return u, fmt.Errorf("usage of the server: %w", err)
	}
	if u.cpu, err = statCPU(b); err != nil {
		return u, err
	}
	if b, err = os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)); err != nil {
		return u, fmt.Errorf("usage of the server: %w", err)
	}
	u.rss, u.rssPeak = kilobytes(b, "VmRSS:"), kilobytes(b, "VmHWM:")
	return u, nil
}

// statCPU is the CPU time in the line of /proc/PID/stat. The program's name, in parentheses, may
// hold anything.
func statCPU(b []byte) (time.Duration, error) {
	_, rest, ok := bytes.Cut(b[bytes.LastIndexByte(b, ')')+1:], []byte(" "))
	fields := strings.Fields(string(rest))
	if !ok || len(fields) < 13 {
		return 0, fmt.Errorf("usage of the server: %.40q is no line of /proc/PID/stat", b)
	}
	var sum int64
	for _, f := range fields[11:13] { // fields 14 and 15 of the line: utime, stime
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("usage of the server: %w", err)
		}
		sum += n
	}
	return time.Duration(sum) * time.Second / ticks, nil
}

// kilobytes is the value of a line such as "VmRSS:  1024 kB", in bytes; 0 when it is not there.
func kilobytes(b []byte, name string) int64 {
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == name {
			n, err := strconv.ParseInt(f[1], 10, 64)
			if err != nil {
				return 0
			}
			return n << 10
		}
	}
	return 0
}

// machine says in one line what the figures were measured on.
func machine() string {
	model := runtime.GOARCH
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	memory := int64(0)
	if b, err := os.ReadFile("/proc/meminfo"); err == nil {
		memory = kilobytes(b, "MemTotal:")
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease") // for the reader only
	return fmt.Sprintf("%d x %s, %.0f GiB, %s %s, %s", runtime.NumCPU(), model, float64(memory)/(1<<30), runtime.GOOS, strings.TrimSpace(string(kernel)), runtime.Version())
}

// loadAverage is that of the last minute, "" where it is not known.
func loadAverage() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(b), " ")
	return first
}

// syncs is how many appends with fsync a second one file takes.
type syncs struct{ small, large float64 }

func (s syncs) String() string {
	return fmt.Sprintf("%.0f/s at 1 KB, %.0f/s at 150 KB", s.small, s.large)
}

// probeDisk measures the disk that the data lies on, for half of the time each.
func probeDisk(dir string, d time.Duration) (syncs, error) {
	small, err := probeSync(dir, 1<<10, d/2)
	if err != nil {
		return syncs{}, err
	}
	large, err := probeSync(dir, 150<<10, d/2)
	return syncs{small, large}, err
}

func probeSync(dir string, size int, d time.Duration) (rate float64, err error) {
	f, err := os.CreateTemp(dir, ".fsync-*")
	if err != nil {
		return 0, fmt.Errorf("fsync probe: %w", err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	data := bytes.Repeat([]byte("0123456789abcdef"), size/16)
	start := time.Now()
	n := 0
	for ; time.Since(start) < d; n++ {
		if _, err = f.Write(data); err == nil {
			err = f.Sync()
		}
		if err != nil {
			return 0, fmt.Errorf("fsync probe: %w", err)
		}
	}
	return float64(n) / time.Since(start).Seconds(), nil
}

// copyDir copies a data directory. Where the file system can share blocks, the kernel does so.
func copyDir(from, to string) error {
	if err := os.RemoveAll(to); err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	return os.CopyFS(to, os.DirFS(filepath.Clean(from)))
}

// settle has everything written so far on disk. The kernel would write it half a minute later, a
// gigabyte at once, in the middle of what is measured.
func settle() { syscall.Sync() }

// ahead is how much nicer the server is than the generator that goes first.
const ahead = 10

// goFirst has the kernel prefer this process to the server on the processors that they share, where it
// may. In life clients have machines of their own: a generator that waits for a processor would
// take its own waiting for the server's. What it uses, a few microseconds an event, is taken from the
// server all the same.
func goFirst() bool {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return false
	}
	for _, t := range threads { // those to come have the priority of the one that makes them
		tid, err := strconv.Atoi(t.Name())
		if err != nil || syscall.Setpriority(syscall.PRIO_PROCESS, tid, -ahead) != nil {
			return false
		}
	}
	return true
}
