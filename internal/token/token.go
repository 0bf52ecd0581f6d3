// Package token keeps who may ask the HTTP API: tokens, named, with scopes or a role, and users with a role and a
// password, each in a file of the data directory that holds hashes only. It also writes the file by which a command on the
// same machine finds a running server.
package token

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"clientele"
	"clientele/internal/role"
)

// Scope is what a token allows.
type Scope string

// The scopes. Admin holds all the others; beside that none holds another, so that a token for
// imports need not be able to read people's data.
const (
	Read    Scope = "read"
	Write   Scope = "write"
	Collect Scope = "collect"
	Admin   Scope = "admin"
)

// Scopes are all of them.
func Scopes() []Scope { return []Scope{Read, Write, Collect, Admin} }

// Principal is who a token stands for, or a user's session.
type Principal struct {
	Name   string
	Scopes []Scope
	Role   role.Role // "" = what the scopes say, and nothing is masked
	User   bool      // a person who has signed in
	Local  bool      // a command on the server's machine, run by the user who owns the data directory
}

// May says whether the principal has the scope. Of the roles only that of admins stands for a scope; what the others may
// do is said by their rights.
func (p Principal) May(s Scope) bool {
	return slices.Contains(p.Scopes, s) || slices.Contains(p.Scopes, Admin) || p.Role == role.Admin
}

// Rights are what the principal may do: of the role, else of the scopes.
func (p Principal) Rights() []role.Right {
	if p.Role != "" {
		return p.Role.Rights()
	}
	if p.May(Admin) {
		return role.Admin.Rights()
	}
	out := []role.Right{}
	if p.May(Read) {
		out = append(out, role.Self, role.Figures, role.People, role.Records, role.SQL, role.Export)
	}
	if p.May(Write) {
		out = append(out, role.Serve, role.Contribute, role.Audiences, role.Data)
	}
	return out
}

// Sight is what the principal sees of people's data.
func (p Principal) Sight() role.Sight {
	if p.Role == "" {
		return role.Clear
	}
	return p.Role.Sight()
}

// Info is what is known of a token: everything but its secret.
type Info struct {
	Name    string           `json:"name"`
	Scopes  []Scope          `json:"scopes"`
	Role    role.Role        `json:"role,omitempty"` // instead of scopes
	Created clientele.Micros `json:"created"`
	Revoked clientele.Micros `json:"revoked,omitempty"`
}

// entry is a token in the file. Hash is the hex SHA-256 of the secret: a secret of 32 random
// bytes cannot be guessed, so a slow hash would add nothing.
type entry struct {
	Info
	Hash string `json:"sha256"`
}

type file struct {
	Version int     `json:"version"`
	Tokens  []entry `json:"tokens"`
}

const (
	fileName    = "tokens.json"
	localName   = "local"
	fileVersion = 1
	prefix      = "clt_" // so that secret scanners can find a leaked token
)

// Store holds the tokens. It is safe for use by several goroutines.
type Store struct {
	path     string
	now      func() time.Time
	local    string
	instance string

	mu      sync.RWMutex
	tokens  []entry
	trusted []entry // of this run only: not in the file

	usersPath string
	users     []userEntry
	sessions  map[string]userSession // of users, by the hash of the secret
	wrong     map[string]guesses     // by user
}

// Open reads the tokens of the data directory; there need be none.
func Open(dir string, now func() time.Time) (*Store, error) {
	s := &Store{path: filepath.Join(dir, fileName), now: now, local: newSecret(), instance: newSecret()[len(prefix):][:16]}
	b, err := os.ReadFile(s.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, clientele.Errorf(clientele.Internal, "tokens: %w", err).WithHint("the file must be readable by the user that runs clientele")
	}
	if err == nil {
		var f file
		if err := json.Unmarshal(b, &f); err != nil || f.Version != fileVersion {
			return nil, clientele.Errorf(clientele.Corrupt, "tokens: %s is not a token file of version %d", s.path, fileVersion).
				WithHint("restore it from a backup, or remove it: an admin token is then made on the next start")
		}
		s.tokens = f.Tokens
	}
	s.Trust(localName, s.local, Admin)
	return s, s.openUsers(dir)
}

// Local is a secret with admin scope, for commands on the same machine, that ends with this
// process.
func (s *Store) Local() string { return s.local }

// Instance names this run of the server. It is not secret.
func (s *Store) Instance() string { return s.instance }

// Trust accepts the secret until the process ends, for example the configured admin token.
func (s *Store) Trust(name, secret string, scopes ...Scope) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trusted = append(s.trusted, entry{Info: Info{Name: name, Scopes: scopes}, Hash: hashOf(secret)})
}

// EnsureAdmin makes an admin token when the file has none in use, and returns its secret, which
// is nowhere else; "" when there already is one.
func (s *Store) EnsureAdmin(ctx context.Context) (string, error) {
	s.mu.RLock()
	have := slices.ContainsFunc(s.tokens, func(e entry) bool { return e.Revoked == 0 && slices.Contains(e.Scopes, Admin) })
	taken := slices.ContainsFunc(s.tokens, func(e entry) bool { return e.Revoked == 0 && e.Name == "admin" })
	s.mu.RUnlock()
	if have {
		return "", nil
	}
	name := "admin"
	if taken {
		name = "admin-" + newSecret()[len(prefix):][:6]
	}
	secret, _, err := s.CreateToken(ctx, name, []Scope{Admin})
	return secret, err
}

