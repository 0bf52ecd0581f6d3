package clientele

import (
	"errors"
	"fmt"
)

// Code is the class of an error, for machines. The HTTP API maps each code to one status.
type Code string

// The codes. Anything that is not an *Error is Internal.
const (
	Invalid     Code = "invalid"      // the input is wrong: say what and where
	NotFound    Code = "not_found"    // there is no such thing
	Conflict    Code = "conflict"     // it contradicts what is already there
	Denied      Code = "denied"       // the caller may not do this
	Unknown     Code = "unauthorized" // the caller is not known: a missing or wrong key
	TooLarge    Code = "too_large"    // over a stated limit
	Unavailable Code = "unavailable"  // not now: try again later, nothing was taken
	Corrupt     Code = "corrupt"      // stored bytes are not what was written
	Violated    Code = "violation"    // an event breaks a tracking plan; in quarantine alone
	Internal    Code = "internal"     // a fault of this program
)

// Error has a code for machines, a sentence for people and a hint for whoever operates the
// program. Message never holds a personal datum or a secret.
type Error struct {
	Code    Code
	Message string
	Hint    string // what to do; may be empty
	Err     error  // the cause, already part of Message; may be nil
}

func (e *Error) Error() string { return e.Message }

func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an error of the code; %w keeps the cause reachable.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Err: errors.Unwrap(err)}
}

// WithHint says what to do about the error.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// ErrorCode is the code of err: "" for nil, Internal for what is not an *Error.
func ErrorCode(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// ErrorHint is the hint of err, or "".
func ErrorHint(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Hint
	}
	return ""
}
