// Package water keeps the water balance of a plot: how much the air asks for
// (reference evapotranspiration), how much of that the crop takes, and how far
// the root zone is depleted. The method is that of FAO Irrigation and Drainage
// Paper 56 (Allen, Pereira, Raes and Smith, 1998; here FAO-56) with a single
// crop coefficient and daily steps; page numbers are those of the printed
// edition. Everything is a function of its arguments, and what is not known is
// nil or named, never 0.
package water
