package config

import (
	"path/filepath"

	"clientele"
	"clientele/internal/secret"
)

// Secrets is what seals the secrets that the program keeps in the data directory.
type Secrets struct {
	Key     string `yaml:"key"`      // 64 hexadecimal digits; behind a comma older ones, which still open. Meant for the environment
	KeyFile string `yaml:"key_file"` // or a file of them, one a line, outside the data directory
}

// Keys are the keys; nil where none is named.
func (s Secrets) Keys() (*secret.Keys, error) { return secret.Load(s.Key, s.KeyFile) }

func (v *validator) secrets(data string, s Secrets) {
	switch _, err := secret.Parse(s.Key); {
	case err != nil:
		v.wrong("secrets.key", "is no key: "+err.Error(), clientele.ErrorHint(err))
	case s.Key != "" && s.KeyFile != "":
		v.wrong("secrets", "has a key and a key_file", "keep one of them")
	case s.KeyFile != "" && within(data, s.KeyFile):
		v.wrong("secrets.key_file", "lies in the data directory, where it seals nothing", "keep it elsewhere, /etc/clientele/secrets.key")
	}
}

// within says whether path is below dir.
func within(dir, path string) bool {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return false
	}
	if path, err = filepath.Abs(path); err != nil {
		return false
	}
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}
