package journal

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A stream is the JetStream stream that the records lie in, by its own
// sequence, which is not ours: it falls back when the server loses its end.
type stream struct {
	js     jetstream.JetStream
	reads  *nats.Conn
	stream jetstream.Stream
}

// streamConfig is what the journal needs of its stream: at its limit it takes
// nothing more, and never drops what is old by itself.
func streamConfig(o Options) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        StreamName,
		Description: "the journal of Ganlin",
		Subjects:    []string{Subject},
		Storage:     jetstream.FileStorage,
		Replicas:    max(1, o.Replicas),
		Retention:   jetstream.LimitsPolicy,
		Discard:     jetstream.DiscardNew,
		MaxBytes:    o.MaxBytes,
		MaxMsgs:     -1,
		AllowDirect: true,
		DenyDelete:  true,
	}
}

// openStream makes the stream or checks it.
func openStream(ctx context.Context, s Server, o Options) (*stream, error) {
	js, err := jetstream.New(s.Conn)
	if err != nil {
		return nil, err
	}
	st, err := js.CreateOrUpdateStream(ctx, streamConfig(o))
	if err != nil {
		return nil, fmt.Errorf("opening stream %s: %w", StreamName, err)
	}
	switch c := st.CachedInfo().Config; {
	case c.PersistMode != jetstream.DefaultPersistMode:
		return nil, fmt.Errorf("stream %s acknowledges before it writes (persist_mode async)", StreamName)
	case c.Discard != jetstream.DiscardNew || c.Storage != jetstream.FileStorage || c.Retention != jetstream.LimitsPolicy || c.MaxAge != 0:
		return nil, fmt.Errorf("stream %s would drop records by itself", StreamName)
	}
	reads := s.Reads
	if reads == nil {
		reads = s.Conn
	}
	return &stream{js: js, reads: reads, stream: st}, nil
}

// publish writes one record after the one at last and returns when it is on
// disk. A late repeat of it is refused by the server, because last has moved on.
func (s *stream) publish(ctx context.Context, record []byte, last uint64) error {
	ack, err := s.js.PublishMsg(ctx, &nats.Msg{Subject: Subject, Data: record}, jetstream.WithExpectLastSequence(last), jetstream.WithRetryAttempts(0))
	if err != nil {
		return err
	}
	if ack.Sequence != last+1 {
		return fmt.Errorf("the record went to %d of the stream, not to %d", ack.Sequence, last+1)
	}
	return nil
}

// isFull reports whether the server refused for want of room. Then nothing was
// written, and the stream takes records again when some are purged.
func isFull(err error) bool {
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return false
	}
	const (
		accountLimit  = 10002 // resource limits exceeded for account
		storageLimit  = 10047 // insufficient storage resources available
		storeRefusal  = 10077 // with the words of the store
		maximumRefuse = "maximum bytes exceeded"
	)
	switch api.ErrorCode {
	case accountLimit, storageLimit:
		return true
	case storeRefusal:
		return api.Description == maximumRefuse
	}
	return false
}

func (s *stream) state(ctx context.Context) (jetstream.StreamState, error) {
	info, err := s.stream.Info(ctx)
	if err != nil {
		return jetstream.StreamState{}, fmt.Errorf("asking for the state of stream %s: %w", StreamName, err)
	}
	return info.State, nil
}

// purge drops what lies below a sequence of the stream.
func (s *stream) purge(ctx context.Context, below uint64) error {
	return s.stream.Purge(ctx, jetstream.WithPurgeSequence(below))
}

// A stored is a record as it lies in the stream.
type stored struct {
	at   uint64 // in the stream
	data []byte
}

// fetch returns what the stream holds from a sequence on, up to about maxBytes.
// The server passes over what is gone or damaged. Nothing means that nothing is
// left; it never waits for more.
func (s *stream) fetch(ctx context.Context, from uint64, maxBytes int) ([]stored, error) {
	return s.get(ctx, fmt.Appendf(nil, `{"seq":%d,"batch":%d,"max_bytes":%d}`, from, maxBatch, maxBytes))
}

// fetchOne returns the first record from a sequence on, if there is one.
func (s *stream) fetchOne(ctx context.Context, from uint64) ([]stored, error) {
	return s.get(ctx, fmt.Appendf(nil, `{"seq":%d,"batch":1}`, from))
}

const (
	maxBatch     = 10_000           // records; small ones
	fetchTimeout = 10 * time.Second // without a word of the server
)

func (s *stream) get(ctx context.Context, request []byte) (_ []stored, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	defer func() {
		if err != nil {
			err = fmt.Errorf("fetching records: %w", err)
		}
	}()
	inbox := s.reads.NewRespInbox()
	sub, err := s.reads.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer sub.Unsubscribe() //nolint:errcheck // a closed connection has none
	if err := s.reads.PublishRequest("$JS.API.DIRECT.GET."+StreamName, inbox, request); err != nil {
		return nil, err
	}
	var got []stored
	for {
		m, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return nil, err
		}
		switch status := m.Header.Get("Status"); status {
		case "":
			at, err := strconv.ParseUint(m.Header.Get("Nats-Sequence"), 10, 64)
			if err != nil {
				return nil, err
			}
			got = append(got, stored{at, m.Data})
		case "204", "404": // the end of a batch; nothing from there on
			return got, nil
		default:
			return nil, fmt.Errorf("status %s: %s", status, m.Header.Get("Description"))
		}
	}
}
