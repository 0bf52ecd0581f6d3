package token

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"clientele"
	"clientele/internal/role"
)

// User is a person who signs in to the console: everything that is known but the password, which nobody knows.
type User struct {
	Name     string           `json:"name"`
	Role     role.Role        `json:"role"`
	Created  clientele.Micros `json:"created"`
	Password clientele.Micros `json:"password_since"` // when it was last set
	Disabled clientele.Micros `json:"disabled,omitempty"`
	SignedIn clientele.Micros `json:"signed_in,omitempty"` // last; since the program was started
}

// userEntry is a user in the file.
type userEntry struct {
	User
	Hash string `json:"argon2id"`
}

type usersOnDisk struct {
	Version int         `json:"version"`
	Users   []userEntry `json:"users"`
}

const (
	usersFile    = "users.json"
	usersVersion = 1
	// Sessions of users are secrets of this run of the program.
	userSessionLife  = 12 * time.Hour
	userSessionsMost = 1000
	// After guessesMost wrong passwords nothing is believed to be the user's until lockOut has passed since the last one.
	guessesMost = 10
	lockOut     = 15 * time.Minute
)

// limited is the code of answers with status 429.
const limited clientele.Code = "rate_limited"

// guesses are wrong passwords of a user.
type guesses struct {
	times int
	last  time.Time
}

// userSession is what a user was given for a password.
type userSession struct {
	user  string
	until time.Time
}

func (s *Store) openUsers(dir string) error {
	s.usersPath = filepath.Join(dir, usersFile)
	s.sessions, s.wrong = map[string]userSession{}, map[string]guesses{}
	b, err := os.ReadFile(s.usersPath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return clientele.Errorf(clientele.Internal, "users: %w", err).WithHint("the file must be readable by the user that runs clientele")
	}
	var f usersOnDisk
	if err := json.Unmarshal(b, &f); err != nil || f.Version != usersVersion {
		return clientele.Errorf(clientele.Corrupt, "users: %s is not a file of users of version %d", s.usersPath, usersVersion).
			WithHint("restore it from a backup, or remove it and make the users again with an admin token")
	}
	s.users = f.Users
	return nil
}

func (s *Store) saveUsers(users []userEntry) error {
	kept := slices.Clone(users)
	for i := range kept {
		kept[i].SignedIn = 0
	}
	b, err := json.MarshalIndent(usersOnDisk{usersVersion, kept}, "", "  ")
	if err != nil {
		return clientele.Errorf(clientele.Internal, "users: %w", err)
	}
	if err := writeFile(s.usersPath, append(b, '\n')); err != nil {
		return clientele.Errorf(clientele.Internal, "users: %w", err)
	}
	s.users = users
	return nil
}

func (s *Store) userAt(name string) int {
	return slices.IndexFunc(s.users, func(u userEntry) bool { return strings.EqualFold(u.Name, name) })
}

func noUser() error {
	return clientele.Errorf(clientele.NotFound, "there is no user of that name").WithHint("clientele user list shows them")
}

func checkRole(r role.Role) error {
	if r.Known() {
		return nil
	}
	names := make([]string, 0, len(role.All()))
	for _, x := range role.All() {
		names = append(names, string(x))
	}
	return clientele.Errorf(clientele.Invalid, "%q is not a role", r).WithHint("%s", strings.Join(names, ", "))
}

