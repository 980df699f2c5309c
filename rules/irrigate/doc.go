// Package irrigate says when a plot is to be watered, how much, and whether a
// valve may open for it now. It decides from numbers alone; that a plot is
// being watered, from one opening to the next, its caller remembers.
package irrigate
