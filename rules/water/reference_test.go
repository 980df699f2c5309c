package water_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// reference opens a file of the published reference data, or skips the test with a word about how not to.
func reference(t *testing.T, name string) string {
	t.Helper()
	folder := os.Getenv("GANLIN_REFERENCE")
	if folder == "" {
		t.Skip("GANLIN_REFERENCE does not name the folder of reference data: nothing is compared")
	}
	data, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// rows reads a table without its header.
func rows(t *testing.T, text string, comma rune) [][]string {
	t.Helper()
	r := csv.NewReader(strings.NewReader(text))
	r.Comma = comma
	all, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all[1:]
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
