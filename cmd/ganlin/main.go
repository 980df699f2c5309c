// Command ganlin is the program: see ganlin --help.
package main

import (
	"os"

	"ganlin/internal/app"
)

func main() {
	os.Exit(app.Main(os.Args[1:], os.Stdout, os.Stderr))
}
