package journal_test

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"ganlin/devices"
	"ganlin/ingest"
	"ganlin/internal/journal"
)

// A node is a NATS server on a store, with a journal on top of it.
type node struct {
	dir      string // holds nats/ and journal/
	options  journal.Options
	prepared *journal.Prepared
	server   *server.Server
	conn     *nats.Conn
	journal  *journal.Journal
}

var start = time.Date(2026, 7, 2, 12, 0, 0, 0, time.UTC)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// newNode opens a journal below dir and closes it when the test ends.
func newNode(tb testing.TB, dir string, change func(*journal.Options)) *node {
	tb.Helper()
	n := &node{dir: dir, options: journal.Options{Dir: filepath.Join(dir, "journal"), Log: discard()}}
	if change != nil {
		change(&n.options)
	}
	n.start(tb)
	tb.Cleanup(func() { n.close(tb) })
	return n
}

func (n *node) start(tb testing.TB) {
	tb.Helper()
	if err := n.tryStart(tb); err != nil {
		tb.Fatal(err)
	}
}

func (n *node) tryStart(tb testing.TB) (err error) {
	tb.Helper()
	s, err := n.serve(tb)
	if err != nil {
		return err
	}
	n.journal, err = journal.Open(tb.Context(), s, n.options)
	return err
}

// serve prepares the store and starts the server alone.
func (n *node) serve(tb testing.TB) (s journal.Server, err error) {
	tb.Helper()
	if n.prepared, err = journal.Prepare(tb.Context(), n.options.Dir, n.store(), n.options.Log); err != nil {
		return s, err
	}
	s, err = n.serveUnprepared(tb)
	s.Prepared = n.prepared
	return s, err
}

// serveUnprepared starts the server without a look at its files.
func (n *node) serveUnprepared(tb testing.TB) (s journal.Server, err error) {
	tb.Helper()
	n.server, err = server.NewServer(&server.Options{
		JetStream: true, StoreDir: n.store(), SyncAlways: true, DontListen: true, NoSigs: true, NoLog: true,
		MaxPayload: 4<<20 + 100, JetStreamMaxStore: 1 << 40, DisableJetStreamBanner: true,
	})
	if err != nil {
		return s, err
	}
	n.server.Start()
	if !n.server.ReadyForConnections(20 * time.Second) {
		tb.Fatal("the server does not start")
	}
	n.conn, err = nats.Connect("", nats.InProcessServer(n.server))
	return journal.Server{Conn: n.conn}, err
}

func (n *node) store() string { return filepath.Join(n.dir, "nats") }

// blocks returns the files that the records lie in.
func (n *node) blocks(tb testing.TB) []string {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join(n.store(), "jetstream/*/streams", journal.StreamName, "msgs/*.blk"))
	if err != nil {
		tb.Fatal(err)
	}
	return files
}

func (n *node) close(tb testing.TB) {
	tb.Helper()
	if n.journal != nil {
		if err := n.journal.Close(tb.Context()); err != nil && tb.Context().Err() == nil {
			tb.Error(err)
		}
		n.journal = nil
	}
	n.stopServer()
}

func (n *node) stopServer() {
	if n.server != nil {
		n.conn.Close()
		n.server.Shutdown()
		n.server.WaitForShutdown()
		n.server = nil
	}
}

// killed returns a copy of the folder as a kill -9 at this moment would leave it.
func (n *node) killed(tb testing.TB) string {
	tb.Helper()
	return copyOf(tb, n.dir)
}

// copyOf copies a folder, into memory where that is possible: tests of damage
// make many copies and need no disk.
func copyOf(tb testing.TB, dir string) string {
	tb.Helper()
	to, err := os.MkdirTemp("/dev/shm", "journal") //nolint:usetesting // that is on the disk
	if err != nil {
		to = tb.TempDir()
	}
	tb.Cleanup(func() { os.RemoveAll(to) })
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // a temporary file that was renamed meanwhile
			return nil
		}
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), "_test_") {
			return err
		}
		relative, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		target := filepath.Join(to, relative)
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			return err
		}
		return os.WriteFile(target, content, 0o600)
	})
	if err != nil {
		tb.Fatal(err)
	}
	return to
}

func (n *node) append(tb testing.TB, messages ...ingest.Decoded) {
	tb.Helper()
	if err := n.journal.Append(tb.Context(), messages); err != nil {
		tb.Fatal(err)
	}
}

// read returns all records after a position.
func (n *node) read(tb testing.TB, after journal.Position) (records []*journal.Record) {
	tb.Helper()
	for end := n.journal.State().End; after.Sequence < end.Sequence; {
		got, err := n.journal.Read(tb.Context(), after)
		if err != nil {
			tb.Fatal(err)
		}
		records = append(records, got...)
		after = got[len(got)-1].Position()
	}
	return records
}

// message returns a telemetry message with one reading of a device, s seconds after the start.
func message(device string, s int, quantities ...devices.Quantity) ingest.Decoded {
	at := start.Add(time.Duration(s) * time.Second)
	if len(quantities) == 0 {
		quantities = []devices.Quantity{devices.SoilMoisture}
	}
	r := ingest.Reading{At: at, Seq: int64(s) + 1, HasSeq: true}
	for i, q := range quantities {
		r.Values = append(r.Values, ingest.Value{Key: devices.Key{Quantity: q}, Number: 0.25 + float64(i)})
	}
	return ingest.Decoded{
		Device: devices.DeviceID(device), Received: at.Add(70 * time.Millisecond),
		Location: devices.Location{Plot: "p-001", Site: "sanquan", Place: "500119101001"},
		Readings: []ingest.Reading{r}, Values: len(quantities),
	}
}

func removeAll(tb testing.TB, dir string, names ...string) {
	tb.Helper()
	for _, name := range names {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			tb.Fatal(err)
		}
	}
}
