//go:build !linux

package app

// aside does nothing: priorities of single threads are Linux's.
func aside(int) {}
