package quality_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// start is a local midnight in Chongqing.
var start = time.Date(2026, 6, 30, 16, 0, 0, 0, time.UTC)

func after(d time.Duration) time.Time { return start.Add(d) }

// again returns the value as JSON reads it back, and checks that nothing of it was lost.
func again[T any](t interface {
	Helper()
	Fatalf(format string, args ...any)
}, v T,
) T {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("writing: %v", err)
	}
	var back T
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatalf("reading back: %v", err)
	}
	if diff := cmp.Diff(v, back); diff != "" {
		t.Fatalf("JSON loses (-had +has):\n%s", diff)
	}
	return back
}

// is reports whether a result is the wanted number, or nil for none.
func is(t *testing.T, name string, got *float64, want any) {
	t.Helper()
	switch want := want.(type) {
	case nil:
		if got != nil {
			t.Errorf("%s is %g, want unknown", name, *got)
		}
	case float64:
		if got == nil {
			t.Errorf("%s is unknown, want %g", name, want)
		} else if d := *got - want; d > 1e-9 || d < -1e-9 {
			t.Errorf("%s is %g, want %g", name, *got, want)
		}
	}
}
