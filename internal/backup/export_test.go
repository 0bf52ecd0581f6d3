package backup

import "encoding/json"

// ManifestOf is a manifest with a right checksum that names one file.
func ManifestOf(path string) string {
	m := Manifest{Format: Format, Files: []File{{Path: path}}}
	m.Sum, _ = m.sum()
	b, _ := json.Marshal(m)
	return string(b)
}
