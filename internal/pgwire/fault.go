package pgwire

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"

	"clientele"
	"clientele/internal/sqlq"
)

// fault is an error with its SQLSTATE.
type fault struct {
	state string
	err   error
	fatal bool // the connection ends
}

func (f *fault) Error() string { return f.err.Error() }

func (f *fault) Unwrap() error { return f.err }

func faultf(state string, code clientele.Code, format string, args ...any) *fault {
	return &fault{state: state, err: clientele.Errorf(code, format, args...)}
}

// states are the SQLSTATEs of the codes, for errors that have none.
var states = map[clientele.Code]string{
	clientele.Invalid: "22023", clientele.NotFound: "42704", clientele.Conflict: "55000", clientele.Denied: "42501", clientele.Unknown: "28P01",
	clientele.TooLarge: "54000", clientele.Unavailable: "57P03", clientele.Corrupt: "XX001", clientele.Internal: "XX000",
}

// response is an error as the client is told of it. offset is where in the client's text the statement
// begins, in characters.
func response(err error, offset int) *pgproto3.ErrorResponse {
	r := &pgproto3.ErrorResponse{Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: states[clientele.ErrorCode(err)], Message: err.Error(), Hint: clientele.ErrorHint(err)}
	var own *fault
	var placed *sqlq.Fault
	switch {
	case errors.As(err, &own):
		r.Code = own.state
		if own.fatal {
			r.Severity, r.SeverityUnlocalized = "FATAL", "FATAL"
		}
	case errors.As(err, &placed):

		if placed.State != "" {
			r.Code = placed.State
		}
		if placed.Position > 0 {
			r.Position = int32(placed.Position + offset)
		}
	case errors.Is(err, context.Canceled):
		r.Code = "57014"
	}
	if clientele.ErrorCode(err) == clientele.Internal && own == nil {
		r.Message = "the query failed inside the server" // what it was is in the log
		r.Hint = ""
	}
	r.Message = strings.TrimPrefix(r.Message, "query: ")
	return r
}
