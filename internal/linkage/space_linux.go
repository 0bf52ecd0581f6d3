package linkage

import (
	"bytes"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const mapsFiles = true

// mapFile makes a file without a name of that size, all of its room taken, so that no later write can fail.
func mapFile(size int64) ([]byte, error) {
	f, err := os.CreateTemp("", "clientele-match-*")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	_ = os.Remove(f.Name()) // it goes when it is no longer mapped, however this ends
	if err := syscall.Fallocate(int(f.Fd()), 0, 0, size); err != nil {
		return nil, os.NewSyscallError("fallocate", err)
	}
	b, err := syscall.Mmap(int(f.Fd()), 0, int(size), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	return b, os.NewSyscallError("mmap", err)
}

// trimmer keeps what files have in memory below a limit: when it is above, all of it goes back to the system, which has it
// at hand as long as it has room.
type trimmer struct {
	most int64

	mu   sync.Mutex
	maps map[*byte][]byte
	quit chan struct{}
	done chan struct{}
	base int64 // resident before the first file: the program itself
}

const trimEvery = 20 * time.Millisecond

func (t *trimmer) take(b []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.maps == nil {
		t.maps, t.quit, t.done, t.base = map[*byte][]byte{}, make(chan struct{}), make(chan struct{}), residentFiles()
		go t.run(t.quit, t.done)
	}
	t.maps[&b[0]] = b
}

func (t *trimmer) release(b []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.maps, &b[0])
	_ = syscall.Munmap(b) // it was mapped by mapFile
}

func (t *trimmer) run(quit <-chan struct{}, done chan<- struct{}) {
	defer close(done)
	tick := time.NewTicker(trimEvery)
	defer tick.Stop()
	for {
		select {
		case <-quit:
			return
		case <-tick.C:
		}
		if residentFiles()-t.base > t.most {
			t.mu.Lock()
			for _, b := range t.maps {
				_ = syscall.Madvise(b, syscall.MADV_DONTNEED) // shared: what was written stays, in the file
			}
			t.mu.Unlock()
		}
	}
}

// stop waits until nothing of it runs any more.
func (t *trimmer) stop() {
	t.mu.Lock()
	quit, done := t.quit, t.done
	t.quit, t.done, t.maps = nil, nil, nil
	t.mu.Unlock()
	if quit != nil {
		close(quit)
		<-done
	}
}

// residentFiles is how many bytes of mapped files the process has in memory.
func residentFiles() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	fields := bytes.Fields(text)
	if err != nil || len(fields) < 3 {
		return 0
	}
	pages, _ := strconv.ParseInt(string(fields[2]), 10, 64)
	return pages * int64(os.Getpagesize())
}
