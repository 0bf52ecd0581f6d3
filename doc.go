// Package clientele is the vocabulary of the customer data platform: the nouns that every
// other package speaks in (identifier, anchor, profile, event, log record, change set, table),
// their limits, and the promises that go with them. It imports the standard library only and
// holds no behaviour that needs a database, a network or a clock.
//
// The flow, in these words: a source sends events; they are appended to the log as records in
// frames; the resolver reads frames in order, finds for each record its identifiers, their
// anchors and so its profile, folds the record into that profile, and commits one change set;
// followers copy the numbered changes into other stores.
package clientele
