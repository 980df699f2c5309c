package app

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ganlin/internal/influx/influxtest"
)

// TestFullDisk fills the disk under load: nothing is acknowledged any more and
// the program says so; when there is room again it goes on by itself.
func TestFullDisk(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=256m"); err != nil {
		t.Skipf("SKIPPED, THE PROMISE OF A FULL DISK IS NOT PROVED HERE: mounting a small disk needs root: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	database := influxtest.Start(t)
	tr := newTrial(t, asItIs, 10, "")
	configured, err := os.ReadFile(tr.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(disk, "data"), os.DirFS(filepath.Join(tr.folder, "data"))); err != nil {
		t.Fatal(err)
	}
	write(t, tr.config, strings.Replace(string(configured), "data: data", "data: "+filepath.Join(disk, "data"), 1)+
		fmt.Sprintf("influx: {url: %q, org: %q, bucket: %q, token: %q}\n", database.URL, database.Org, database.Bucket, database.Token))
	tr.start()
	l := tr.load()
	l.perSec = 50
	running := l.begin(t)
	l.progress(t, 500)

	filler := filepath.Join(disk, "filler")
	refusing := func() int64 {
		t.Helper()
		waitFor(t, time.Minute, "the program to say that it takes nothing", func() (bool, string) {
			s, err := tr.status()
			return err == nil && strings.Contains(s.Parts["journal"], "nothing is acknowledged"), fmt.Sprint(s.Parts, err)
		})
		if code, _ := tr.get("/readyz"); code != 503 {
			t.Errorf("/readyz answers %d", code)
		}
		return l.acked.Load()
	}
	free := func(stood int64) {
		t.Helper()
		if now := l.acked.Load(); now != stood {
			t.Errorf("%d messages were acknowledged on a full disk", now-stood)
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		l.progress(t, 500)
	}
	// The disk fills up slowly: the program refuses before it is full.
	fill(t, filler, disk, minFree/2)
	stood := refusing()
	l.refusals(t, 50)
	free(stood)
	// The disk is full from one moment to the next, in the middle of a write.
	fill(t, filler, disk, 0)
	free(refusing())
	running.finish(t)
	tr.verify(l)
}

// fill writes a file until no more than so many bytes are free on the disk.
func fill(t *testing.T, name, disk string, leave int64) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	block := make([]byte, 64<<10)
	for err == nil {
		if free, ferr := freeBytes(disk); ferr != nil || leave > 0 && free <= leave {
			return
		}
		_, err = f.Write(block)
	}
}

// refusals waits until so many connections were closed on devices that tried.
func (l *load) refusals(t *testing.T, n int64) {
	t.Helper()
	target := l.reconnects.Load() + n
	waitFor(t, time.Minute, "refused devices to try again", func() (bool, string) {
		return l.reconnects.Load() >= target, fmt.Sprintf("%d of %d", l.reconnects.Load(), target)
	})
}
