// Command ganlin is the program: see ganlin --help.
package main

import (
	"os"
	_ "time/tzdata" // villages have their own time, also where the machine has no zone files or no file handle is left

	"ganlin/internal/app"
)

func main() {
	os.Exit(app.Main(os.Args[1:], os.Stdout, os.Stderr))
}
