package natsd_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ganlin/internal/natsd"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 15 * time.Second

func start(t *testing.T, o natsd.Options) *natsd.Server {
	t.Helper()
	if o.StoreDir == "" {
		o.StoreDir = t.TempDir()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s, err := natsd.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t *testing.T, s *natsd.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func connect(t *testing.T, s *natsd.Server, opts ...nats.Option) (*nats.Conn, jetstream.JetStream) {
	t.Helper()
	nc, err := s.Connect("test", opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return nc, js
}

// The journal is larger than the disk may be at the next start: that is the journal's affair.
func TestRestartKeepsStreamsAddressAndConnections(t *testing.T) {
	s := start(t, natsd.Options{MQTT: natsd.MQTT{Address: "127.0.0.1:0"}})
	address := s.MQTTAddress()
	_, js := connect(t, s)
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "JOURNAL", Subjects: []string{"journal"}, MaxBytes: 1 << 50, Discard: jetstream.DiscardNew,
	}); err != nil {
		t.Fatal(err)
	}
	for n := range 4 {
		publish(t, js, fmt.Append(nil, n))
		if n == 3 {
			break
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		if err := s.Restart(ctx); err != nil {
			t.Fatal(err)
		}
		cancel()
		if got := s.MQTTAddress(); got != address {
			t.Errorf("the address is %s, was %s", got, address)
		}
		if conn, err := s.DialMQTT(t.Context()); err != nil {
			t.Error(err)
		} else {
			conn.Close()
		}
	}
	_, again := connect(t, s)
	stream, err := again.Stream(t.Context(), "JOURNAL")
	if err != nil {
		t.Fatal(err)
	}
	for n := range 4 {
		m, err := stream.GetMsg(t.Context(), uint64(n+1))
		if err != nil || string(m.Data) != fmt.Sprint(n) {
			t.Errorf("record %d: %v, %v", n, m, err)
		}
	}
}

// publish retries while the connection finds the restarted server.
func publish(t *testing.T, js jetstream.JetStream, data []byte) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		_, err := js.Publish(t.Context(), "journal", data, jetstream.WithMsgID(string(data)))
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestSystemConnectionSeesAccounts(t *testing.T) {
	s := start(t, natsd.Options{})
	sys, err := s.ConnectSystem("test-system")
	if err != nil {
		t.Fatal(err)
	}
	defer sys.Close()
	sub, err := sys.SubscribeSync("$SYS.ACCOUNT.$G.CONNECT")
	if err != nil {
		t.Fatal(err)
	}
	if err := sys.Flush(); err != nil {
		t.Fatal(err)
	}
	nc, _ := connect(t, s)
	if _, err := sub.NextMsg(patience); err != nil {
		t.Error(err)
	}
	if _, err := nc.Request("$SYS.REQ.SERVER.PING", nil, time.Second); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("the program's own account reaches the system account: %v", err)
	}
}

// Whoever gets hold of the pipe still needs the secret.
func TestConnectionsNeedTheSecret(t *testing.T) {
	s := start(t, natsd.Options{})
	for _, login := range []string{
		`{}`, `{"user":"program"}`, `{"user":"program","pass":"guess"}`, `{"user":"system"}`, `{"user":"system","pass":"guess"}`, `{"user":"d1","pass":"x"}`,
	} {
		conn, err := natsd.Pipe(s)
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(conn)
		if _, err := in.ReadString('\n'); err != nil { // INFO
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(conn, "CONNECT %s\r\nPING\r\n", login); err != nil {
			t.Fatal(err)
		}
		if line, err := in.ReadString('\n'); err != nil || !strings.HasPrefix(line, "-ERR 'Authorization Violation'") {
			t.Errorf("%s: %q, %v", login, line, err)
		}
		conn.Close()
	}
}

func TestWithoutLoginNobodyGetsIn(t *testing.T) {
	s := start(t, natsd.Options{MQTT: natsd.MQTT{Address: "127.0.0.1:0"}})
	if got := connack(t, s, "d1"); got != 5 {
		t.Errorf("CONNACK %d, want 5", got)
	}
}

// connack logs in and returns the code, or 0xff when the connection is closed instead.
func connack(t *testing.T, s *natsd.Server, id string) byte {
	t.Helper()
	conn, err := s.DialMQTT(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	n := byte(len(id))
	body := append([]byte{0, 4, 'M', 'Q', 'T', 'T', 4, 0xc2, 0, 60, 0, n}, id...)
	body = append(append(body, 0, n), id...)
	body = append(body, 0, 1, 'x')
	if _, err := conn.Write(append([]byte{0x10, byte(len(body))}, body...)); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 4)
	switch _, err := io.ReadFull(conn, answer); {
	case errors.Is(err, io.EOF):
		return 0xff
	case err != nil:
		t.Fatal(err)
	}
	return answer[3]
}

func TestLoginHook(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	held := make(chan struct{}, 1)
	s := start(t, natsd.Options{MQTT: natsd.MQTT{
		Address: "127.0.0.1:0",
		Login: func(ctx context.Context, connection uint64, clientID, user, secret string) ([]string, []string, error) {
			mu.Lock()
			asked = append(asked, fmt.Sprint(connection > 0, clientID, user, secret))
			mu.Unlock()
			switch clientID {
			case "held":
				held <- struct{}{}
				<-ctx.Done()
				return nil, nil, fmt.Errorf("waiting: %w", ctx.Err())
			case "wrong":
				return nil, nil, errors.New("wrong")
			}
			return []string{"a"}, []string{"b"}, nil
		},
	}})
	if got := connack(t, s, "right"); got != 0 {
		t.Errorf("right: CONNACK %d", got)
	}
	if got := connack(t, s, "wrong"); got != 5 {
		t.Errorf("wrong: CONNACK %d", got)
	}
	done := make(chan byte)
	go func() { done <- connack(t, s, "held") }()
	<-held
	stop(t, s) // ends the wait
	if got := <-done; got != 0xff {
		t.Errorf("held: CONNACK %d, want the connection closed without one", got)
	}
	want := []string{"true right right x", "true wrong wrong x", "true held held x"}
	for i := range want {
		want[i] = strings.ReplaceAll(want[i], " ", "")
		asked[i] = strings.ReplaceAll(asked[i], " ", "")
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Error(diff)
	}
}

// A hook that does not come back delays Stop only as long as its caller has patience.
func TestStopIsBounded(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	s := start(t, natsd.Options{MQTT: natsd.MQTT{
		Address: "127.0.0.1:0",
		Login: func(context.Context, uint64, string, string, string) ([]string, []string, error) {
			close(entered)
			<-release
			return nil, nil, errors.New("late")
		},
	}})
	done := make(chan struct{})
	go func() {
		defer close(done)
		connack(t, s, "d1")
	}()
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := s.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Stop: %v", err)
	}
	close(release)
	stop(t, s)
	<-done
}

func TestStoppedServer(t *testing.T) {
	s := start(t, natsd.Options{MQTT: natsd.MQTT{Address: "127.0.0.1:0"}})
	nc, _ := connect(t, s, nats.NoReconnect())
	stop(t, s)
	stop(t, s)
	if _, err := s.Connect("test"); err == nil {
		t.Error("connected to a stopped server")
	}
	if conn, err := s.DialMQTT(t.Context()); err == nil {
		conn.Close()
		t.Error("the port is still open")
	}
	s.Disconnect(1)
	deadline := time.Now().Add(patience)
	for !nc.IsClosed() && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	if !nc.IsClosed() {
		t.Error("a connection has survived the server")
	}
}

func TestStartErrors(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		late bool
		o    natsd.Options
		want string
	}{
		"port taken":       {false, natsd.Options{MQTT: natsd.MQTT{Address: taken.Addr().String()}}, "address already in use"},
		"no port":          {false, natsd.Options{MQTT: natsd.MQTT{Address: "localhost"}}, "missing port"},
		"port by name":     {false, natsd.Options{MQTT: natsd.MQTT{Address: "localhost:mqtt"}}, "port of localhost:mqtt"},
		"folder is a file": {false, natsd.Options{StoreDir: file}, "not a directory"},
		"too late":         {true, natsd.Options{}, "canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.o.StoreDir == "" {
				tt.o.StoreDir = t.TempDir()
			}
			tt.o.Logger = slog.New(slog.DiscardHandler)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if tt.late {
				cancel()
			}
			s, err := natsd.Start(ctx, tt.o)
			if err == nil {
				stop(t, s)
				if !tt.late { // it may be ready before it looks
					t.Fatal("it started")
				}
				return
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, want it to say %q", err, tt.want)
			}
		})
	}
}

// Nothing but the MQTT listener listens, and nothing but JetStream's folder is written.
func TestExposure(t *testing.T) {
	dir := t.TempDir()
	before := listening(t)
	s := start(t, natsd.Options{StoreDir: dir, MQTT: natsd.MQTT{Address: "127.0.0.1:0"}})
	_, port, _ := net.SplitHostPort(s.MQTTAddress())
	var opened []string
	for address := range listening(t) {
		if !before[address] {
			opened = append(opened, address)
		}
	}
	if len(opened) != 1 || !strings.HasSuffix(opened[0], fmt.Sprintf(":%04X", atoi(t, port))) {
		t.Errorf("listening: %v, want port %s alone", opened, port)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "jetstream" {
			t.Errorf("%s lies in the store", e.Name())
		}
	}
}
