package valves_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ganlin/devices"
	"ganlin/internal/valves"
)

// lease opens a valve as the program does for a person: what is decided and put
// on disk between the reservation and the sending takes a while.
func (f *field) lease(id devices.DeviceID, takes time.Duration) bool {
	r, ok := f.courier.Reserve(id)
	if !ok {
		return false
	}
	defer r.Release()
	time.Sleep(takes)
	seq := f.courier.Next(id, time.Now().UnixMilli())
	if err := r.Send(open(fmt.Sprint("person-", seq), seq)); err != nil {
		f.t.Error(err)
	}
	return true
}

// looked is the control of lease: it only looks how the valve stands.
func (f *field) looked(id devices.DeviceID, takes time.Duration) bool {
	if state, _ := f.courier.Word(id); state != "" && state != devices.Closed {
		return false
	}
	time.Sleep(takes)
	seq := f.courier.Next(id, time.Now().UnixMilli())
	f.send(id, open(fmt.Sprint("person-", seq), seq))
	return true
}

// TestOneLeaseOfMany has twenty persons open a valve at about the same time, over
// lines of every kind: one is told that it opens, and the valve takes one open.
func TestOneLeaseOfMany(t *testing.T) {
	t.Run("reserved", func(t *testing.T) {
		if seeds := manyOpen(t, (*field).lease); len(seeds) > 0 {
			t.Errorf("more or less than one lease with the seeds %v", seeds)
		}
	})
	t.Run("control", func(t *testing.T) {
		if seeds := manyOpen(t, (*field).looked); len(seeds) == 0 {
			t.Error("without reservations it is the same")
		}
	})
}

// manyOpen returns the seeds with which more or less than one lease was given or taken.
func manyOpen(t *testing.T, lease func(*field, devices.DeviceID, time.Duration) bool) (wrong []uint64) {
	t.Helper()
	for seed := range uint64(50) {
		bubble(t, nil, func(f *field) {
			r := rand.New(rand.NewPCG(seed, 1))
			d := f.device(v1)
			d.slow, d.mute = time.Duration(r.IntN(2))*time.Second, r.IntN(3)
			if r.IntN(2) == 0 {
				f.courier.Ask([]devices.DeviceID{v1})
				synctest.Wait()
			}
			var taken int
			var mu sync.Mutex
			var all sync.WaitGroup
			for range 20 {
				wait, takes := time.Duration(r.IntN(3000))*time.Millisecond, time.Duration(r.IntN(50))*time.Millisecond
				all.Go(func() {
					time.Sleep(wait)
					if lease(f, v1, takes) {
						mu.Lock()
						defer mu.Unlock()
						taken++
					}
				})
			}
			all.Wait()
			time.Sleep(10 * time.Second)
			synctest.Wait()
			if taken != 1 || len(d.took) != 1 || d.leases != 0 {
				wrong = append(wrong, seed)
			}
			f.turn(v1, false)
			synctest.Wait()
			if !lease(f, v1, 0) {
				f.t.Errorf("seed %d: it is closed, and nobody may open it", seed)
			}
		})
	}
	return wrong
}

// TestTheFirstOpenCounts sends an open while another one is announced, on its way
// or obeyed: the second is not sent, also when its seq is higher.
func TestTheFirstOpenCounts(t *testing.T) {
	for name, first := range map[string]func(f *field){
		"announced": func(f *field) {
			r, ok := f.courier.Reserve(v1)
			if !ok {
				f.t.Fatal("no reservation")
			}
			time.AfterFunc(time.Second, func() {
				if err := r.Send(open("first", 10)); err != nil {
					f.t.Error(err)
				}
			})
		},
		"on its way": func(f *field) { f.deafen(v1, true); f.send(v1, open("first", 10)) },
		"obeyed":     func(f *field) { f.send(v1, open("first", 10)) },
		"by hand":    func(f *field) { f.turn(v1, true) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, nil, func(f *field) {
				f.courier.Ask([]devices.DeviceID{v1})
				f.sendings()
				first(f)
				synctest.Wait()
				f.send(v1, open("second", 20))
				f.deafen(v1, false)
				time.Sleep(10 * time.Second)
				if got := f.sendings(); slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, "second") }) {
					f.t.Errorf("sent %v", got)
				}
				if s := f.balanced(); s.Superseded != 1 {
					f.t.Errorf("counted %+v", s)
				}
			})
		})
	}
}

// TestReserve looks at when a valve can be reserved.
func TestReserve(t *testing.T) {
	bubble(t, nil, func(f *field) {
		t := f.t
		try := func(want bool, when string) *valves.Reservation {
			t.Helper()
			synctest.Wait()
			r, ok := f.courier.Reserve(v1)
			if ok != want {
				t.Errorf("%s: reserved %v", when, ok)
			}
			return r
		}
		r := try(true, "nothing is known yet")
		try(false, "it is reserved")
		r.Release()
		r.Release()
		try(true, "it was released").Release()
		r = try(true, "again")
		if err := r.Send(devices.Command{ID: "x", Action: devices.Open}); err == nil {
			t.Error("an open without an end was taken")
		}
		if err := r.Send(open("a", 1)); err != nil {
			t.Error(err)
		}
		try(false, "it is open")
		f.send(v1, closeBy("b", 2))
		try(true, "it is closed").Release()
		f.device(v1).deaf = true
		f.send(v1, closeBy("c", 3))
		try(false, "a close is on its way")
	})
}

// TestSeqsAreGivenOutOnce numbers commands by many hands at one moment.
func TestSeqsAreGivenOutOnce(t *testing.T) {
	c := valves.New(valves.Options{})
	const at = 1_783_010_400_123
	var mu sync.Mutex
	seen := map[int64]bool{}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			seq := c.Next(v1, at)
			mu.Lock()
			defer mu.Unlock()
			if seen[seq] || seq < at {
				t.Errorf("%d is given out", seq)
			}
			seen[seq] = true
		})
	}
	all.Wait()
}
