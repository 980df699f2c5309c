package app

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/internal/engine"
	"ganlin/internal/journal"
	"ganlin/internal/registry"
)

// decides lets the rules come to two ticks of now: what they know after the first is kept.
func (s still) decides(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- s.engine.Run(ctx) }()
	for n := range 2 {
		at := time.Now().UTC().Truncate(time.Millisecond).Add(time.Duration(n) * time.Second)
		if err := s.appendTicks(ctx, at); err != nil {
			t.Fatal(err)
		}
		if err := s.engine.WaitTick(ctx, at); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// TestTheVersionSaidLastIsInForce changes the registry and takes the change back
// before the rules have come to it: while the program runs, and while it does not.
func TestTheVersionSaidLastIsInForce(t *testing.T) {
	folder := t.TempDir()
	registryOf := func(text string) *registry.File { return registry.Read("registry.yaml", []byte(text)) }
	open := func(text string) still {
		return openStill(t, folder, func(o *programOptions) { o.files = []*registry.File{registryOf(text)} })
	}
	said := func(s still, want *registry.Registry) {
		t.Helper()
		all := s.journalled(t, devices.VersionFact)
		if got := all[len(all)-1].Version.Registry; got != want.Hash() {
			t.Errorf("in force is %.8s, said last was %.8s", want.Hash(), got)
		}
	}
	other, problems := registry.Load(nil, registry.Options{Imported: []*registry.File{registryOf(strings.ReplaceAll(twoHouseholds, "3.2", "3.3"))}})
	if other == nil {
		t.Fatal(problems)
	}
	s := open(twoHouseholds)
	first := s.registry.Load()
	s.decides(t)
	if got := s.engine.Version().Registry; got != first.Hash() {
		t.Fatalf("it decides by %.8s", got)
	}
	for _, r := range []*registry.Registry{other, first, other} {
		if err := s.takeOver(t.Context(), r, nil); err != nil {
			t.Fatal(err)
		}
		said(s, r)
	}
	s.shut()
	s = open(twoHouseholds)
	if got := s.engine.Version().Registry; got != first.Hash() {
		t.Fatalf("the start goes on with %.8s, not with the snapshot", got)
	}
	said(s, first)
}

// TestAStartThatWouldForgetIsRefused makes what the rules know unreadable, with a
// journal that is whole, and with one that was purged.
func TestAStartThatWouldForgetIsRefused(t *testing.T) {
	folder := t.TempDir()
	s := openStill(t, folder, nil)
	s.decides(t)
	if err := s.records.SaveSnapshot(t.Context(), readerRules, s.engine.At().Text, []byte("{")); err != nil {
		t.Fatal(err)
	}
	s.shut()
	s = openStill(t, folder, nil) // made anew
	s.decides(t)
	if _, err := s.journal.Purge(t.Context(), time.Now().Add(time.Minute), []journal.Position{s.journal.State().End}); err != nil || s.journal.Whole() {
		t.Fatalf("nothing is purged: %v", err)
	}
	if err := s.records.SaveSnapshot(t.Context(), readerRules, s.engine.At().Text, []byte("{")); err != nil {
		t.Fatal(err)
	}
	o := s.o
	s.shut()
	again, err := openProgram(t.Context(), o)
	if again != nil {
		again.close(t.Context())
	}
	if !errors.Is(err, engine.ErrForgotten) || !strings.Contains(err.Error(), "from one backup") {
		t.Errorf("the start ends with %v", err)
	}
}