// Check is who the secret stands for; Unknown when nobody.
func (s *Store) Check(_ context.Context, secret string) (Principal, error) {
	text := hashOf(secret)
	hash := []byte(text)
	s.mu.RLock()
	defer s.mu.RUnlock()
	// Every entry is compared, found or not: the time says nothing about the tokens.
	var found *entry
	for _, list := range [][]entry{s.tokens, s.trusted} {
		for i := range list {
			if subtle.ConstantTimeCompare(hash, []byte(list[i].Hash)) == 1 && list[i].Revoked == 0 {
				found = &list[i]
			}
		}
	}
	if found == nil {
		if p, ok := s.signedIn(text); ok {
			return p, nil
		}
		return Principal{}, clientele.Errorf(clientele.Unknown, "the token is not known").
			WithHint("make one with: clientele token create NAME --scope read")
	}
	return Principal{Name: found.Name, Scopes: slices.Clone(found.Scopes), Role: found.Role, Local: found.Name == localName}, nil
}

var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$`)

func checkName(name string) error {
	if !namePattern.MatchString(name) || slices.Contains([]string{localName, "config", "cli", "schedule", "clientele"}, name) {
		return clientele.Errorf(clientele.Invalid, "that is not a name").
			WithHint("up to 64 letters, digits, _ . @ or -; local, config, cli, schedule and clientele are taken")
	}
	return nil
}

func (s *Store) tokenInUse(name string) bool {
	return slices.ContainsFunc(s.tokens, func(e entry) bool { return strings.EqualFold(e.Name, name) && e.Revoked == 0 })
}

// CreateToken makes a token with scopes and returns its secret, which is kept nowhere. Conflict when a
// token in use, or a user, has the name.
func (s *Store) CreateToken(_ context.Context, name string, scopes []Scope) (string, Info, error) {
	if len(scopes) == 0 {
		return "", Info{}, clientele.Errorf(clientele.Invalid, "a token needs a scope").WithHint("read, write, collect or admin")
	}
	for _, sc := range scopes {
		if !slices.Contains(Scopes(), sc) {
			return "", Info{}, clientele.Errorf(clientele.Invalid, "%q is not a scope", sc).WithHint("read, write, collect or admin")
		}
	}
	return s.create(Info{Name: name, Scopes: slices.Compact(slices.Sorted(slices.Values(scopes)))})
}

// CreateRoleToken makes a token that may do what the role may.
func (s *Store) CreateRoleToken(_ context.Context, name string, r role.Role) (string, Info, error) {
	if err := checkRole(r); err != nil {
		return "", Info{}, err
	}
	return s.create(Info{Name: name, Scopes: []Scope{}, Role: r})
}

func (s *Store) create(info Info) (string, Info, error) {
	if err := checkName(info.Name); err != nil {
		return "", Info{}, err
	}
	secret := newSecret()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokenInUse(info.Name) {
		return "", Info{}, clientele.Errorf(clientele.Conflict, "a token %s is in use", info.Name).WithHint("choose another name, or revoke that one first")
	}
	if s.userAt(info.Name) >= 0 {
		return "", Info{}, clientele.Errorf(clientele.Conflict, "there is a user %s", info.Name).WithHint("choose another name: both stand in the audit log")
	}
	info.Created = clientele.MicrosOf(s.now())
	if err := s.save(append(slices.Clone(s.tokens), entry{Info: info, Hash: hashOf(secret)})); err != nil {
		return "", Info{}, err
	}
	return secret, info, nil
}

// ListTokens are all tokens of the file, revoked ones included, the oldest first.
func (s *Store) ListTokens(context.Context) ([]Info, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]Info, 0, len(s.tokens))
	for _, e := range s.tokens {
		out = append(out, e.Info)
	}
	return out, nil
}

// RevokeToken ends the token in use of that name, at once; NotFound when there is none.
func (s *Store) RevokeToken(_ context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.tokens, func(e entry) bool { return e.Name == name && e.Revoked == 0 })
	if i < 0 {
		return clientele.Errorf(clientele.NotFound, "no token of that name is in use").WithHint("clientele token list shows them")
	}
	next := slices.Clone(s.tokens)
	next[i].Revoked = clientele.MicrosOf(s.now())
	return s.save(next)
}

func (s *Store) save(tokens []entry) error {
	b, err := json.MarshalIndent(file{Version: fileVersion, Tokens: tokens}, "", "  ")
	if err != nil {
		return clientele.Errorf(clientele.Internal, "tokens: %w", err)
	}
	if err := writeFile(s.path, append(b, '\n')); err != nil {
		return clientele.Errorf(clientele.Internal, "tokens: %w", err)
	}
	s.tokens = tokens
	return nil
}

// newSecret is the prefix and 32 random bytes.
func newSecret() string {
	b := make([]byte, 32)
	rand.Read(b) // never fails: it ends the program instead
	return prefix + base64.RawURLEncoding.EncodeToString(b)
}

func hashOf(secret string) string {
	h := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(h[:])
}

// writeFile replaces the file whole or not at all, readable by its owner only.
func writeFile(path string, b []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, filepath.Base(path)+".*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
