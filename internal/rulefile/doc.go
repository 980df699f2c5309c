// Package rulefile reads the rules that people write, and the tests of such
// rules, from YAML. It says of everything that is wrong where it stands, inside
// of conditions too. The rules that Ganlin comes with are files of the same form.
package rulefile
