package ingest

import (
	"context"
	"errors"
	"time"
)

// A Message is what a device published, with the way to answer it.
type Message struct {
	Topic    string
	Payload  []byte // owned by the message
	QoS      byte   // 0 is counted and promised nothing
	Received time.Time
	Codec    Codec // reads the payload; nil is Native

	// Settle answers the message once: nil when it is on disk, else why it is
	// refused; then it must not be acknowledged and the device sends it again.
	// It does not block. It is nil at QoS 0.
	Settle func(error)
}

// A Source brings messages from a broker until ctx ends. deliver takes over a
// message or returns ErrFull; the source then refuses the message or waits, and
// never acknowledges it.
type Source interface {
	Run(ctx context.Context, deliver func(Message) error) error
}

// ErrFull says that the queue between a source and the journal holds as many bytes as it may.
var ErrFull = errors.New("intake queue is full")

// ErrRefused says that the journal takes nothing at the moment: it is full, its disk is, or it failed.
var ErrRefused = errors.New("journal refuses")
