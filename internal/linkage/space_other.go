//go:build !linux

package linkage

import "errors"

// Only Linux takes a file's room beforehand, without which a full disk ends the program. Elsewhere the system's own
// swap is what there is.
const mapsFiles = false

func mapFile(int64) ([]byte, error) { return nil, errors.ErrUnsupported }

type trimmer struct{ most int64 }

func (t *trimmer) take([]byte)    {}
func (t *trimmer) release([]byte) {}
func (t *trimmer) stop()          {}
