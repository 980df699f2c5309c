// Package app is the only place where the parts of Ganlin meet: it wires them
// into the commands of the program, starts them, watches them and ends them.
package app
