package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// A stage is a part of the running program. What runs in it may use all stages
// before it, so they are ended in reverse order, each before the one it needs.
type stage struct {
	name string
	run  func(ctx context.Context) error
}

// runStages runs all stages until ctx ends or one of them returns, then ends
// the others from the last to the first. It returns the first error.
func runStages(ctx context.Context, stages []stage) error {
	type ended struct {
		index int
		err   error
	}
	ends := make(chan ended, len(stages))
	cancels := make([]context.CancelFunc, len(stages))
	for i, s := range stages {
		own, cancel := context.WithCancel(context.WithoutCancel(ctx))
		cancels[i] = cancel
		go func() { ends <- ended{i, s.run(own)} }()
	}
	over := make([]bool, len(stages))
	var first error
	note := func(e ended, whileRunning bool) {
		over[e.index] = true
		switch {
		case e.err != nil && !errors.Is(e.err, context.Canceled) && first == nil:
			first = fmt.Errorf("%s: %w", stages[e.index].name, e.err)
		case whileRunning && first == nil:
			first = fmt.Errorf("%s ended by itself", stages[e.index].name)
		}
	}
	select {
	case <-ctx.Done():
	case e := <-ends:
		note(e, true)
	}
	for i := range slices.Backward(stages) {
		cancels[i]()
		for !over[i] {
			note(<-ends, false)
		}
	}
	return first
}
