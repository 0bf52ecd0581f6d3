//go:build !linux && !darwin

package main

// freeBytes is not known here.
func freeBytes(string) (int64, bool) { return 0, false }

func openFiles() int { return 0 }
