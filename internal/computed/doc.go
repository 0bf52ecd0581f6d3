// Package computed makes computed traits: what a person's events and orders add up to. A definition is a few
// leaves, each an aggregate over the events of a name or the rows of a table; a leaf keeps one small state for each
// anchor, in buckets of an hour or a day where it has a moving window. States fold and merge in any order, so the
// value of a profile is that of its anchors' states together, and merge and unmerge only regroup them.
//
// The words of filters, windows and values are those of package audience.
package computed
