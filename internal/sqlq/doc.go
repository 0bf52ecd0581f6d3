// Package sqlq guards SQL texts: the gate decides whether a user's query may run on the
// contract's views, and the lint keeps hand-written SQL inside the subset that gives equal
// results on every engine. It holds no database: the gate reads the syntax tree that the
// engine's own parser made of the text, so both always agree on what the text says.
package sqlq
