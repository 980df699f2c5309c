package mqtt

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
)

// A Verdict is what a probe has found out about a broker: what it keeps for a client that is away.
type Verdict struct {
	Refused  bool // the user may not write to the topic of the probe, or not read it; nothing below was tried
	Session  bool // the client's subscription was kept
	Sent     int  // messages while it was away, all of which the broker acknowledged
	Kept     int  // how many of them came when it was back
	Window   int  // how many came before one was acknowledged
	Retained bool // a retained message was kept
}

// The sizes and times of a probe.
const (
	probeMessages = 1100 // the usual queue of a broker is a little shorter
	probeQuiet    = time.Second
	probePatience = 30 * time.Second
)

// ErrTurnedAway says that a broker answers and does not let the user in.
var ErrTurnedAway = errors.New("the broker turns us away; look at username and password")

// Probe finds out what a broker keeps, by a client that subscribes to a topic
// of its own, goes away and comes back. It leaves nothing behind. An error says
// that the broker could not be asked.
func Probe(ctx context.Context, o Options) (v Verdict, err error) {
	ctx, cancel := context.WithTimeout(ctx, probePatience)
	defer cancel()
	p := probe{Options: o, topic: ProbeTopic(o.ClientID)}
	if err := p.forget(ctx); err != nil { // what a probe that was cut short has left
		return v, err
	}
	defer func() { err = errors.Join(err, p.forget(context.WithoutCancel(ctx))) }()
	if v.Refused, err = p.subscribe(ctx); err != nil || v.Refused {
		return v, err
	}
	if v.Refused, err = p.send(ctx); err != nil || v.Refused {
		return v, err
	}
	v.Sent = probeMessages
	if err := p.receive(ctx, &v); err != nil {
		return v, err
	}
	v.Retained, err = p.retain(ctx)
	return v, err
}

// ProbeTopic is where the messages of a probe go.
func ProbeTopic(clientID string) string { return "ganlin/doctor/" + clientID }

// A probe is a broker under trial.
type probe struct {
	Options
	topic string
}

// The clients of a probe: the one that goes away, and one that does not.
func (p probe) awayID() string   { return p.ClientID + "-doctor" }
func (p probe) helperID() string { return p.ClientID + "-doctor-2" }

// connect connects a client that hands over what it gets.
func (p probe) connect(ctx context.Context, o *paho.ClientOptions, got chan<- paho.Message) (client paho.Client, sessionPresent bool, err error) {
	o.SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) { got <- m })
	client = paho.NewClient(o)
	token := client.Connect().(*paho.ConnectToken)
	if err := await(ctx, token); err != nil {
		if code := token.ReturnCode(); code > packets.Accepted && code <= packets.ErrRefusedNotAuthorised {
			err = fmt.Errorf("%w: %w", ErrTurnedAway, err)
		}
		return nil, false, fmt.Errorf("connecting as %s: %w", o.ClientID, err)
	}
	return client, token.SessionPresent(), nil
}

func await(ctx context.Context, t paho.Token) error {
	select {
	case <-t.Done():
		return t.Error()
	case <-ctx.Done():
		return errors.New("the broker does not answer")
	}
}

// forget ends the session of the client that goes away.
func (p probe) forget(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	client, _, err := p.connect(ctx, p.client(ctx, p.awayID()).SetCleanSession(true), nil)
	if err != nil {
		return err
	}
	client.Disconnect(quiesceMillis)
	return nil
}

// subscribe begins the session of the client that goes away, and goes.
func (p probe) subscribe(ctx context.Context) (refused bool, err error) {
	client, _, err := p.connect(ctx, p.client(ctx, p.awayID()), nil)
	if err != nil {
		return false, err
	}
	defer client.Disconnect(quiesceMillis)
	return listen(ctx, client, p.topic)
}

func listen(ctx context.Context, client paho.Client, topic string) (refused bool, err error) {
	token := client.Subscribe(topic, 1, nil).(*paho.SubscribeToken)
	if err := await(ctx, token); err != nil {
		return false, fmt.Errorf("subscribing to %s: %w", topic, err)
	}
	return token.Result()[topic]&refusedBit != 0, nil
}

// send sends the messages, and sees whether anybody gets them: a broker
// acknowledges what a user may not publish, and drops it.
func (p probe) send(ctx context.Context) (refused bool, err error) {
	got := make(chan paho.Message, probeMessages+1)
	client, _, err := p.connect(ctx, p.client(ctx, p.helperID()).SetCleanSession(true).SetAutoAckDisabled(false), got)
	if err != nil {
		return false, err
	}
	defer client.Disconnect(quiesceMillis)
	if refused, err = listen(ctx, client, p.topic); err != nil || refused {
		return refused, err
	}
	publish := func(i uint32) paho.Token {
		return client.Publish(p.topic, 1, false, binary.BigEndian.AppendUint32(nil, i))
	}
	first := publish(0)
	select {
	case <-got:
	case <-time.After(probeQuiet):
		return true, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
	tokens := []paho.Token{first}
	for i := range uint32(probeMessages - 1) {
		tokens = append(tokens, publish(i+1))
	}
	for _, t := range tokens {
		if err := await(ctx, t); err != nil {
			return false, fmt.Errorf("publishing to %s: %w", p.topic, err)
		}
	}
	return false, nil
}

// receive comes back and counts what was kept.
func (p probe) receive(ctx context.Context, v *Verdict) error {
	got := make(chan paho.Message, 2*probeMessages)
	client, present, err := p.connect(ctx, p.client(ctx, p.awayID()), got)
	if err != nil {
		return err
	}
	defer client.Disconnect(quiesceMillis)
	v.Session = present
	different, held := map[string]bool{}, []paho.Message(nil)
	take := func(each func(paho.Message)) {
		for {
			select {
			case m := <-got:
				different[string(m.Payload())] = true
				each(m)
			case <-time.After(probeQuiet):
				return
			}
		}
	}
	take(func(m paho.Message) { held = append(held, m) })
	v.Window = len(held)
	for _, m := range held {
		m.Ack()
	}
	take(paho.Message.Ack)
	v.Kept = len(different)
	return nil
}

// retain reports whether a retained message is there for who comes later. Some
// brokers that keep none end the connection instead.
func (p probe) retain(ctx context.Context) (kept bool, err error) {
	topic := p.topic + "/retained"
	publish := func(payload string) error {
		client, _, err := p.connect(ctx, p.client(ctx, p.helperID()).SetCleanSession(true), nil)
		if err != nil {
			return err
		}
		defer client.Disconnect(quiesceMillis)
		return await(ctx, client.Publish(topic, 1, true, payload))
	}
	if publish("kept") != nil && ctx.Err() == nil {
		return false, nil
	}
	got := make(chan paho.Message, 1)
	client, _, err := p.connect(ctx, p.client(ctx, p.helperID()).SetCleanSession(true), got)
	if err != nil {
		return false, err
	}
	defer client.Disconnect(quiesceMillis)
	if refused, err := listen(ctx, client, topic); err != nil || refused {
		return false, err
	}
	select {
	case <-got:
		return true, publish("")
	case <-time.After(probeQuiet):
		return false, nil
	}
}
