// Package e2e holds the tests of the whole program: they build it, start it as a process of its
// own and use it as people do, over HTTP and from the command line. They take minutes, so they
// run only when CLIENTELE_E2E is set: make e2e does.
package e2e
