// Package measure starts the processes of a benchmark, keeps them on a
// processor of their own, and says what they used of it.
package measure
