package rulefile_test

import (
	"testing"

	"ganlin/internal/rulefile"
)

// TestTextIsTheSameSet reads the built-in rules back from their text.
func TestTextIsTheSameSet(t *testing.T) {
	set, problems := rulefile.Load(nil, true)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	again, problems := rulefile.Read("rules.yaml", set.Text())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if again.Hash != set.Hash || len(again.Rules) != len(set.Rules) {
		t.Errorf("%d rules of hash %s, want %d of %s", len(again.Rules), again.Hash, len(set.Rules), set.Hash)
	}
}