// ListUsers are all users, by name.
func (s *Store) ListUsers(context.Context) ([]User, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]User, 0, len(s.users))
	for _, u := range s.users {
		out = append(out, u.User)
	}
	slices.SortFunc(out, func(a, b User) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// AddUser makes a user. Conflict when the name is another's or a token's: both stand in the audit log.
func (s *Store) AddUser(_ context.Context, name string, r role.Role, password string) (*User, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	if err := checkRole(r); err != nil {
		return nil, err
	}
	if err := checkPassword(name, password); err != nil {
		return nil, err
	}
	hash := hashPassword(password)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.userAt(name) >= 0 {
		return nil, clientele.Errorf(clientele.Conflict, "there is a user of that name").WithHint("choose another name")
	}
	if s.tokenInUse(name) {
		return nil, clientele.Errorf(clientele.Conflict, "a token of that name is in use").WithHint("choose another name: both stand in the audit log")
	}
	now := clientele.MicrosOf(s.now())
	u := User{Name: name, Role: r, Created: now, Password: now}
	if err := s.saveUsers(append(slices.Clone(s.users), userEntry{u, hash})); err != nil {
		return nil, err
	}
	return &u, nil
}

// UserChange is what is to be another; nil leaves it.
type UserChange struct {
	Role     *role.Role `json:"role,omitempty"`
	Disabled *bool      `json:"disabled,omitempty" doc:"true ends every session of the user at once."`
}

// ChangeUser gives a user another role, or disables the user, or lets the user in again.
func (s *Store) ChangeUser(_ context.Context, name string, c UserChange) (*User, error) {
	if c.Role != nil {
		if err := checkRole(*c.Role); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.userAt(name)
	if i < 0 {
		return nil, noUser()
	}
	next := slices.Clone(s.users)
	u := &next[i]
	if c.Role != nil {
		u.Role = *c.Role
	}
	if c.Disabled != nil && *c.Disabled != (u.Disabled != 0) {
		if u.Disabled = 0; *c.Disabled {
			u.Disabled = clientele.MicrosOf(s.now())
		}
	}
	if err := s.saveUsers(next); err != nil {
		return nil, err
	}
	if u.Disabled != 0 {
		s.endSessions(u.Name)
	}
	out := u.User
	return &out, nil
}

// SetPassword gives a user another password and ends the user's sessions.
func (s *Store) SetPassword(_ context.Context, name, password string) error {
	if err := checkPassword(name, password); err != nil {
		return err
	}
	hash := hashPassword(password)
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.userAt(name)
	if i < 0 {
		return noUser()
	}
	next := slices.Clone(s.users)
	next[i].Hash, next[i].Password = hash, clientele.MicrosOf(s.now())
	if err := s.saveUsers(next); err != nil {
		return err
	}
	delete(s.wrong, next[i].Name)
	s.endSessions(next[i].Name)
	return nil
}

// ChangePassword is SetPassword by the user, who says the current one. Denied when it is not.
func (s *Store) ChangePassword(ctx context.Context, name, current, password string) error {
	ok, err := s.knows(name, current)
	if err != nil {
		return err
	}
	if !ok {
		return clientele.Errorf(clientele.Denied, "that is not your current password").WithHint("an admin can set another one")
	}
	return s.SetPassword(ctx, name, password)
}

// DeleteUser ends a user and the user's sessions.
func (s *Store) DeleteUser(_ context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.userAt(name)
	if i < 0 {
		return noUser()
	}
	name = s.users[i].Name
	if err := s.saveUsers(slices.Delete(slices.Clone(s.users), i, i+1)); err != nil {
		return err
	}
	s.endSessions(name)
	return nil
}

// knows says whether the password is the user's, who may sign in. It takes as long whoever is asked about.
func (s *Store) knows(name, password string) (bool, error) {
	hash, may, key := noPassword, false, ""
	s.mu.RLock()
	if i := s.userAt(name); i >= 0 {
		hash, may, key = s.users[i].Hash, s.users[i].Disabled == 0, s.users[i].Name
	}
	wait := lockOut - s.now().Sub(s.wrong[key].last)
	locked := s.wrong[key].times >= guessesMost && wait > 0
	s.mu.RUnlock()
	if locked {
		return false, clientele.Errorf(limited, "too many wrong passwords of this user").WithHint("wait %s, or have an admin set another password", wait.Round(time.Second))
	}
	ok := len(password) <= passwordMost && fits(password, hash) && may
	s.mu.Lock()
	defer s.mu.Unlock()
	switch one := s.wrong[key]; {
	case key == "": // nobody's: the address is counted by who asks
	case ok:
		delete(s.wrong, key)
	default:
		if s.now().Sub(one.last) >= lockOut {
			one.times = 0
		}
		s.wrong[key] = guesses{one.times + 1, s.now()}
	}
	return ok, nil
}

// SignIn gives a secret that stands for the user until it is given back, the user is disabled or gets another password,
// or half a day has passed. Unknown does not tell what was wrong.
func (s *Store) SignIn(ctx context.Context, name, password string) (string, Principal, error) {
	ok, err := s.knows(name, password)
	if err != nil {
		return "", Principal{}, err
	}
	if !ok {
		return "", Principal{}, clientele.Errorf(clientele.Unknown, "name and password do not fit").WithHint("an admin can set another password: clientele user password NAME")
	}
	secret := newSecret()
	s.mu.Lock()
	now := s.now()
	for hash, x := range s.sessions {
		if now.After(x.until) {
			delete(s.sessions, hash)
		}
	}
	for hash := range s.sessions { // any of them makes room: so many people do not work here at once
		if len(s.sessions) < userSessionsMost {
			break
		}
		delete(s.sessions, hash)
	}
	if i := s.userAt(name); i >= 0 {
		s.users[i].SignedIn = clientele.MicrosOf(now)
		s.sessions[hashOf(secret)] = userSession{s.users[i].Name, now.Add(userSessionLife)}
	}
	s.mu.Unlock()
	p, err := s.Check(ctx, secret) // disabled or deleted meanwhile
	return secret, p, err
}

// SignOut ends what SignIn gave.
func (s *Store) SignOut(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, hashOf(secret))
}

func (s *Store) endSessions(name string) {
	for hash, x := range s.sessions {
		if x.user == name {
			delete(s.sessions, hash)
		}
	}
}

// signedIn is the user whom the secret was given to. The lock is held.
func (s *Store) signedIn(hash string) (Principal, bool) {
	x, ok := s.sessions[hash]
	if !ok || s.now().After(x.until) {
		return Principal{}, false
	}
	i := s.userAt(x.user)
	if i < 0 || s.users[i].Disabled != 0 {
		return Principal{}, false
	}
	u := s.users[i]
	return Principal{Name: u.Name, Role: u.Role, User: true}, true
}
