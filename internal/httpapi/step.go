package httpapi

import (
	"fmt"
	"net/http"
	"time"

	"ganlin/devices"
)

func (a api) step(w http.ResponseWriter, r *http.Request) {
	if a.Stepper == nil {
		writeProblem(w, http.StatusConflict, "not in step", "this program runs on the wall clock; start it with --step")
		return
	}
	var in struct {
		At   time.Time                  `json:"at"`
		Last map[devices.DeviceID]int64 `json:"last"`
	}
	if err := readJSON(w, r, &in); err != nil {
		a.fail(w, r, err)
		return
	}
	if in.At.IsZero() {
		a.fail(w, r, fmt.Errorf("%w: at is missing; send the time of the barrier in RFC 3339", ErrBadRequest))
		return
	}
	watermark, err := a.Stepper.Step(r.Context(), in.At.UTC(), in.Last)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	writeJSON(w, map[string]time.Time{"watermark": watermark})
}
