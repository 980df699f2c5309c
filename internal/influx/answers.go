package influx

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// An answer is what became of one write request.
type answer struct {
	err        error  // no answer: refused, reset, timed out
	status     int    // HTTP status
	text       string // what the database said, without its wrapping
	retryAfter time.Duration
}

// An action is what an answer asks of the writer.
type action int

const (
	advance   action = iota // all lines are stored
	findLines               // some line is refused: find it
	halve                   // the request is too large
	retry                   // the database is away or busy: the same again, for ever
	stop                    // something that a person must mend: try gently, drop nothing
)

// action sorts an answer. The wordings are those of InfluxDB 1.8.10 and
// 2.7.12; an answer nobody knows stops the writer, because guessing drops data.
func (a answer) action() action {
	switch {
	case a.err != nil:
		return retry
	case a.status == http.StatusNoContent:
		return advance
	case a.status == http.StatusRequestEntityTooLarge:
		return halve
	case a.status == http.StatusBadRequest || a.status == http.StatusUnprocessableEntity:
		if a.reason() != "" {
			return findLines
		}
		return stop
	case a.status == http.StatusRequestTimeout || a.status == http.StatusTooManyRequests:
		return retry
	case a.status >= 500 && !strings.Contains(a.text, "gzip"): // 2.7 answers 500 to a broken gzip body
		return retry
	default: // 401, 403, 404, a redirect, a 200 of something that is not InfluxDB
		return stop
	}
}

// Reason says why the database refused a line.
type Reason string

// The reasons.
const (
	TypeConflict    Reason = "type_conflict"
	Unparsable      Reason = "unparsable"
	BeyondRetention Reason = "beyond_retention"
)

// reason names what the text says of a bad line; empty when it names none. A
// batch may have several kinds of bad lines and names only one: it holds for
// the line only when the line was sent alone.
func (a answer) reason() Reason {
	switch {
	case strings.Contains(a.text, "unable to parse"):
		return Unparsable
	case strings.Contains(a.text, "field type conflict"):
		return TypeConflict
	case strings.Contains(a.text, "beyond retention policy"), // 1.8
		strings.Contains(a.text, "outside retention policy"): // 2.7
		return BeyondRetention
	}
	return ""
}

// String is the answer for people and logs.
func (a answer) String() string {
	switch {
	case a.err != nil:
		return brief(a.err.Error())
	case a.status >= 200 && a.status < 300:
		return fmt.Sprintf("it answers a write with %d instead of 204: is this an InfluxDB?", a.status)
	case a.text == "":
		return fmt.Sprintf("it answers %d %s", a.status, http.StatusText(a.status))
	}
	return fmt.Sprintf("it answers %d: %s", a.status, brief(a.text))
}
