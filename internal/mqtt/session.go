package mqtt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// errRefused ends a connection that has unacknowledged messages to bring again.
var errRefused = errors.New("messages were refused; reconnecting so that the broker sends them again")

const (
	connectTimeout = 20 * time.Second
	keepAlive      = 30 * time.Second
	pingTimeout    = 10 * time.Second
	quiesceMillis  = 1000
	refusedBit     = 0x80 // of a SUBACK return code
)

// session connects once, subscribes, and returns why the connection ended. It
// uses a client of the library for one connection only: that client's own
// reconnection hides whether the broker still knew the session.
func (s *Source) session(ctx context.Context, r *receiver) error {
	lost := make(chan error, 1)
	refused := make(chan struct{}, 1)
	dialing, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort() // closes the connection if nothing else has
	patient := context.AfterFunc(ctx, abort)

	client := paho.NewClient(s.options.client(dialing, s.options.ClientID).
		SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) { r.take(m, refused) }).
		SetConnectionLostHandler(func(_ paho.Client, err error) { lost <- err }))
	connect := client.Connect().(*paho.ConnectToken)
	<-connect.Done()
	if err := connect.Error(); err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	patient()
	defer client.Disconnect(quiesceMillis)

	if s.subscribed && !connect.SessionPresent() {
		s.event(Event{Kind: StateLost})
	}
	if err := s.subscribe(ctx, client, lost); err != nil {
		return fmt.Errorf("subscribing: %w", err)
	}
	s.subscribed = true
	s.setClient(client)
	defer s.setClient(nil)
	s.event(Event{Kind: Connected})

	var pause <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			r.drain()
			return nil
		case err := <-lost:
			return fmt.Errorf("receiving: %w", err)
		case <-refused:
			if pause == nil {
				pause = time.After(s.options.RefusedPause)
			}
		case <-pause:
			return errRefused
		}
	}
}

// client returns what every client has in common: a session that is kept, and
// messages that are acknowledged by hand. Its connection closes when ctx ends.
func (o Options) client(ctx context.Context, id string) *paho.ClientOptions {
	return paho.NewClientOptions().
		AddBroker(o.URL).SetClientID(id).SetUsername(o.Username).SetPassword(o.Password).
		SetProtocolVersion(4).SetCleanSession(false).
		SetAutoReconnect(false).SetAutoAckDisabled(true).
		SetKeepAlive(keepAlive).SetPingTimeout(pingTimeout).SetConnectTimeout(connectTimeout).
		SetCustomOpenConnectionFn(func(address *url.URL, _ paho.ClientOptions) (net.Conn, error) {
			return o.dial(ctx, address)
		})
}

// dial opens the connection; it closes when ctx ends.
func (o Options) dial(ctx context.Context, address *url.URL) (net.Conn, error) {
	netDialer := &net.Dialer{Timeout: connectTimeout}
	var c net.Conn
	var err error
	switch address.Scheme {
	case "tcp", "mqtt":
		c, err = netDialer.DialContext(ctx, "tcp", address.Host)
	default:
		c, err = (&tls.Dialer{NetDialer: netDialer, Config: o.TLS}).DialContext(ctx, "tcp", address.Host)
	}
	if err != nil {
		return nil, err
	}
	buffered := newConn(c)
	context.AfterFunc(ctx, func() { _ = buffered.Close() })
	return buffered, nil
}

// subscribe asks for all topics, on every connection: the broker may have
// forgotten them.
func (s *Source) subscribe(ctx context.Context, client paho.Client, lost <-chan error) error {
	filters := make(map[string]byte)
	for _, subscription := range s.options.Subscriptions {
		for _, filter := range subscription.Topics {
			if s.options.Share != "" {
				filter = "$share/" + s.options.Share + "/" + filter
			}
			filters[filter] = 1
		}
	}
	token := client.SubscribeMultiple(filters, nil).(*paho.SubscribeToken)
	select {
	case <-token.Done():
	case err := <-lost: // the token may never be done then
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(connectTimeout):
		return errors.New("the broker does not answer")
	}
	if err := token.Error(); err != nil {
		return err
	}
	for filter, code := range token.Result() {
		if code&refusedBit != 0 {
			return fmt.Errorf("the broker refuses %s to user %q; grant it the right to read there", filter, s.options.Username)
		}
	}
	return nil
}

// setClient makes the client the one that Publish uses.
func (s *Source) setClient(client paho.Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.client = client
}
