package broker

import (
	"context"
	"errors"
	"fmt"

	"ganlin/devices"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// prepareStreams makes the server's MQTT streams before the server does, which
// is at the first login, because its own would break the promise or cost more
// than they give:
//   - $MQTT_msgs would take every QoS 1 message and acknowledge it, even when nobody
//     is there to read it. Here it has commands alone, so that devices may
//     subscribe to them at QoS 1, and keeps nothing beyond the process: the
//     consumers of sessions that ended with it would add up.
//   - $MQTT_sess holds sessions. In memory a login costs no fsync; sessions end with the process.
//   - $MQTT_rmsgs holds retained messages: up to three of 4 MiB a device on disk,
//     though nobody may subscribe to what devices publish.
func prepareStreams(ctx context.Context, nc *nats.Conn) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("preparing the MQTT streams: %w", err)
	}
	for _, want := range []jetstream.StreamConfig{
		{
			Name: "$MQTT_msgs", Subjects: []string{requestPrefix + subject("*", devices.Commands)},
			Retention: jetstream.InterestPolicy, Storage: jetstream.MemoryStorage,
		},
		{
			Name: "$MQTT_sess", Subjects: []string{"$MQTT.sess.>"}, MaxMsgsPerSubject: 1,
			Storage: jetstream.MemoryStorage,
		},
		{
			Name: "$MQTT_rmsgs", Subjects: []string{"$MQTT.rmsgs.>"}, MaxMsgsPerSubject: 1,
			MaxMsgSize: 64 << 10, MaxBytes: 64 << 20,
			Storage: jetstream.MemoryStorage,
		},
	} {
		if err := ensure(ctx, js, want); err != nil {
			return fmt.Errorf("preparing stream %s: %w", want.Name, err)
		}
	}
	for _, leaf := range devices.UpLeaves() {
		upward := requestPrefix + subject("*", leaf)
		switch name, err := js.StreamNameBySubject(ctx, upward); {
		case err == nil:
			return fmt.Errorf("stream %s takes %s: it would acknowledge what the journal does not have", name, upward)
		case !errors.Is(err, jetstream.ErrStreamNotFound):
			return fmt.Errorf("looking for a stream on %s: %w", upward, err)
		}
	}
	return nil
}

// ensure makes the stream as wanted, but for the storage of one that is there: that cannot be changed.
func ensure(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig) error {
	switch found, err := js.Stream(ctx, want.Name); {
	case err == nil:
		want.Storage = found.CachedInfo().Config.Storage
	case !errors.Is(err, jetstream.ErrStreamNotFound):
		return err
	}
	_, err := js.CreateOrUpdateStream(ctx, want)
	return err
}
