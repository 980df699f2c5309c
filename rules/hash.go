package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"ganlin/devices"
)

// A canonical is what identifies a decision: nothing that depends on when or how often it was made.
type canonical struct {
	At      string               `json:"at"`
	Site    devices.SiteID       `json:"site"`
	Subject string               `json:"subject"`
	Rule    string               `json:"rule"`
	Kind    devices.DecisionKind `json:"kind"`
	Version string               `json:"version"`
	Outcome string               `json:"outcome"`
	Numbers map[string]float64   `json:"numbers,omitempty"`
	Texts   map[string]string    `json:"texts,omitempty"`
	Unknown []string             `json:"unknown,omitempty"`
}

// Canonical returns the canonical JSON line of a decision: its event time, rule
// and outcome, and what the rule saw, rounded to 1e-6.
func Canonical(d devices.Decision) ([]byte, error) {
	c := canonical{
		At: d.At.UTC().Format("2006-01-02T15:04:05.000Z"), Site: d.Site, Subject: d.Subject, Rule: d.Rule, Kind: d.Kind,
		Version: d.Version, Outcome: d.Outcome, Texts: d.Texts, Unknown: d.Unknown,
	}
	if len(d.Numbers) > 0 {
		c.Numbers = make(map[string]float64, len(d.Numbers))
		for name, v := range d.Numbers {
			if c.Numbers[name] = math.Round(v*1e6) / 1e6; c.Numbers[name] == 0 {
				c.Numbers[name] = 0 // not the negative one
			}
		}
	}
	line, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("writing decision %s in its canonical form: %w", d.ID, err)
	}
	return line, nil
}

// A Digest gathers decisions in any order for their common SHA-256.
type Digest struct{ lines []string }

// Add takes a decision up. The same decision is to be added once.
func (g *Digest) Add(d devices.Decision) error {
	line, err := Canonical(d)
	if err != nil {
		return err
	}
	// The line begins with time, site, subject, rule and kind: so they sort.
	g.lines = append(g.lines, string(line))
	return nil
}

// Number returns how many decisions were added.
func (g *Digest) Number() int { return len(g.lines) }

// Sum returns the SHA-256 of all lines, sorted, in hexadecimal.
func (g *Digest) Sum() string {
	slices.Sort(g.lines)
	h := sha256.New()
	for _, line := range g.lines {
		h.Write([]byte(line))
		h.Write([]byte{'\n'})
	}
	return hex.EncodeToString(h.Sum(nil))
}
