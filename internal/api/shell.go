package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"clientele"
)

// request is what the shell knows of a request; parts further in add to it.
type request struct {
	id        string
	principal string
}

type requestKey struct{}

// requestOf is the request of the context; an empty one outside the shell.
func requestOf(ctx context.Context) *request {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r
	}
	return &request{}
}

// WithRequest is the context with room for what Shell knows of a request.
func WithRequest(ctx context.Context) context.Context {
	return context.WithValue(ctx, requestKey{}, &request{})
}

// Shell goes around every handler of the server: it names the request, logs it with its route
// (never with the path's values or the query, which hold personal data), and turns a panic
// into a problem without detail.
func Shell(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		req, there := r.Context().Value(requestKey{}).(*request)
		if !there {
			r = r.WithContext(WithRequest(r.Context()))
			req = requestOf(r.Context())
		}
		req.id = newRequestID()
		sw := &statusWriter{ResponseWriter: w}
		sw.Header().Set("X-Request-Id", req.id)
		defer func() {
			if v := recover(); v != nil {
				if v == http.ErrAbortHandler { // a handler's way to cut the connection
					panic(v)
				}
				log.LogAttrs(r.Context(), slog.LevelError, "panic", slog.String("request_id", req.id), slog.String("route", r.Pattern),
					slog.String("error", panicText(v)), slog.String("stack", string(debug.Stack())))
				if sw.status == 0 {
					writeProblem(sw, r, clientele.Errorf(clientele.Internal, "panic"))
				}
			}
			log.LogAttrs(r.Context(), slog.LevelDebug, "request", slog.String("request_id", req.id), slog.String("method", r.Method),
				slog.String("route", r.Pattern), slog.Int("status", sw.status), slog.Int64("bytes", sw.bytes),
				slog.String("token", req.principal), slog.Duration("took", time.Since(start)))
		}()
		next.ServeHTTP(sw, r)
	})
}

// panicText is the panic's own words only where they are the runtime's: a panic that a library
// made out of a value may carry a person's data.
func panicText(v any) string {
	if err, ok := v.(interface{ RuntimeError() }); ok {
		return fmt.Sprint(err)
	}
	return fmt.Sprintf("%T", v)
}

func newRequestID() string {
	b := make([]byte, 8)
	rand.Read(b) // never fails: it ends the program instead
	return hex.EncodeToString(b)
}

// statusWriter remembers what was answered.
type statusWriter struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach flushing and deadlines.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
