// Package recommend says what to offer: new products to people and beside products, and separately what somebody
// buys again.
//
// New products come from EASE (Steck 2019): a linear model of which products go together, solved in closed form, over the
// products with most buyers; nearest products by co-occurrence fill in for the tail, and what is popular, by
// segment, where nothing is known. There is nothing random in it, and no number of workers changes a result.
package recommend
