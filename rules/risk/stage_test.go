package risk_test

import (
	"errors"
	"slices"
	"testing"

	"ganlin/rules/risk"
)

var stages = []risk.Stage{risk.Waiting, risk.Dispatched, risk.Visited, risk.Verified, risk.Dismissed}

func TestStages(t *testing.T) {
	allowed := map[[2]risk.Stage]bool{
		{risk.Waiting, risk.Dispatched}: true, {risk.Dispatched, risk.Visited}: true,
		{risk.Visited, risk.Verified}: true, {risk.Visited, risk.Dismissed}: true,
	}
	for _, from := range stages {
		for _, to := range stages {
			for _, withdrawn := range []bool{false, true} {
				reason := ""
				if own := to.Reasons(); own != nil {
					reason = own[0]
				}
				want := allowed[[2]risk.Stage{from, to}] && (!withdrawn || from != risk.Waiting)
				err := from.Check(to, reason, withdrawn)
				if (err == nil) != want || err != nil && !errors.Is(err, risk.ErrOrder) {
					t.Errorf("from %s to %s, withdrawn %v: %v, want allowed %v", from, to, withdrawn, err, want)
				}
				if slices.Contains(from.Next(withdrawn), to) != want {
					t.Errorf("next of %s, withdrawn %v, is %v", from, withdrawn, from.Next(withdrawn))
				}
			}
		}
	}
}

func TestReasons(t *testing.T) {
	for _, c := range []struct {
		from, to risk.Stage
		reason   string
		ok       bool
	}{
		{risk.Visited, risk.Verified, risk.NoWater, true},
		{risk.Visited, risk.Dismissed, risk.WrongData, true},
		{risk.Visited, risk.Dismissed, risk.OtherReason, true},
		{risk.Visited, risk.Dismissed, "", false},
		{risk.Visited, risk.Dismissed, risk.NoWater, false}, // that is why one is verified
		{risk.Visited, risk.Verified, "he was ill", false},  // no free text
		{risk.Waiting, risk.Dispatched, "", true},
		{risk.Waiting, risk.Dispatched, risk.OtherReason, false},
	} {
		err := c.from.Check(c.to, c.reason, false)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, risk.ErrReason) {
			t.Errorf("%s because of %q: %v, want ok %v", c.to, c.reason, err, c.ok)
		}
	}
}
