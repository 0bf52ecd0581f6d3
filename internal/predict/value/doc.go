// Package value predicts what customers will buy and what it will be worth, from nothing but their orders: how
// many, when the first and the last, and how large.
//
// A person orders at a rate of their own until they drop out, silently; rates and drop-out differ
// between people. Four models of that are here:
//
//   - ParetoNBD: drop-out at any time (Schmittlein, Morrison and Colombo 1987). The default.
//   - MBGNBD: drop-out right behind an order, the first included (Batislam, Denizel and Filiztekin 2007).
//   - BGNBD: drop-out right behind a repeat order (Fader, Hardie and Lee 2005). Who ordered once is alive for
//     certain, so that its chance of being alive must not be read as churn.
//   - NBD: no drop-out (Ehrenberg 1959). What the others become where none can be seen.
//
// The size of orders is GammaGamma (Fader and Hardie 2013), held to be independent of their number.
//
// Time is in one unit, that of the Summary; a rate has the same one. The package knows no clock and no
// randomness: equal orders give equal scores, whatever the number of workers.
package value
