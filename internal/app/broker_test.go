package app

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// mosquitto starts a foreign broker that keeps what it holds for Ganlin, and returns its address.
func mosquitto(tb testing.TB) string {
	tb.Helper()
	address, _ := mosquittoWith(tb, "")
	return address
}

// mosquittoWith adds to the broker's configuration, and returns its process id too.
func mosquittoWith(tb testing.TB, more string) (address string, pid int) {
	tb.Helper()
	program, err := exec.LookPath("mosquitto")
	if err != nil {
		program = "/usr/sbin/mosquitto" // where Debian puts it, outside of many a PATH
	}
	address = freeAddress(tb)
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		tb.Fatal(err)
	}
	config := filepath.Join(tb.TempDir(), "mosquitto.conf")
	write(tb, config, fmt.Sprintf("listener %s %s\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 100\n%s", port, host, more))
	cmd := exec.Command(program, "-c", config)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		tb.Fatalf("starting mosquitto: %v; install it, on Debian: apt-get install mosquitto mosquitto-clients", err)
	}
	tb.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	reachable(tb, address)
	return address, cmd.Process.Pid
}

// TestKillBehindAForeignBroker kills Ganlin, again and again, while Mosquitto
// lives on: whatever the broker took for it is in the database afterwards.
func TestKillBehindAForeignBroker(t *testing.T) {
	address := mosquitto(t)
	tr := newTrial(t, asItIs, 50, fmt.Sprintf("mqtt: {brokers: [{url: %q, client_id: ganlin-trial}]}\n", "tcp://"+address))
	tr.mqtt = address
	tr.start()
	l := tr.load()
	running := l.begin(t)
	for range counts(3, 10) {
		l.progress(t, 1000+rand.Int64N(4000))
		tr.kill()
		tr.start()
		tr.balanced()
	}
	l.progress(t, 2000)
	running.finish(t)
	if n := l.reconnects.Load(); n != 0 {
		t.Errorf("devices lost %d connections to the broker", n)
	}
	waitFor(t, 2*time.Minute, "the broker's backlog", func() (bool, string) {
		s, err := tr.status()
		return err == nil && s.Accounting.Values.Stored >= l.values.Load(), fmt.Sprintf("%+v of %d values, %v", s.Accounting.Values, l.values.Load(), err)
	})
	a := tr.settled(2 * time.Minute)
	inDatabase := tr.counted()
	t.Logf("load: %d acknowledged by the broker, %d values; program: %+v; database: %d values", l.acked.Load(), l.values.Load(), a, inDatabase)
	// What was delivered and not yet acknowledged comes again, as often as the
	// broker likes: all of it has to be found as duplicates.
	if err := judge(l, a, inDatabase, l.sent.Load()); err != nil {
		t.Error(err)
	}
}
