package app

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestStagesEndInReverseOrder(t *testing.T) {
	var mu sync.Mutex
	var order []string
	until := func(name string) stage {
		return stage{name, func(ctx context.Context) error {
			<-ctx.Done()
			mu.Lock()
			defer mu.Unlock()
			order = append(order, name)
			return ctx.Err()
		}}
	}
	ctx, cancel := context.WithCancel(t.Context())
	started := stage{"last", func(ctx context.Context) error {
		cancel()
		return until("last").run(ctx)
	}}
	if err := runStages(ctx, []stage{until("first"), until("second"), started}); err != nil {
		t.Errorf("ending on purpose gives %v", err)
	}
	if want := []string{"last", "second", "first"}; !slices.Equal(order, want) {
		t.Errorf("ended in the order %v, want %v", order, want)
	}
}

func TestAFailingStageEndsTheOthers(t *testing.T) {
	broken := errors.New("the disk is gone")
	err := runStages(t.Context(), []stage{
		{"waits", func(ctx context.Context) error { <-ctx.Done(); return nil }},
		{"breaks", func(context.Context) error { return broken }},
	})
	if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "breaks:") {
		t.Errorf("got %v, want the error of the stage that broke with its name", err)
	}
	err = runStages(t.Context(), []stage{{"stops", func(context.Context) error { return nil }}})
	if err == nil {
		t.Error("a stage that ends by itself goes unnoticed")
	}
}
