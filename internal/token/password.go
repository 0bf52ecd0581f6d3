package token

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"clientele"

	"golang.org/x/crypto/argon2"
)

// Passwords are kept as argon2id with the second set of parameters that RFC 9106 recommends. They stand in front of each
// hash, so that others can be chosen later.
const (
	argonTime   = 3
	argonMemory = 64 << 10 // KiB
	argonLanes  = 4
	argonSalt   = 16
	argonKey    = 32

	passwordLeast = 12
	passwordMost  = 256
	hashesAtOnce  = 2 // each takes 64 MiB for the time of it
)

// hashing bounds how many passwords are hashed at once.
var hashing = make(chan struct{}, hashesAtOnce)

func argon(password string, salt []byte, time, memory uint32, lanes uint8) []byte {
	hashing <- struct{}{}
	defer func() { <-hashing }()
	return argon2.IDKey([]byte(password), salt, time, memory, lanes, argonKey)
}

// hashPassword is the password's hash with its parameters and salt.
func hashPassword(password string) string {
	salt := make([]byte, argonSalt)
	rand.Read(salt) // never fails: it ends the program instead
	e := base64.RawStdEncoding
	key := argon(password, salt, argonTime, argonMemory, argonLanes)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes, e.EncodeToString(salt), e.EncodeToString(key))
}

// noPassword is compared with where there is no user: it takes as long, and nothing fits it.
const noPassword = "$argon2id$v=19$m=65536,t=3,p=4$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// fits says whether the password is the one that was hashed.
func fits(password, hash string) bool {
	parts := strings.Split(hash, "$")
	var version int
	var time, memory uint32
	var lanes uint8
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false
	}
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &memory, &time, &lanes); err != nil || version != argon2.Version || time == 0 || lanes == 0 || memory > 1<<20 {
		return false
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false
	}
	key, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil {
		return false
	}
	return subtle.ConstantTimeCompare(argon(password, salt, time, memory, lanes), key) == 1
}

// checkPassword says whether a new password of the user is good enough. The error does not hold it.
func checkPassword(name, password string) error {
	n := utf8.RuneCountInString(password)
	switch {
	case n < passwordLeast || len(password) > passwordMost || !utf8.ValidString(password):
		return clientele.Errorf(clientele.Invalid, "a password has %d to %d characters", passwordLeast, passwordMost).WithHint("several words that nobody else would put together are easy to remember")
	case strings.Contains(strings.ToLower(password), strings.ToLower(name)):
		return clientele.Errorf(clientele.Invalid, "the password holds the user's name").WithHint("choose another")
	case strings.Count(password, password[:1]) == len(password):
		return clientele.Errorf(clientele.Invalid, "the password is one character again and again").WithHint("choose another")
	}
	return nil
}
