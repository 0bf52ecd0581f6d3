package token

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"clientele"
)

// ServerFile says where the server that holds the data directory listens, and how a command on
// the same machine, run by the same user, talks to it.
type ServerFile struct {
	Address  string `json:"address"` // http://host:port
	Token    string `json:"token"`   // Store.Local
	Instance string `json:"instance"`
	PID      int    `json:"pid"`
	Cert     string `json:"cert,omitempty"` // PEM file of the certificate that the server shows; empty: HTTP
}

const serverFile = "server.json"

// WriteServerFile puts the file into the data directory, readable by its owner only.
func WriteServerFile(dir string, f ServerFile) error {
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return clientele.Errorf(clientele.Internal, "server file: %w", err)
	}
	if err := writeFile(filepath.Join(dir, serverFile), append(b, '\n')); err != nil {
		return clientele.Errorf(clientele.Internal, "server file: %w", err)
	}
	return nil
}

// ReadServerFile is the file's content; false when there is none or it cannot be understood. A
// server that was killed leaves it behind: whoever reads it asks the address who answers there.
func ReadServerFile(dir string) (ServerFile, bool) {
	b, err := os.ReadFile(filepath.Join(dir, serverFile))
	if err != nil {
		return ServerFile{}, false
	}
	var f ServerFile
	if json.Unmarshal(b, &f) != nil || f.Address == "" {
		return ServerFile{}, false
	}
	return f, true
}

// RemoveServerFile takes the file away if it is still that of the instance.
func RemoveServerFile(dir, instance string) error {
	if f, ok := ReadServerFile(dir); !ok || f.Instance != instance {
		return nil
	}
	if err := os.Remove(filepath.Join(dir, serverFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return clientele.Errorf(clientele.Internal, "server file: %w", err)
	}
	return nil
}
