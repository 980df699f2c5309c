package valve_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/rules/valve"

	gocmp "github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// at returns the time so many seconds after noon.
func at(seconds float64) time.Time { return noon.Add(time.Duration(seconds * float64(time.Second))) }

var limits = valve.Limits{MaxDurationS: 3600, MaxVolumeL: 5000, MinOffS: 300}

// closedValve is a valve that has reported closed.
func closedValve() *valve.Valve {
	v := valve.New("v-1", limits)
	v.Report(devices.CommandReport{State: devices.Closed}, at(-600))
	return v
}

func TestValve(t *testing.T) {
	playAll(t, []played{
		{
			"an opening of a lease", `
0 OPEN a 1800 4000
2 accepted a
2 open a 0
1802 closed - 900`,
			[]string{"2 a accepted: accepted", "2 a opened: open", "1802 - closed: closed, a by lease for 1800 s of 1800, 900 of 4000 L"},
			valve.Closed,
		},
		{
			"a lease is cut to the limits", `
0 OPEN a 9000 9000
2 accepted a
2 open a 0
3602 closed - 0`,
			[]string{"2 a accepted: accepted", "2 a opened: open", "3602 - closed: closed, a by lease for 3600 s of 3600, 0 of 5000 L"},
			valve.Closed,
		},
		{
			"the water of a lease is used up", `
0 OPEN a 1800 500
2 open a
700 closed - 499.9`,
			[]string{"2 a opened: open", "700 - closed: closed, a by lease for 698 s of 1800, 499.9 of 500 L"},
			valve.Closed,
		},
		{
			"closed by hand, without a meter", `
0 OPEN a 1800
2 open a
100 closed`,
			[]string{"2 a opened: open", "100 - closed: closed, a by hand for 98 s of 1800, ? of 5000 L"},
			valve.Closed,
		},
		{
			"closed by a command", `
0 OPEN a 1800
2 open a
100 CLOSE b
102 accepted b
102 closed b 50`,
			[]string{"2 a opened: open", "102 b obeyed: closed", "102 b closed: closed, a by command for 100 s of 1800, 50 of 5000 L"},
			valve.Closed,
		},
		{
			"repetitions change nothing", `
0 OPEN a 1800
2 accepted a
2 open a 0
2 accepted a
3 open a 0
10 open
70 open report-1 500
200 accepted elsewhere
1802 closed - 900
1802 closed - 900
1803 open report-2 900
1900 closed report-3 900
1900 tick`,
			[]string{"2 a accepted: accepted", "2 a opened: open", "1802 - closed: closed, a by lease for 1800 s of 1800, 900 of 5000 L"},
			valve.Closed,
		},
		{
			"answers may be older than they look", `
0 OPEN a 1800
1 closed report-1
2 accepted a
2 open report-2
2 open
2 open a 0
3 closed report-3
4 tick`,
			[]string{"2 a accepted: accepted", "2 a opened: open"},
			valve.Open,
		},
		{
			"older news change nothing", `
0 OPEN a 1800
20 open a
10 closed
2 failed`,
			[]string{"20 a opened: open"},
			valve.Open,
		},
		{
			"rejected, then asked again", `
0 OPEN a 1800
2 rejected a
3 rejected a
601 OPEN b 60
602 OPEN c 60
604 expired c
660 tick`,
			[]string{"2 a rejected: closed", "601 b: refused, unresponsive", "604 c expired: closed"},
			valve.Closed,
		},
		{
			"nobody there", `
0 OPEN a 1800
60 tick
60.001 tick
61 tick`,
			[]string{"60.001 a expired: closed"},
			valve.Closed,
		},
		{
			"its word was long under way", `
0 OPEN a 1800
3600 tick
2 accepted a
2 open a
1802 closed - 900`,
			[]string{
				"3600 a expired: closed", "2 a accepted: accepted", "2 a opened: open",
				"1802 - closed: closed, a by lease for 1800 s of 1800, 900 of 5000 L",
			},
			valve.Closed,
		},
		{
			"a late open is closed", `
0 OPEN a 1800
60.5 tick
61 open a
63 closed ` + auto(61) + ` 1`,
			[]string{
				"60.5 a expired: closed", "61 a opened: open", "61 a late: open!", "61 " + auto(61) + " close_sent: closing, send close",
				"63 " + auto(61) + " obeyed: closed", "63 " + auto(61) + " closed: closed, a by command for 2 s of 1800, 1 of 5000 L",
			},
			valve.Closed,
		},
		{
			"accepted, then not a word", `
0 OPEN a 1800
2 accepted a
62 tick
62.5 tick
70 OPEN b 60
122.5 tick
123 tick
243 tick
244 tick
300 closed x 7`,
			[]string{
				"2 a accepted: accepted", "62.5 a unanswered: unknown!", "62.5 " + auto(62.5) + " close_sent: unknown, send close",
				"70 b: refused, locked",
				"123 " + auto(123) + " close_sent: unknown, send close",
				"243 " + auto(62.5) + " cancelled: unknown",
				"244 " + auto(244) + " close_sent: unknown, send close",
				"300 " + auto(244) + " obeyed: closed", "300 x closed: closed, a by command for 298 s of 1800, ? of 5000 L, assumed",
			},
			valve.Closed,
		},
		{
			"a late success is reconciled", `
0 OPEN a 1800
2 accepted a
100 tick
130 open a
140 closed - 8`,
			[]string{
				"2 a accepted: accepted", "100 a unanswered: unknown!", "100 " + auto(100) + " close_sent: unknown, send close",
				"130 a opened: unknown", "140 " + auto(100) + " obeyed: closed", "140 - closed: closed, a by command for 10 s of 1800, 8 of 5000 L",
			},
			valve.Closed,
		},
		{
			"overdue", `
0 OPEN a 1800
2 open a
1862 tick
1862.5 tick
1900 open report-1
1950 accepted ` + auto(1862.5) + `
1951 failed ` + auto(1862.5) + `
1990 clear`,
			[]string{
				"2 a opened: open", "1862.5 a overdue: unknown!", "1862.5 " + auto(1862.5) + " close_sent: unknown, send close",
				"1990 " + auto(1862.5) + " obeyed: closed", "1990 - closed: closed, a by person for 1988 s of 1800, ? of 5000 L",
			},
			valve.Closed,
		},
		{
			"told to close, not closing", `
0 OPEN a 1800
2 open a
100 CLOSE b
100 tick
102 accepted b
160 tick
161 tick
162 closed ` + auto(161) + ` 9`,
			[]string{
				"2 a opened: open", "161 b not_closing: unknown!", "161 " + auto(161) + " close_sent: unknown, send close",
				"162 " + auto(161) + " obeyed: closed", "162 " + auto(161) + " closed: closed, a by command for 160 s of 1800, 9 of 5000 L",
			},
			valve.Closed,
		},
		{
			"failed to open", `
0 OPEN a 1800
2 accepted a
5 failed a
6 closed ` + auto(5),
			[]string{
				"2 a accepted: accepted", "5 a failed: unknown!", "5 " + auto(5) + " close_sent: unknown, send close",
				"6 " + auto(5) + " obeyed: closed", "6 " + auto(5) + " closed: closed",
			},
			valve.Closed,
		},
		{
			"a close overtakes an open", `
0 OPEN a 1800
0.5 CLOSE b
1 closed
2 closed report-1
2 closed b`,
			[]string{"2 a cancelled: closed", "2 b obeyed: closed", "2 b closed: closed"},
			valve.Closed,
		},
		{
			"an open just before its close", `
0 OPEN a 1800
0.5 CLOSE b
2 accepted a
2 open a
3 closed b 1`,
			[]string{"2 a accepted: closing", "2 a opened: closing", "3 b obeyed: closed", "3 b closed: closed, a by command for 1 s of 1800, 1 of 5000 L"},
			valve.Closed,
		},
		{
			"opened by hand and left open", `
0 open
3599 tick
3600 tick
3602 closed ` + auto(3600) + ` 99`,
			[]string{
				"0 - by_hand: open", "3600 " + auto(3600) + " close_sent: closing, send close",
				"3602 " + auto(3600) + " obeyed: closed", "3602 " + auto(3600) + " closed: closed, - by command for 3602 s of 0, 99 of 0 L",
			},
			valve.Closed,
		},
		{
			"opened by hand, then by a lease", `
0 OPEN a 1800
1 open
2 accepted a
2 open a
1802 closed`,
			[]string{
				"1 - by_hand: open", "2 a accepted: open", "2 a opened: open",
				"1802 - closed: closed, a by lease for 1801 s of 1800, ? of 5000 L",
			},
			valve.Closed,
		},
		{
			"opened and closed by hand before the lease", `
0 OPEN a 1800
1 open
2 closed - 1
3 accepted a
3 open a
1803 closed`,
			[]string{
				"1 - by_hand: open", "2 - closed: requested, - by hand for 1 s of 0, 1 of 0 L", "3 a accepted: accepted", "3 a opened: open",
				"1803 - closed: closed, a by lease for 1800 s of 1800, ? of 5000 L",
			},
			valve.Closed,
		},
		{
			"found open", `
100 open report-1
102 closed ` + auto(100),
			[]string{
				"100 report-1 found_open: open!", "100 " + auto(100) + " close_sent: closing, send close",
				"102 " + auto(100) + " obeyed: closed", "102 " + auto(100) + " closed: closed, - by command for 2 s of 0, ? of 0 L",
			},
			valve.Closed,
		},
		{
			"emergency stop", `
0 OPEN a 1800
2 open a
10 stop
11 OPEN b 60
12 closed stop-1 5
13 OPEN c 60
14 open
15 closed ` + auto(14) + `
16 resume
400 OPEN d 60`,
			[]string{
				"2 a opened: open", "10 " + auto(10) + " close_sent: closing, send close", "11 b: refused, stopped",
				"12 " + auto(10) + " obeyed: closed", "12 stop-1 closed: closed, a by command for 10 s of 1800, 5 of 5000 L", "13 c: refused, stopped",
				"14 - by_hand: open", "14 " + auto(14) + " close_sent: closing, send close",
				"15 " + auto(14) + " obeyed: closed", "15 " + auto(14) + " closed: closed, - by command for 1 s of 0, ? of 0 L",
			},
			valve.Requested,
		},
		{
			"minimum time between openings, and what may not be asked", `
0 OPEN a 60
2 open a
62 closed
361 OPEN b 60
362 OPEN c 0
362 OPEN d 60 -1
362 OPEN e 60`,
			[]string{
				"2 a opened: open", "62 - closed: closed, a by lease for 60 s of 60, ? of 5000 L",
				"361 b: refused, minimum_off", "362 c: refused, no_duration", "362 d: refused, wrong_volume",
			},
			valve.Requested,
		},
		{
			"a leak", `
0 flow 0.4
10 flow 6
69 tick
70 tick
80 closed ` + auto(70) + `
90 OPEN a 60
100 flow 5
130 tick
131 tick
200 flow 0
201 tick
210 OPEN b 60`,
			[]string{
				"70 - leak: closed!", "70 " + auto(70) + " close_sent: closed, send close", "90 a: refused, leaking",
				"131 " + auto(131) + " close_sent: closed, send close",
				"201 " + auto(70) + " cancelled: closed", "201 " + auto(131) + " cancelled: closed",
			},
			valve.Requested,
		},
		{
			"no leak: what is left in the pipe, and water by hand", `
0 OPEN a 600
2 open a
602 closed
610 flow 3
720 flow 0
800 flow 5
800 open
900 flow 5
900 tick
900 closed
1200 tick`,
			[]string{
				"2 a opened: open", "602 - closed: closed, a by lease for 600 s of 600, ? of 5000 L",
				"800 - by_hand: open", "900 - closed: closed, - by hand for 100 s of 0, ? of 0 L",
			},
			valve.Closed,
		},
		{
			"a still meter qualifies an opening", `
0 OPEN a 600
2 open a
30 flow 0
62 flow 0
100 flow 0
602 closed - 0`,
			[]string{"2 a opened: open", "62 a still_meter: open", "602 - closed: closed, a by lease for 600 s of 600, 0 of 5000 L, still"},
			valve.Closed,
		},
		{
			"a refused close", `
0 open
10 CLOSE b
12 rejected b
13 closed ` + auto(12) + `
14 clear`,
			[]string{
				"0 - by_hand: open", "12 b failed: unknown!", "12 " + auto(12) + " close_sent: unknown, send close",
				"13 " + auto(12) + " obeyed: closed", "13 " + auto(12) + " closed: closed, - by command for 13 s of 0, ? of 0 L",
			},
			valve.Closed,
		},
		{
			"come and gone, and nobody saw it open", `
0 OPEN a 60
62 closed a 40
70 OPEN b 60`,
			[]string{
				"62 a closed: closed, a by lease for 0 s of 60, 40 of 5000 L, assumed", "70 b: refused, minimum_off",
			},
			valve.Closed,
		},
		{
			"told too late that it was refused", `
0 OPEN a 60
100 tick
2 rejected a
3 accepted a`,
			[]string{"100 a expired: closed"},
			valve.Closed,
		},
		{
			"seen shut by a person before it could open", `
0 OPEN a 60
1 clear`,
			[]string{"1 a cancelled: closed", "1 - closed: closed"},
			valve.Closed,
		},
		{
			"a close is no question of knowledge", `
0 CLOSE a
1 tick
2 closed a
3 OPEN b 60`,
			[]string{"1 a cancelled: closed"},
			valve.Requested,
		},
	})
}

