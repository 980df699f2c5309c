package notify

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"time"
)

// NtfyOptions name a server of ntfy; topics are the addresses.
type NtfyOptions struct {
	URL   string
	Token string // empty: the server asks for none
}

// NewNtfy returns the channel of ntfy.
func NewNtfy(o NtfyOptions) Channel { return &ntfy{o, newClient()} }

type ntfy struct {
	o      NtfyOptions
	client *http.Client
}

var ntfyTopic = regexp.MustCompile(`^[-_A-Za-z0-9]{1,64}$`)

func checkTopic(to Address) error {
	if !ntfyTopic.MatchString(to.place) {
		return errors.New("a topic of ntfy is 1 to 64 of A-Z a-z 0-9 _ -; take one that nobody guesses")
	}
	return nil
}

func (n *ntfy) Line(Address) string { return "" }
func (n *ntfy) Pace() time.Duration { return 0 }

// The priorities of ntfy.
const (
	ntfyDefault = 3
	ntfyUrgent  = 5
)

// Send publishes a message as JSON. A message that comes again under its
// sequence id takes the place of the first (ntfy 2.16 and newer).
func (n *ntfy) Send(ctx context.Context, m Message) error {
	priority := ntfyDefault
	if m.Urgent {
		priority = ntfyUrgent
	}
	body, err := json.Marshal(struct {
		Topic    string `json:"topic"`
		Title    string `json:"title"`
		Message  string `json:"message"`
		Click    string `json:"click,omitempty"`
		Priority int    `json:"priority"`
		Sequence string `json:"sequence_id"`
	}{m.To.place, m.Title, m.Text, m.Link, priority, m.ID})
	if err != nil {
		return &Error{What: "the message has no JSON"}
	}
	header := http.Header{"Content-Type": {"application/json"}}
	if n.o.Token != "" {
		header.Set("Authorization", "Bearer "+n.o.Token)
	}
	_, err = post(ctx, n.client, m.To, http.MethodPost, n.o.URL, header, string(body))
	return err
}
