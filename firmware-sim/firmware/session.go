package firmware

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"

	"ganlin/devices"
)

// A Link is how a device reaches its broker.
type Link struct {
	Broker     *url.URL // tcp, mqtt, tls, ssl or mqtts
	Username   string   // empty: anonymous
	Password   string
	AckTimeout time.Duration // of a PUBACK, on the wall clock; 0 means 30 s
	Batch      bool          // what waits at one time goes out as one array
	Rough      Rough
	Dial       func(ctx context.Context, network, address string) (net.Conn, error)
	Logger     *slog.Logger // required

	// Acknowledged is called for each message whose PUBACK came, duplicates and
	// status messages included; nil: not called. It must not block.
	Acknowledged func(leaf devices.Leaf, payload []byte)
}

// ParseBroker reads a broker's URL and adds the usual port where it has none.
func ParseBroker(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, fmt.Errorf("reading the broker's URL: %w", err)
	}
	port := "1883"
	switch u.Scheme {
	case "tcp", "mqtt":
	case "tls", "ssl", "mqtts":
		port = "8883"
	default:
		return nil, fmt.Errorf("broker %q: the scheme is none of tcp, mqtt, tls, ssl, mqtts", s)
	}
	if u.Hostname() == "" {
		return nil, fmt.Errorf("broker %q names no host", s)
	}
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), port)
	}
	return u, nil
}

const (
	keepAlive      = 60 * time.Second
	connectTimeout = 10 * time.Second
	publishTimeout = connectTimeout  // until paho takes a message; it never does once the connection is going down
	leaveTimeout   = 2 * time.Second // for the last words
)

// A session is one connection to the broker. It has a paho client of its own:
// a client that reconnects completes the tokens of messages that nobody got,
// while one that never does fails them, so that a token without an error
// means a PUBACK on this connection.
type session struct {
	client mqtt.Client
	conn   atomic.Pointer[conn]
	lost   chan struct{} // closed when the connection ended without our DISCONNECT
	end    sync.Once
}

// open connects a device. will is what the broker says for it should it fall silent.
func open(ctx context.Context, id devices.DeviceID, l Link, willTopic string, will []byte, received func([]byte)) (*session, error) {
	s := &session{lost: make(chan struct{})}
	o := mqtt.NewClientOptions().
		SetClientID(string(id)).SetUsername(l.Username).SetPassword(l.Password).
		SetProtocolVersion(4).SetCleanSession(true).
		SetAutoReconnect(false).SetConnectRetry(false).SetStore(noStore{}).
		SetKeepAlive(keepAlive).SetPingTimeout(keepAlive/2).
		SetConnectTimeout(connectTimeout).SetWriteTimeout(publishTimeout).
		SetBinaryWill(willTopic, will, 1, true).
		SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { received(m.Payload()) }).
		SetConnectionLostHandler(func(mqtt.Client, error) { s.end.Do(func() { close(s.lost) }) }).
		SetCustomOpenConnectionFn(func(u *url.URL, _ mqtt.ClientOptions) (net.Conn, error) {
			c, err := dial(ctx, l, u)
			if err != nil {
				return nil, err
			}
			w := newConn(c)
			s.conn.Store(w)
			if ctx.Err() != nil {
				w.cut()
			}
			return w, nil
		})
	o.Servers = []*url.URL{l.Broker}
	s.client = mqtt.NewClient(o)
	stop := context.AfterFunc(ctx, s.cut)
	defer stop()
	token := s.client.Connect()
	<-token.Done()
	if err := token.Error(); err != nil {
		s.cut()
		return nil, fmt.Errorf("connecting to %s: %w", l.Broker.Host, err)
	}
	return s, nil
}

func dial(ctx context.Context, l Link, u *url.URL) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	c, err := l.Dial(ctx, "tcp", u.Host)
	if err != nil || u.Scheme == "tcp" || u.Scheme == "mqtt" {
		return c, err
	}
	secure := tls.Client(c, &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12})
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = c.Close()
		return nil, err
	}
	return secure, nil
}

// subscribe asks for the command topic at QoS 0, so that nothing stale arrives later.
func (s *session) subscribe(ctx context.Context, topic string) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	token := s.client.Subscribe(topic, 0, nil).(*mqtt.SubscribeToken)
	select {
	case <-token.Done():
	case <-s.lost:
		return fmt.Errorf("subscribing to %s: %w", topic, errLost)
	case <-ctx.Done():
		return fmt.Errorf("subscribing to %s: %w", topic, ctx.Err())
	}
	if err := token.Error(); err != nil {
		return fmt.Errorf("subscribing to %s: %w", topic, err)
	}
	if code := token.Result()[topic]; code > 2 {
		return fmt.Errorf("subscribing to %s: the broker refuses (0x%x)", topic, code)
	}
	return nil
}

// publish sends a message at QoS 1. The token fails unless the PUBACK comes on this session.
func (s *session) publish(topic string, payload []byte, retained bool) mqtt.Token {
	return s.client.Publish(topic, 1, retained, payload)
}

// cut drops the connection without a word: the broker publishes the will.
func (s *session) cut() {
	if c := s.conn.Load(); c != nil {
		c.cut()
	}
}

// leave says DISCONNECT: the broker forgets the will.
func (s *session) leave() { s.client.Disconnect(uint(leaveTimeout / time.Millisecond)) }

// noStore is paho's store for a client whose messages are kept by the device.
type noStore struct{}

func (noStore) Open()                             {}
func (noStore) Put(string, packets.ControlPacket) {}
func (noStore) Get(string) packets.ControlPacket  { return nil }
func (noStore) All() []string                     { return nil }
func (noStore) Del(string)                        {}
func (noStore) Close()                            {}
func (noStore) Reset()                            {}
