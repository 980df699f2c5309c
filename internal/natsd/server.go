// Package natsd runs the NATS server inside the process: JetStream on a folder
// with every write fsynced, and a listener for MQTT devices. Nothing else
// listens: the program itself connects through memory.
package natsd

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// MaxMessage is the largest MQTT payload that is taken, bytes. The connection of a device that sends more is closed.
const MaxMessage = 4 << 20

// Options says what to start.
type Options struct {
	StoreDir string // JetStream's folder; nobody else may use it while the server runs
	MQTT     MQTT
	Logger   *slog.Logger
}

// MQTT configures the listener for devices.
type MQTT struct {
	Address string      // host:port; port 0 takes a free one, which a restart keeps; empty: no listener
	TLS     *tls.Config // nil: plain TCP

	// AnswerTimeout is how long a QoS 1 message may wait for its answer before
	// the connection is closed without an acknowledgement; 0 is 5 s.
	AnswerTimeout time.Duration

	// Login decides over a login and returns the subjects that the connection
	// may publish and subscribe to. It may wait until ctx ends, and if it then
	// returns the error of ctx the connection is closed without an answer;
	// after any other error the device is told that it is not authorized.
	// Without a Login nobody gets in.
	Login func(ctx context.Context, connection uint64, clientID, user, secret string) (publish, subscribe []string, err error)

	// Forbidden is told of a publish to a subject that the connection has no
	// right to. The connection is closed when it returns.
	Forbidden func(connection uint64)
}

// A Server is the embedded server. It may be stopped and started again on the
// same folder and address; what Connect returned then finds it again.
type Server struct {
	store       string
	mqtt        MQTT // with the address that is really in use
	log         *slog.Logger
	user, admin string // the secrets of the connections from within

	running atomic.Pointer[server.Server] // nil while stopped

	lifecycle sync.Mutex // one start or stop at a time
	release   func()     // ends what waits for this run: held logins
}

// Start starts the server and returns when the journal can be opened and the
// listener is bound. It may take as long as JetStream needs to read its folder.
func Start(ctx context.Context, o Options) (*Server, error) {
	s := &Server{store: o.StoreDir, mqtt: o.MQTT, log: o.Logger, user: rand.Text(), admin: rand.Text()}
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	if s.mqtt.Address != "" {
		var err error
		if s.mqtt.Address, err = listening(s.running.Load(), s.mqtt.Address); err != nil {
			return nil, errors.Join(fmt.Errorf("finding the address of the MQTT listener: %w", err), s.stop(ctx))
		}
	}
	return s, nil
}

// Restart stops the server and starts it again on the same folder and address,
// as a store that refuses after a failed write needs it. MQTT connections are lost.
func (s *Server) Restart(ctx context.Context) error {
	s.lifecycle.Lock()
	defer s.lifecycle.Unlock()
	if err := s.stop(ctx); err != nil {
		return err
	}
	return s.start(ctx)
}

// Stop stops the server and waits until it has let go of its folder or ctx ends.
func (s *Server) Stop(ctx context.Context) error {
	s.lifecycle.Lock()
	defer s.lifecycle.Unlock()
	return s.stop(ctx)
}

func (s *Server) start(ctx context.Context) error {
	held, release := context.WithCancel(context.WithoutCancel(ctx))
	ns, err := s.newServer(held)
	if err != nil {
		release()
		return fmt.Errorf("configuring the NATS server: %w", err)
	}
	log := newLogger(s.log, func(connection uint64) {
		defer disconnect(ns, connection)
		if s.mqtt.Forbidden != nil {
			s.mqtt.Forbidden(connection)
		}
	})
	ns.SetLoggerV2(log, false, false, false)

	started := make(chan struct{})
	go func() {
		defer close(started)
		ns.Start()
	}()
	select {
	case <-started:
		if fatal := log.fatal.Load(); fatal != nil {
			err = errors.New(*fatal)
		}
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		release()
		ns.Shutdown()
		<-started
		return fmt.Errorf("starting the NATS server: %w", err)
	}
	s.running.Store(ns)
	s.release = release
	return nil
}

func (s *Server) stop(ctx context.Context) error {
	ns := s.running.Load()
	if ns == nil {
		return nil
	}
	s.release()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		ns.Shutdown()
		ns.WaitForShutdown()
	}()
	select {
	case <-stopped:
		s.running.Store(nil)
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stopping the NATS server: %w", ctx.Err())
	}
}

// MQTTAddress returns host and port that devices connect to; it is empty without a listener.
func (s *Server) MQTTAddress() string {
	return s.mqtt.Address
}

// DialMQTT connects to the listener the way a device on this machine would.
func (s *Server) DialMQTT(ctx context.Context) (net.Conn, error) {
	host, port, err := net.SplitHostPort(s.MQTTAddress())
	if err != nil {
		return nil, fmt.Errorf("dialling our own listener: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	address := net.JoinHostPort(host, port)
	if s.mqtt.TLS == nil {
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	}
	// Our own certificate names the host that devices know, not this one.
	d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // it dials itself over loopback
	return d.DialContext(ctx, "tcp", address)
}

// Disconnect closes a connection by the number that Login was given; one that is gone already is no error.
func (s *Server) Disconnect(connection uint64) {
	if ns := s.running.Load(); ns != nil {
		disconnect(ns, connection)
	}
}

func disconnect(ns *server.Server, connection uint64) {
	_ = ns.DisconnectClientByID(connection) // its only error says that there is no such connection
}

// Connect connects the program itself to the account that the journal and the
// devices are in. The connection survives a restart unless opts say otherwise.
func (s *Server) Connect(name string, opts ...nats.Option) (*nats.Conn, error) {
	return s.connect(name, userName, s.user, opts)
}

// ConnectSystem connects to the system account, where connections are announced.
func (s *Server) ConnectSystem(name string, opts ...nats.Option) (*nats.Conn, error) {
	return s.connect(name, adminName, s.admin, opts)
}

func (s *Server) connect(name, user, secret string, opts []nats.Option) (*nats.Conn, error) {
	nc, err := nats.Connect("", append([]nats.Option{
		nats.InProcessServer(inProcess{s}), nats.Name(name), nats.UserInfo(user, secret),
		nats.MaxReconnects(-1), nats.ReconnectWait(50 * time.Millisecond),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { // without it the client writes to stderr
			s.log.Error("connection to the NATS server", "name", name, "error", err)
		}),
	}, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("connecting %s to the NATS server: %w", name, err)
	}
	return nc, nil
}

// inProcess gives a client the pipe to whatever server runs at the moment.
type inProcess struct{ s *Server }

func (p inProcess) InProcessConn() (net.Conn, error) {
	ns := p.s.running.Load()
	if ns == nil {
		return nil, errors.New("the NATS server is stopped")
	}
	return ns.InProcessConn()
}
