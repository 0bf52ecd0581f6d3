// Package privacy holds the person's rights: the gate that says whether a purpose is allowed,
// what is told to a person who asks (access), the erasures that were made and what they have to
// keep out.
package privacy
