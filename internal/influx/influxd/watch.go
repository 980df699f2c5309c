package influxd

import (
	"context"
	"fmt"
	"time"

	"ganlin/internal/influx"
)

// How a running child is watched.
const (
	askEvery    = 2 * time.Second
	askPatience = 5 * time.Second
	silentLimit = 10 * time.Minute // a shorter silence is waited for
)

// watch asks the child every 2 s whether it answers. It returns nil when the
// process or ctx ends, and an error when the child has been silent for so long
// that it must be replaced.
func (c *Child) watch(ctx context.Context, p *process, endpoint influx.Endpoint) error {
	client := influx.NewClient(endpoint.Fixed(), nil)
	defer client.Close()
	var quiet silence
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.exited:
			return nil
		case <-time.After(askEvery):
		}
		begun := time.Now()
		asking, cancel := context.WithTimeout(ctx, askPatience)
		_, err := client.Ping(asking)
		cancel()
		switch silent := quiet.asked(err == nil, time.Since(begun)); {
		case ctx.Err() != nil: // the answer says nothing
		case silent == 0:
			c.enter(Ready, "")
		case silent > silentLimit:
			return fmt.Errorf("it did not answer for %s", silentLimit)
		default:
			c.enter(Down, fmt.Sprintf("InfluxDB runs and does not answer, for %d s", int(silent.Seconds())))
		}
	}
}

// A silence adds up how long the child was asked in vain. Time in which nobody
// asked does not count: when our own program was frozen or the machine slept,
// the child was not silent.
type silence time.Duration

func (s *silence) asked(answered bool, took time.Duration) time.Duration {
	if answered {
		*s = 0
	} else {
		*s += silence(min(took, askPatience) + askEvery)
	}
	return time.Duration(*s)
}
