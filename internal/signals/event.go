package signals

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"ganlin/devices"
)

// An Event is a signal as it leaves: a CloudEvent 1.0 in the JSON format. It
// says no more than a receiver needs to know that somebody should look.
type Event struct {
	SpecVersion string    `json:"specversion"`
	ID          string    `json:"id"`     // the same whenever and however it is sent
	Source      string    `json:"source"` // this program, as this receiver knows it
	Type        string    `json:"type"`
	Subject     string    `json:"subject"`  // the household's pseudonym
	Time        time.Time `json:"time"`     // event time
	Sequence    string    `json:"sequence"` // the account's own number of it
	ContentType string    `json:"datacontenttype"`
	Data        Data      `json:"data"`
}

// Data is what a signal tells.
type Data struct {
	Clue  string            `json:"clue"`            // the pseudonym of the episode
	Place devices.PlaceCode `json:"place"`           // of the township
	Level string            `json:"level,omitempty"` // blue, yellow, orange, red or unknown; none any more: absent
	Cause string            `json:"cause"`
	Link  string            `json:"link"` // to the evidence, on the address of this API; who follows it is written down
}

// TypePrefix begins the type of every signal of a clue; its kind follows.
const TypePrefix = "ganlin.risk.clue."

// eventOf tells a signal to the receiver whose key it is, under the account's own number.
func eventOf(s Signal, key []byte, number string) Event {
	e := Event{
		SpecVersion: "1.0", ID: pseudonym(key, "signal", s.ID), Source: source(key), Type: TypePrefix + s.Kind,
		Subject: pseudonym(key, "household", string(s.Household)), Time: s.At.UTC(), Sequence: number, ContentType: "application/json",
		Data: Data{
			Clue: pseudonym(key, "clue", s.Clue), Place: Township(s.Place), Level: s.Level, Cause: s.Cause,
			Link: "/api/v1/risk/signals/" + number,
		},
	}
	if s.Level == "none" {
		e.Data.Level = ""
	}
	return e
}

func source(key []byte) string { return "urn:ganlin:" + pseudonym(key, "source", "")[:16] }

// pseudonym is what a receiver is told instead of an id: always the same to
// one, another to each, and nobody without the key finds out of which id.
func pseudonym(key []byte, what, id string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(what + "\n" + id))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// Township is the code of the township that a place lies in: its first 9
// digits, filled up to 12 with zeros.
func Township(code devices.PlaceCode) devices.PlaceCode {
	const township, digits = 9, 12
	s := string(code)
	s = s[:min(len(s), township)]
	return devices.PlaceCode(s + strings.Repeat("0", digits-len(s)))
}
