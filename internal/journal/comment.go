package journal

import (
	"ganlin/devices"
	"ganlin/ingest"
)

// The comments of a record, by how they begin.
const (
	readingMark  = "#reading "
	presenceMark = "#presence "
	reportMark   = "#report "
	tickMark     = "#tick "
	versionMark  = "#version "
	actMark      = "#act "
	decisionMark = "#decision "
	deadMark     = "#dead "
)

// A comment is the content of all comments but those of readings and decisions.
type comment struct {
	Device   devices.DeviceID `json:"device,omitempty"`
	At       int64            `json:"at,omitempty"` // Unix ms, of a tick and a version
	Received int64            `json:"received"`     // Unix ms
	location
	Presence *devices.Presence      `json:"presence,omitempty"`
	Report   *devices.CommandReport `json:"report,omitempty"`
	Version  *devices.Version       `json:"version,omitempty"`
	Act      *devices.Act           `json:"act,omitempty"`
	Dead     *deadLetter            `json:"dead,omitempty"`
}

type location struct {
	Plot  devices.PlotID    `json:"plot,omitempty"`
	Site  devices.SiteID    `json:"site,omitempty"`
	Place devices.PlaceCode `json:"place,omitempty"`
}

func locationOf(l devices.Location) location { return location(l) }

type deadLetter struct {
	Reason  ingest.Reason `json:"reason"`
	Detail  string        `json:"detail,omitempty"`
	Topic   string        `json:"topic,omitempty"`
	Payload []byte        `json:"payload,omitempty"` // base64
	Length  int           `json:"length,omitempty"`
	SHA256  string        `json:"sha256,omitempty"`
	Part    bool          `json:"part,omitempty"`
	Codec   string        `json:"codec,omitempty"`
}

func deadOf(l ingest.DeadLetter) *deadLetter {
	d := deadLetter(l)
	return &d
}
