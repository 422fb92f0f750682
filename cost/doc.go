// Package cost estimates, from a declaration alone, what a month on AWS costs:
// each stage and the pipeline, line by line, before anything is deployed and
// without credentials.
//
// # What is counted
//
// Everything that the templates make and that AWS bills is a line: quantity,
// unit price, amount, and where the price comes from. What is billed by the
// hour or the month is fixed; what follows the load is usage, and a [Load] says
// how much of it there is. What is free is listed, too. A test holds the
// package against the templates: a type of resource that is neither priced nor
// free, or another number of them, fails it (see resources.go, which is the
// table to add to).
//
// # How amounts add up
//
// Prices and quantities are decimals. A line's amount is rounded to the cent
// where it is shown and added; a total is the sum of those rounded amounts, so
// a person who adds up the column gets the total. A price that is not known is
// a value of its own, never zero, and a total says how many of its lines have
// none.
//
// # What is not counted
//
// Taxes, support, discounts and commitments, what AWS gives a new account, and
// the amounts that every account has free each month: they are shared by
// everything in the account, so no stage can count on them.
package cost
