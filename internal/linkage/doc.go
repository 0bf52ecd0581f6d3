// Package linkage finds the records that are of one person where no identifier says so: it reads a table, guesses
// what its columns hold, and answers with clusters, a model of what agreement weighs, and the reasons of every pair.
//
// The stages, in order:
//
//	Guess      a role for each column, by its name and its values              role.go, guess.go
//	encode     each different value once: normal form, number, what is derived  encode.go, field.go; fold.go, name.go, date.go, contact.go, address.go, region.go
//	identical  records that are equal in all that is compared stand for one     identical.go
//	block      many narrow keys; only records that share one are compared       block.go
//	compare    levels of agreement of two records, field by field               compare.go, metric.go
//	train      u by chance pairs, m and lambda by expectation maximisation      train.go
//	score      Fellegi and Sunter's weight, frequencies, household, namesakes   model.go
//	cluster    average linkage with hard conflicts, the heaviest pairs first    cluster.go, edges.go
//
// The same table and options give the same bits, whatever the workers: counts are of integers, sums run in a fixed
// order, samples are drawn by fixed seeds, ties are broken by record.
//
// It knows no profiles and no store. A column that holds the truth is read by package truth, never here.
package linkage
