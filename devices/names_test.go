package devices_test

import (
	"regexp"
	"strings"
	"testing"

	"ganlin/devices"
)

var idPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func TestIDs(t *testing.T) {
	for id, want := range map[string]string{
		"s-001":                 "",
		"_":                     "",
		"-":                     "",
		strings.Repeat("Z", 64): "",
		"":                      "id is empty; use 1 to 64 of the characters A-Z a-z 0-9 _ -",
		strings.Repeat("Z", 65): `id "` + strings.Repeat("Z", 65) + `" has 65 characters; at most 64 are allowed`,
		"a/b":                   `id "a/b" holds '/'; use only A-Z a-z 0-9 _ -`,
		"a.b":                   `id "a.b" holds '.'; use only A-Z a-z 0-9 _ -`,
		"+":                     `id "+" holds '+'; use only A-Z a-z 0-9 _ -`,
		"#":                     `id "#" holds '#'; use only A-Z a-z 0-9 _ -`,
		"$SYS":                  `id "$SYS" holds '$'; use only A-Z a-z 0-9 _ -`,
		">":                     `id ">" holds '>'; use only A-Z a-z 0-9 _ -`,
		"a b":                   `id "a b" holds ' '; use only A-Z a-z 0-9 _ -`,
		"a,b":                   `id "a,b" holds ','; use only A-Z a-z 0-9 _ -`,
		"a\n":                   `id "a\n" holds '\n'; use only A-Z a-z 0-9 _ -`,
		"a\x00":                 `id "a\x00" holds '\x00'; use only A-Z a-z 0-9 _ -`,
		`a\`:                    `id "a\\" holds '\\'; use only A-Z a-z 0-9 _ -`,
		"村-1":                   `id "村-1" holds '村'; use only A-Z a-z 0-9 _ -`,
	} {
		checkError(t, id, devices.DeviceID(id).Validate(), want)
	}
	for _, validate := range []func() error{
		devices.PlotID("a/b").Validate, devices.SiteID("a/b").Validate,
		devices.StationID("a/b").Validate, devices.HouseholdID("a/b").Validate,
	} {
		checkError(t, "a/b", validate(), `id "a/b" holds '/'; use only A-Z a-z 0-9 _ -`)
	}
}

func TestPlaceCodes(t *testing.T) {
	for code, want := range map[string]string{
		"50":             "",
		"500119101001":   "",
		"":               `place code "" is not 2 to 12 digits`,
		"5":              `place code "5" is not 2 to 12 digits`,
		"5001191010011":  `place code "5001191010011" is not 2 to 12 digits`,
		"50011910100a":   `place code "50011910100a" is not 2 to 12 digits`,
		"５００":            `place code "５００" is not 2 to 12 digits`,
		"-500119":        `place code "-500119" is not 2 to 12 digits`,
		"500119101001\n": `place code "500119101001\n" is not 2 to 12 digits`,
	} {
		checkError(t, code, devices.PlaceCode(code).Validate(), want)
	}
}

func FuzzID(f *testing.F) {
	for _, id := range []string{"s-001", "", "a/b", "村", "\xff"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		err := devices.DeviceID(id).Validate()
		if (err == nil) != idPattern.MatchString(id) {
			t.Errorf("%q: %v, but the contract's pattern matches: %t", id, err, idPattern.MatchString(id))
		}
		if err != nil && len(err.Error()) > 1000 {
			t.Errorf("the error has %d characters", len(err.Error()))
		}
	})
}

// checkError fails unless the error of an input reads as wanted; "" is none.
func checkError(t *testing.T, input string, err error, want string) {
	t.Helper()
	got := ""
	if err != nil {
		got = err.Error()
	}
	if got != want {
		t.Errorf("%q: got %q, want %q", input, got, want)
	}
}
