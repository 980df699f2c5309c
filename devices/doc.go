// Package devices is the vocabulary of Ganlin: sites, plots and devices, what
// they measure and in which unit, the topics they speak on, the commands they
// obey and the reports they give. It depends on the standard library alone,
// does no I/O and reads no clock, so every other package may share it.
package devices
