// Package secret keeps the secrets that the program has made for itself in files that are of no use
// without a key from outside the data directory: AES-256-GCM under a key that the operator holds.
// It knows nothing of what the secrets are for.
package secret

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"clientele"
)

const (
	keyBytes = 32
	idBytes  = 4
	prefix   = "sealed:1:" // then the key's id, a colon, and nonce, text and tag in base64
)

// Keys are the operator's keys: the first seals, all of them open. Nil are no keys: then secrets are
// kept as they are, and what was sealed cannot be opened.
type Keys struct {
	keys []key
}

type key struct {
	id   string // tells keys apart and says nothing of them
	aead cipher.AEAD
}

// Parse reads keys of 64 hexadecimal digits each, parted by commas, blanks or lines; what stands
// behind # in a line is a remark. No key at all is nil.
func Parse(text string) (*Keys, error) {
	k := &Keys{}
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		for _, word := range strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) }) {
			raw, err := hex.DecodeString(word)
			if err != nil || len(raw) != keyBytes {
				return nil, clientele.Errorf(clientele.Invalid, "a key of secrets is not 64 hexadecimal digits").WithHint("openssl rand -hex 32 makes one")
			}
			block, err := aes.NewCipher(raw)
			if err != nil {
				return nil, clientele.Errorf(clientele.Internal, "secrets: %w", err)
			}
			aead, err := cipher.NewGCM(block)
			if err != nil {
				return nil, clientele.Errorf(clientele.Internal, "secrets: %w", err)
			}
			sum := sha256.Sum256(append([]byte("clientele secrets key\x00"), raw...))
			k.keys = append(k.keys, key{hex.EncodeToString(sum[:idBytes]), aead})
		}
	}
	if len(k.keys) == 0 {
		return nil, nil
	}
	return k, nil
}

// Load is Parse of the text, or of the file where one is named; a file must hold a key.
func Load(text, file string) (*Keys, error) {
	if file == "" {
		return Parse(text)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, clientele.Errorf(clientele.Unavailable, "the key of secrets: %w", err).WithHint("bring the file back, or name it in secrets.key_file")
	}
	k, err := Parse(string(b))
	if err == nil && k == nil {
		err = clientele.Errorf(clientele.Invalid, "%s holds no key", file).WithHint("openssl rand -hex 32 makes one")
	}
	return k, err
}

// Seal is the sealed form of a secret. The name goes into the seal, so that one secret cannot be put in
// another's place. Without keys it is the secret itself.
func (k *Keys) Seal(name string, plain []byte) []byte {
	if k == nil {
		return plain
	}
	first := k.keys[0]
	nonce := make([]byte, first.aead.NonceSize())
	rand.Read(nonce) // never fails
	sealed := first.aead.Seal(nonce, nonce, plain, []byte(name))
	return []byte(prefix + first.id + ":" + base64.StdEncoding.EncodeToString(sealed) + "\n")
}

// Sealed says whether the text is a sealed form, and under which key.
func Sealed(text []byte) (id string, ok bool) {
	rest, ok := bytes.CutPrefix(text, []byte(prefix))
	if !ok {
		return "", false
	}
	name, _, _ := bytes.Cut(rest, []byte(":"))
	return string(name), true
}

// Open is the secret of what Seal answered, or of a text that was never sealed. Stale says that it is
// not under the first key, and should be sealed again.
func (k *Keys) Open(name string, text []byte) (plain []byte, stale bool, err error) {
	id, sealed := Sealed(text)
	if !sealed {
		return text, k != nil, nil
	}
	if k == nil {
		return nil, false, clientele.Errorf(clientele.Denied, "%s is sealed, and there is no key", name).
			WithHint("give the key that it was sealed with: secrets.key_file, or CLIENTELE_SECRETS_KEY")
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(string(text[len(prefix)+min(len(id)+1, len(text)-len(prefix)):])))
	if err != nil {
		return nil, false, damaged(name)
	}
	for i, key := range k.keys {
		if key.id != id {
			continue
		}
		if n := key.aead.NonceSize(); len(raw) >= n {
			if plain, err = key.aead.Open(nil, raw[:n], raw[n:], []byte(name)); err == nil {
				return plain, i > 0, nil
			}
		}
		return nil, false, damaged(name)
	}
	return nil, false, clientele.Errorf(clientele.Denied, "%s is sealed with another key (%s)", name, id).
		WithHint("add that key behind the new one: each key opens, the first one seals")
}

func damaged(name string) error {
	return clientele.Errorf(clientele.Corrupt, "%s is not what was sealed", name).WithHint("bring it back from a backup")
}

// ReadFile is the secret in a file. One that is not under the first key is sealed again. The error of a
// file that is not there is fs.ErrNotExist.
func (k *Keys) ReadFile(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil {
		return nil, clientele.Errorf(clientele.Unavailable, "%w", err)
	}
	plain, stale, err := k.Open(filepath.Base(path), text)
	if err == nil && stale {
		if err = k.WriteFile(path, plain); err != nil {
			err = clientele.Errorf(clientele.Unavailable, "%w", err)
		}
	}
	return plain, err
}

// WriteFile seals a secret into a file that its owner alone may read, whole or not at all.
func (k *Keys) WriteFile(path string, plain []byte) error {
	dir := filepath.Dir(path)
	f, err := os.OpenFile(path+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(k.Seal(filepath.Base(path), plain))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
