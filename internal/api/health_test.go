package api_test

import (
	"errors"
	"strings"
	"testing"

	"clientele"
)

func TestHealth(t *testing.T) {
	s := newSite(t)
	w := s.do("GET", "/healthz", "", "")
	if w.Code != 200 || !strings.Contains(w.Body.String(), s.store.Instance()) {
		t.Errorf("healthz: %d %s", w.Code, w.Body)
	}
	if w = s.do("GET", "/readyz", "", ""); w.Code != 200 {
		t.Errorf("readyz: %d", w.Code)
	}
	s.ready = clientele.Errorf(clientele.Unavailable, "starting")
	if w = s.do("GET", "/readyz", "", ""); w.Code != 503 || problem(t, w).Detail != "starting" || w.Header().Get("Retry-After") == "" {
		t.Errorf("starting: %d %s", w.Code, w.Body)
	}
	s.ready = errors.New("disk /dev/sda1 is gone")
	if w = s.do("GET", "/readyz", "", ""); w.Code != 503 || strings.Contains(w.Body.String(), "sda1") || !strings.Contains(s.log.String(), "sda1") {
		t.Errorf("broken: %d %s", w.Code, w.Body)
	}
}
