// Package load is a load generator: people and what they do, as events that depend on nothing but
// a seed and a number; a pace, whose latencies count from the time at which a request was due; and
// a small HTTP client that repeats what it is told to repeat. It sends to this machine only.
package load
