package mqtt_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"ganlin/devices"
	"ganlin/ingest"
	"ganlin/internal/mqtt"
)

// The environment of an ingest process that TestCrash kills.
const (
	crashBroker  = "GANLIN_CRASH_BROKER"
	crashJournal = "GANLIN_CRASH_JOURNAL"
	crashEager   = "GANLIN_CRASH_EAGER" // acknowledge before the journal has it
)

// TestCrash kills the ingest process again and again while a broker has
// messages for it. What was acknowledged must be in the journal; a process
// that acknowledges first must be seen to lose some.
func TestCrash(t *testing.T) {
	messages, kills := 20000, 6
	if os.Getenv("GANLIN_LONG") != "" {
		messages, kills = 60000, 15
	}
	t.Run("acknowledged after the journal", func(t *testing.T) {
		lost, repeated := crash(t, messages, kills, false)
		t.Logf("%d messages, %d kills: %d lost, %d repeated", messages, kills, lost, repeated)
		if lost != 0 {
			t.Errorf("%d messages lost, want 0", lost)
		}
	})
	t.Run("control: acknowledged before the journal", func(t *testing.T) {
		lost, repeated := crash(t, messages, kills, true)
		t.Logf("%d messages, %d kills: %d lost, %d repeated", messages, kills, lost, repeated)
		if lost == 0 {
			t.Error("nothing lost: this test cannot notice a loss")
		}
	})
}

// crash returns how many messages are not in the journal after all kills, and
// how many lines of it tell of one again.
func crash(t *testing.T, messages, kills int, eager bool) (lost, repeated int) {
	t.Helper()
	broker := startMosquitto(t, "")
	path := filepath.Join(t.TempDir(), "journal")
	start := func() *exec.Cmd {
		c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestIngestProcess$")
		c.Env = append(os.Environ(), crashBroker+"="+broker.address, crashJournal+"="+path)
		if eager {
			c.Env = append(c.Env, crashEager+"=1")
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		return c
	}
	kill := func(c *exec.Cmd) {
		_ = c.Process.Kill()
		_ = c.Wait()
	}

	// Once the session exists the broker keeps all that is published.
	process := start()
	device := publisher(t, broker.address)
	publish := func(seq int) paho.Token {
		return device.Publish("ganlin/v1/s-001/telemetry", 1, false, fmt.Sprintf(`{"seq":%d,"values":{"battery_voltage":3.6}}`, seq))
	}
	eventually(t, "first message", func() bool {
		publish(0).WaitTimeout(patience)
		return len(journalled(t, path)) > 0
	})
	share := messages / kills
	before := len(journalled(t, path))
	for seq := 1; seq <= messages; seq++ {
		publish(seq).WaitTimeout(patience) // else acknowledgements wait for a broker that is busy with the device
		switch seq % share {
		case share / 2:
			eventually(t, "progress", func() bool { return len(journalled(t, path)) > before })
		case 0: // in the midst of its work
			kill(process)
			before = len(journalled(t, path))
			process = start()
		}
	}
	last := messages + 1 // behind all others in the broker's queue
	publish(last).WaitTimeout(patience)
	eventually(t, "last message", func() bool { return slices.Contains(journalled(t, path), last) })
	kill(process)

	seen := make(map[int]int)
	for _, seq := range journalled(t, path) {
		seen[seq]++
	}
	for seq := 1; seq <= messages; seq++ {
		switch n := seen[seq]; n {
		case 0:
			lost++
		default:
			repeated += n - 1
		}
	}
	return lost, repeated
}

// journalled returns the whole lines of a journal.
func journalled(t *testing.T, path string) []int {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	var seqs []int
	lines := bufio.NewScanner(bytes.NewReader(content[:bytes.LastIndexByte(content, '\n')+1]))
	for lines.Scan() {
		var seq int
		if _, err := fmt.Sscan(lines.Text(), &seq); err != nil {
			t.Fatal(err)
		}
		seqs = append(seqs, seq)
	}
	return seqs
}

// publisher is a device that publishes as fast as the broker takes it.
func publisher(tb testing.TB, address string) paho.Client {
	tb.Helper()
	c := paho.NewClient(paho.NewClientOptions().AddBroker("tcp://" + address).SetClientID("s-001"))
	if token := c.Connect(); !token.WaitTimeout(patience) || token.Error() != nil {
		tb.Fatal(token.Error())
	}
	tb.Cleanup(func() { c.Disconnect(100) })
	return c
}

// TestIngestProcess is the process that TestCrash kills.
func TestIngestProcess(t *testing.T) {
	path := os.Getenv(crashJournal)
	if path == "" {
		t.Skip("only as a child of TestCrash")
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	intake := ingest.NewIntake(ingest.IntakeOptions{Journal: fileJournal{file}, Locator: anywhere{}, Clock: wall{}, Log: log})
	o := options(os.Getenv(crashBroker))
	o.Log = log
	source, err := mqtt.New(o)
	if err != nil {
		t.Fatal(err)
	}
	deliver := intake.Deliver
	if os.Getenv(crashEager) != "" {
		deliver = eager(deliver)
	}
	go func() { _ = intake.Run(context.Background()) }()
	_ = source.Run(context.Background(), deliver)
}

// slowDisk is the time that the disk takes beside the real one's, so that
// there is always something on its way when the process is killed.
const slowDisk = 5 * time.Millisecond

// A fileJournal writes the sequence of each reading to a file.
type fileJournal struct{ *os.File }

func (j fileJournal) Append(_ context.Context, batch []ingest.Decoded) error {
	time.Sleep(slowDisk)
	var lines bytes.Buffer
	for _, d := range batch {
		for _, r := range d.Readings {
			fmt.Fprintln(&lines, r.Seq)
		}
	}
	if _, err := j.Write(lines.Bytes()); err != nil {
		return err
	}
	return j.Sync()
}

type anywhere struct{}

func (anywhere) Locate(devices.DeviceID) (devices.Location, bool) { return devices.Location{}, true }

type wall struct{}

func (wall) Now() time.Time    { return time.Now().UTC() }
func (wall) Latest() time.Time { return time.Now().UTC() }
