// Package linkage finds the records that are of one person.
package linkage
