package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ganlin/internal/config"
	"ganlin/internal/httpapi"
	"ganlin/internal/journal"
	"ganlin/internal/records"
)

// fsyncProbe is how many writes the disk's rate is measured with.
const fsyncProbe = 50

// examineDisk measures how long the disk takes to keep something: that bounds every acknowledgement.
func examineDisk(data string) finding {
	f := finding{Part: "disk"}
	file, err := os.CreateTemp(data, ".doctor-*")
	if errors.Is(err, fs.ErrNotExist) {
		f.Says, f.Mend = "there is no folder "+data, "look at data: in the configuration; ganlin serve and devices import make the folder"
		return f
	}
	if err != nil {
		f.Says, f.Mend = err.Error(), "make the data folder writable for this user"
		return f
	}
	defer func() {
		_ = file.Close()
		_ = os.Remove(file.Name())
	}()
	begin := time.Now()
	for range fsyncProbe {
		if _, err = file.Write(make([]byte, 4096)); err == nil {
			err = file.Sync()
		}
		if err != nil {
			f.Says, f.Mend = err.Error(), "look at the disk: it cannot keep what is written"
			return f
		}
	}
	free, err := freeBytes(data)
	if err != nil {
		f.Says = err.Error()
		return f
	}
	f.OK = free > 4*minFree
	f.Says = fmt.Sprintf("%d fsyncs a second, %d MiB free in %s", int(fsyncProbe/time.Since(begin).Seconds()), free>>20, data)
	f.Keeps = "what is acknowledged, unless the disk itself lies about fsync: nothing here can find that out"
	if !f.OK {
		f.Mend = fmt.Sprintf("make room: below %d MiB nothing is acknowledged any more", minFree>>20)
	}
	return f
}

// examineClock looks whether the clock can be right: readings are judged by it.
func examineClock() finding {
	now := time.Now().UTC()
	f := finding{Part: "clock", OK: now.Year() >= 2026, Says: "it is " + now.Format(time.RFC3339)}
	if !f.OK {
		f.Mend = "set the clock, best by NTP: readings more than 5 minutes ahead of it are refused"
	}
	return f
}

// examineAddress looks whether a program that does not run could listen where it is to.
func examineAddress(part, address string) finding {
	l, err := net.Listen("tcp", address) //nolint:noctx // it returns at once
	if err != nil {
		return finding{Part: part, Says: err.Error(), Mend: "end what listens there, or choose another address"}
	}
	_ = l.Close()
	return finding{Part: part, OK: true, Says: address + " is free for it"}
}

// examineRecords opens the records store; it is nil when it does not open.
func examineRecords(ctx context.Context, cfg *config.Config) (*records.Store, finding) {
	f := finding{Part: "records"}
	s, err := records.Look(recordsPlace(cfg))
	if err == nil {
		if err = s.Ping(ctx); err != nil {
			_ = s.Close()
		}
	}
	if errors.Is(err, records.ErrEmpty) {
		f.OK, f.Says = true, err.Error()
		return nil, f
	}
	if err != nil {
		f.Says, f.Mend = err.Error(), "restore the data folder from a backup"
		if !cfg.Records.URL.IsZero() {
			f.Mend = "look at PostgreSQL and at records.url; a database that is lost is restored from a backup"
		}
		return nil, f
	}
	f.OK, f.Says = true, "the store opens and answers"
	return s, f
}

// examineNewRecords looks whether records can be kept where there are none yet.
func examineNewRecords(ctx context.Context, cfg *config.Config) finding {
	f := finding{Part: "records", OK: true, Says: "there are none yet"}
	if cfg.Records.URL.IsZero() {
		return f
	}
	s, found := examineRecords(ctx, cfg)
	if s != nil {
		_ = s.Close()
	}
	return found
}

// examineDevices says of devices how many may log in, and which may not although they have a password.
func examineDevices(list []httpapi.Device, err error) finding {
	f := finding{Part: "devices"}
	if err != nil {
		f.Says, f.Mend = httpapi.Plain(err), "mend what is declared: ganlin check lists it"
		return f
	}
	active, out := 0, []string(nil)
	for _, d := range list {
		switch d.Credentials {
		case "active":
			active++
		case undeclaredState:
			out = append(out, string(d.Device))
		}
	}
	f.OK, f.Says = true, fmt.Sprintf("%d of %d have a password that lets in", active, len(list)-len(out))
	if len(out) > 0 {
		f.Says += "; nothing declares " + strings.Join(out, ", ") + " any more, so theirs let nobody in"
	}
	return f
}

// examineJournal looks at the end of the journal, which no program has open.
func examineJournal(ctx context.Context, in *folder, s *records.Store) finding {
	f := finding{Part: "journal", Keeps: journalKeeps, Mend: "look at the disk; the next start keeps damaged pieces aside and goes on; restore what is lost from a backup"}
	p := &program{folder: in}
	var err error
	if p.kept, err = progressOf(ctx, s); err != nil {
		f.Says = err.Error()
		return f
	}
	t, err := journal.Inspect(p.journalFolder(), p.storeFolder(), p.keptPositions())
	if err != nil {
		f.Says = err.Error()
		return f
	}
	f.Says = "there is none yet"
	if t.Last > 0 {
		f.Says = fmt.Sprintf("%d records, the newest of %s", t.Last, t.At.Format(time.RFC3339))
	}
	if t.Last > 0 && !t.Clean {
		f.Says += "; it was not closed in order, so the next start looks at all of it"
	}
	if t.Torn {
		f.Says += "; the last record was not written whole, and never acknowledged"
	}
	for _, l := range t.Losses {
		f.Says += fmt.Sprintf("; records %d to %d are lost (%s)", l.First, l.Last, l.Reason)
	}
	if t.Damaged > 0 {
		f.Says += fmt.Sprintf("; %d pieces are damaged", t.Damaged)
	}
	if f.OK = len(t.Losses) == 0 && t.Damaged == 0; f.OK {
		f.Mend = ""
	}
	return f
}

// examineLocalDatabase looks at the folder of the InfluxDB that runs with the program.
func examineLocalDatabase(dir string) finding {
	f := finding{Part: "influx", OK: true}
	if _, err := os.Stat(filepath.Join(dir, "token")); err != nil {
		f.Says = "there is none yet: the first start makes it"
		if _, err := os.Stat(filepath.Join(dir, "data")); err == nil {
			f.OK, f.Says, f.Mend = false, "its password is gone from "+dir, "restore the file token there from a backup"
		}
		return f
	}
	var size int64
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		f.OK, f.Says, f.Mend = false, err.Error(), "make the folder readable for this user"
		return f
	}
	f.Says = fmt.Sprintf("%d MiB in %s; it starts with the program", size>>20, dir)
	f.Keeps = influxKeeps
	return f
}
