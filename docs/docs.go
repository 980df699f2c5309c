// Package docs holds the documents that the program itself shows.
package docs

import _ "embed" // of what follows

// Runbooks say what to do when an alarm comes, in Markdown.
//
//go:embed runbooks.md
var Runbooks string
