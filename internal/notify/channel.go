package notify

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A ChannelName names a way to a person.
type ChannelName string

// The channels.
const (
	Webhook  ChannelName = "webhook"
	Email    ChannelName = "email"
	Ntfy     ChannelName = "ntfy"
	WeCom    ChannelName = "wecom"
	DingTalk ChannelName = "dingtalk"
	Feishu   ChannelName = "feishu"
	SMS      ChannelName = "sms"
)

// ChannelNames returns all channels.
func ChannelNames() []ChannelName {
	return []ChannelName{Webhook, Email, Ntfy, WeCom, DingTalk, Feishu, SMS}
}

// A Message is what a channel sends.
type Message struct {
	ID     string    // the same on every try
	At     time.Time // of the clock that farmers' times are told by
	To     Address
	Title  string
	Text   string // whole sentences, one a line, with the link and without the title
	Short  string // for channels that count characters, without the link
	Link   string // where to read on; empty: nowhere
	Urgent bool
	Facts  Facts // for machines
}

// Facts are what a message tells of, without words.
type Facts struct {
	Contact   string `json:"contact"`
	Household string `json:"household"`
	Language  string `json:"language"`
	Lines     []Line `json:"episodes"`
	Test      bool   `json:"test,omitempty"`
}

// A Channel carries messages to people. It may be used by several goroutines.
type Channel interface {
	// Line names what messages to an address share on their way, such as a
	// server or a robot: limits of it and trouble with it are theirs alike.
	Line(to Address) string
	// Pace is the least time between two messages on a line.
	Pace() time.Duration
	// Send returns once the message was taken, or an *Error.
	Send(ctx context.Context, m Message) error
}

// CheckAddress reports what is wrong with an address of a channel, in words that do not hold it.
func CheckAddress(name ChannelName, to Address) error {
	switch name {
	case Webhook:
		return checkWebhook(to)
	case Email:
		return checkMailbox(to)
	case Ntfy:
		return checkTopic(to)
	case SMS:
		return checkPhone(to)
	case WeCom, DingTalk, Feishu:
		return checkRobot(to)
	}
	return fmt.Errorf("channel %q is not known; it is one of %s", name, channelList())
}

// sendTime bounds one try: who has not answered by then hangs.
const sendTime = 15 * time.Second

// An Error says why a message was not sent and whether another try makes sense.
// What it says holds neither address nor secret.
type Error struct {
	What   string        // went wrong
	Hint   string        // how to mend it; empty: nothing is known
	Said   string        // by the other side, for the operator who tests; not for logs
	Again  bool          // later tries may succeed
	After  time.Duration // not before; 0: it is not said
	Shared bool          // others on the same line would fare alike
	Doubt  bool          // it may have been taken all the same
	answer []byte        // of a server that refused; nil: none came
}

// Error returns what went wrong and how to mend it.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.What
	}
	return e.What + "; " + e.Hint
}

// asError returns what a channel said, nil when the message was taken. Anything
// unforeseen may be tried again.
func asError(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{What: "sending failed in an unforeseen way", Again: true, Doubt: true}
}
