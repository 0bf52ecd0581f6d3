package observe

import (
	"net/http"
	"net/http/pprof"
)

// Profiles serves /debug/pprof/. It shows what the program is doing and what its memory holds, so
// it belongs behind a token. (Importing net/http/pprof also puts it on http.DefaultServeMux, which
// this program never serves.)
func Profiles() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index) // and each profile by its name
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}
