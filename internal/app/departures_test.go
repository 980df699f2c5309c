package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/firmware-sim/firmware"
	"ganlin/internal/httpapi"
)

const moreValves = `
plots:
  - {id: p-8, place: "500119101001", station: w-01, household: h-8, area_mu: 3, crop: maize_grain, planted: 2026-04-02, soil: silt_loam, valves: [v-8]}
  - {id: p-9, place: "500119101001", station: w-01, household: h-9, area_mu: 3, crop: maize_grain, planted: 2026-04-02, soil: silt_loam, valves: [v-9]}
devices:
  - {id: v-8, model: ganlin-valve-1, plot: p-8, max_duration_s: 3600}
  - {id: v-9, model: ganlin-valve-1, plot: p-9, max_duration_s: 3600}
  - {id: s-9, model: ganlin-soil-3, plot: p-9}
`

// TestAValveLeavesTheRegistryWhileItIsOpen forgets two valves of the embedded
// broker while water runs. They stay connected, one is closed by a person, the
// other by the rules, and once these know that they are closed they are out. A probe
// that is forgotten with them is out at once.
func TestAValveLeavesTheRegistryWhileItIsOpen(t *testing.T) {
	t.Parallel()
	y := newYard(t, t.TempDir(), 1, nil)
	status, text := y.post("/devices/import", httpapi.RegistryFile{Name: "more.yaml", Content: moreValves})
	var made []httpapi.Credential
	if err := json.Unmarshal([]byte(text), &made); err != nil || len(made) != 3 {
		t.Fatalf("the import answers %d %s", status, text)
	}
	valves := map[devices.DeviceID]*firmware.Device{}
	passwords := map[devices.DeviceID]string{}
	for _, c := range made {
		if passwords[c.Device] = c.Password; c.Device != "s-9" {
			valves[c.Device] = y.connect(c)
		}
	}
	leaving := []devices.DeviceID{"v-8", "v-9"}
	y.program.valves.Ask(leaving)
	for _, id := range leaving {
		waitFor(t, 30*time.Second, "water from "+string(id), func() (bool, string) {
			status, text := y.post("/valves/"+string(id)+"/open", map[string]int{"duration_s": 3000})
			return y.state(id) == devices.Opened, fmt.Sprint(status, text)
		})
	}
	if status, text := y.post("/devices/forget", httpapi.ForgetDevices{Name: "more.yaml"}); status != http.StatusOK {
		t.Fatalf("to forget answers %d %s", status, text)
	}
	if y.letsIn("s-9", passwords["s-9"]) {
		t.Error("a probe that is forgotten is let in")
	}
	for _, id := range leaving {
		if !y.gate.Online(id) || !y.letsIn(id, passwords[id]) || !slices.Contains(y.everyValve(), id) {
			t.Errorf("%s is open: it is connected: %t, let in: %t, in the emergency stop: %t", id, y.gate.Online(id), y.letsIn(id, passwords[id]), slices.Contains(y.everyValve(), id))
		}
	}
	if status, text := y.post("/valves/v-8/open", map[string]int{"duration_s": 60}); status != http.StatusNotFound {
		t.Errorf("an opening of a valve that is forgotten answers %d %s", status, text)
	}
	if status, text := y.post("/valves/v-8/close", nil); status != http.StatusAccepted {
		t.Fatalf("a close answers %d %s", status, text)
	}
	shut := func(id devices.DeviceID) {
		t.Helper()
		waitFor(t, 20*time.Second, string(id)+" to be closed, and heard", func() (bool, string) { return y.state(id) == devices.Closed, y.log.tail() })
		if err := valves[id].Wait(t.Context()); err != nil { // for all that it said to be on disk
			t.Fatal(err)
		}
	}
	shut("v-8")
	y.tick(lateness + time.Minute) // now the rules know that v-9 is open
	shut("v-9")
	y.tick(2*lateness + 5*time.Minute)
	for _, id := range leaving {
		waitFor(t, 20*time.Second, string(id)+" to be sent away", func() (bool, string) {
			return !y.gate.Online(id) && !y.letsIn(id, passwords[id]) && !slices.Contains(y.everyValve(), id), y.log.tail()
		})
	}
	known, err := y.records.Credentials(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range leaving {
		if known[id].Revoked.IsZero() {
			t.Errorf("the password of %s does not end", id)
		}
	}
	if n := y.engine.Leaving(); len(n) > 0 {
		t.Errorf("leaving are still %v", n)
	}
	letters, err := y.records.DeadLetters(t.Context(), "", 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range letters {
		if strings.HasSuffix(l.Topic, "/report") {
			t.Errorf("what a valve said is not heard: %+v", l)
		}
	}
}
