package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"ganlin/devices"
)

// DeadLetters are what could not be read or stored, with the reason.
type DeadLetters interface {
	// Page returns at most limit letters older than the one named, newest first; an empty name begins at the newest.
	Page(ctx context.Context, after string, limit int) ([]DeadLetter, error)
	Letter(ctx context.Context, id string) (DeadLetter, error)
}

// A DeadLetter is one of them. In a page its payload is left out.
type DeadLetter struct {
	ID       string           `json:"id"`
	Received time.Time        `json:"received"`
	Device   devices.DeviceID `json:"device,omitempty"`
	Topic    string           `json:"topic,omitempty"`
	Reason   string           `json:"reason"`
	Detail   string           `json:"detail"`
	Codec    string           `json:"codec,omitempty"`
	Part     bool             `json:"part"`
	Length   int              `json:"length"`
	SHA256   string           `json:"sha256,omitempty"`
	Payload  []byte           `json:"payload,omitempty"`
}

const maxPage = 1000

func (a api) listDeadLetters(w http.ResponseWriter, r *http.Request) {
	limit := 100
	if s := r.FormValue("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > maxPage {
			a.fail(w, r, fmt.Errorf("%w: limit %q is not a number from 1 to %d", ErrBadRequest, s, maxPage))
			return
		}
		limit = n
	}
	page, err := a.DeadLetters.Page(r.Context(), r.FormValue("after"), limit)
	a.answer(w, r, page, err)
}

func (a api) showDeadLetter(w http.ResponseWriter, r *http.Request) {
	letter, err := a.DeadLetters.Letter(r.Context(), r.PathValue("id"))
	a.answer(w, r, letter, err)
}
