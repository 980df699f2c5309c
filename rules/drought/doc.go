// Package drought grades how dry a soil is for crops, by relative soil moisture
// and by how coarse the soil is.
package drought
