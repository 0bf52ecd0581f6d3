// Package audience is who belongs to what: the definition of an audience, and its two executions.
//
// A definition is a tree of conditions, JSON on the wire. Parse reads it and says what is wrong
// with it and where; Check holds it against what the data has. Compile makes SQL of it, for the
// whole base at once; Evaluate answers for one profile, from facts that its caller has, and
// says when time alone may change the answer. Both give the same members for the same data and
// the same moment: what a value is and how two compare is decided in value.go, and what SQL does
// with it in sql_value.go (ADR 14).
//
// The package has no clock: now is given.
package audience
