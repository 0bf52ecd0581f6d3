//go:build !linux

package app

// promptly and aside do nothing: turns and priorities of single threads are Linux's.
func promptly() {}

func aside(int) {}