func TestNothingIsKnownAtFirst(t *testing.T) {
	v := valve.New("v-1", limits)
	want := []string{
		"0 a: refused, not_closed", "10 " + auto(10) + " close_sent: unknown, send close",
		"12 " + auto(10) + " obeyed: closed", "12 " + auto(10) + " closed: closed",
	}
	if diff := gocmp.Diff(want, play(t, v, "0 OPEN a 60\n10 tick\n12 closed "+auto(10)+"\n13 OPEN b 60")); diff != "" {
		t.Error(diff)
	}
}

func TestWithoutALimitNothingOpens(t *testing.T) {
	v := closedValve()
	v.Limits = valve.Limits{}
	if _, refusal := v.Open(noon, "a", valve.Ask{DurationS: 60}); refusal != valve.NoLimit {
		t.Errorf("refused by %q", refusal)
	}
	v.Limits = limits
	for _, litres := range []float64{math.NaN(), math.Inf(1)} {
		if _, refusal := v.Open(noon, "a", valve.Ask{DurationS: 60, VolumeL: litres}); refusal != valve.WrongVolume {
			t.Errorf("refused by %q", refusal)
		}
	}
}

func TestCommands(t *testing.T) {
	v := closedValve()
	v.LastSeq = at(3600).UnixMilli() // a close by a clock that was ahead
	got, refusal := v.Open(noon, "", valve.Ask{DurationS: 60, VolumeL: 100})
	want := devices.Command{
		ID: fmt.Sprintf("v-1-%d", at(3600).UnixMilli()+1), Seq: at(3600).UnixMilli() + 1,
		Action: devices.Open, MaxDurationS: 60, MaxVolumeL: 100, ExpiresAt: at(60),
	}
	if diff := gocmp.Diff(want, got); diff != "" || refusal != "" {
		t.Error(diff, refusal)
	}
	if c := v.Close(at(7200), "x"); c != (devices.Command{ID: "x", Seq: at(7200).UnixMilli(), Action: devices.Close}) {
		t.Errorf("got %+v", c)
	}
}
