package valve_test

import (
	"testing"

	"ganlin/rules/valve"
)

func TestStrikesAndPersons(t *testing.T) {
	playAll(t, []played{
		{
			"it takes no open: three strikes, then once a day", `
0 OPEN a 60
60.001 tick
660 OPEN b 60
661 OPEN b 60
721.001 tick
4321 OPEN c 60
4322 OPEN c 60
4324 rejected c
5000 closed report-1
90723 OPEN d 60
90724 OPEN d 60
90785 tick`,
			[]string{
				"60.001 a expired: closed", "660 b: refused, unresponsive", "721.001 b expired: closed", "4321 c: refused, unresponsive",
				"4324 c rejected: closed", "90723 d: refused, unresponsive", "90785 d expired: closed",
			},
			valve.Closed,
		},
		{
			"one that speaks by itself is tried again soon, and once it obeys all is forgotten", `
0 OPEN a 60
61 tick
661 OPEN b 60
722 tick
4322 OPEN c 60
4383 tick
4382 closed
5000 OPEN d 60
5001 closed
7982 OPEN d 60
7983 OPEN d 60
7985 accepted d
7985 open d
8045 closed
9000 OPEN e 60
9061 tick
9662 OPEN f 60`,
			[]string{
				"61 a expired: closed", "722 b expired: closed", "4383 c expired: closed", "5000 d: refused, unresponsive", "7982 d: refused, unresponsive",
				"7985 d accepted: accepted", "7985 d opened: open", "8045 - closed: closed, d by lease for 60 s of 60, ? of 5000 L", "9061 e expired: closed",
			},
			valve.Requested,
		},
		{
			"a person clears one that did not answer, and a meter that creeps", `
0 OPEN a 60
61 tick
70 clear
70 OPEN b 60
71 rejected b
72 clear
200 flow 3
260 tick
300 flow 3
300 clear
310 flow 3.5
400 tick
400 OPEN c 60
401 rejected c
402 clear
500 flow 4
570 tick
570 OPEN d 60
600 flow 0.1
700 flow 3
760 tick`,
			[]string{
				"61 a expired: closed", "71 b rejected: closed", "260 - leak: closed!", "260 " + auto(260) + " close_sent: closed, send close",
				"400 " + auto(260) + " cancelled: closed", "401 c rejected: closed", "570 - leak: closed!", "570 " + auto(570) + " close_sent: closed, send close",
				"570 d: refused, leaking", "760 " + auto(570) + " cancelled: closed", "760 - leak: closed!", "760 " + auto(760) + " close_sent: closed, send close",
			},
			valve.Closed,
		},
		{
			"what a person cannot have seen shut", `
0 flow 60
60 tick
70 clear
80 flow 60
140 tick`,
			[]string{
				"60 - leak: closed!", "60 " + auto(60) + " close_sent: closed, send close", "140 " + auto(60) + " cancelled: closed",
				"140 - leak: closed!", "140 " + auto(140) + " close_sent: closed, send close",
			},
			valve.Closed,
		},
	})
}
