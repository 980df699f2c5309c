package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"ganlin/internal/config"
	"ganlin/internal/httpapi"
	"ganlin/internal/influx"
	"ganlin/internal/records"
)

type doctorCommand struct {
	where
}

// A finding is what the doctor says of one part.
type finding struct {
	Part  string `json:"part"`
	OK    bool   `json:"ok"`
	Says  string `json:"says"`
	Keeps string `json:"keeps,omitempty"` // what the part can and cannot keep
	Mend  string `json:"mend,omitempty"`
}

// Run probes each part, of the running program where there is one, and says
// what it can and cannot keep and how to mend what is wrong.
func (d doctorCommand) Run(ctx context.Context, c console) error {
	cfg, err := d.open(c)
	if err != nil {
		return err
	}
	data := cfg.Data
	r, err := running(data)
	if err != nil {
		return err
	}
	findings := []finding{examineDisk(data), examineClock()}
	if r != nil {
		findings = append(findings, examineRunning(ctx, r)...)
	} else {
		findings = append(findings,
			finding{Part: "program", Says: "no program runs on " + data, Mend: "start it with ganlin serve --config FILE, or ganlin demo"},
			examineRecords(ctx, data))
	}
	if d.Config != "" {
		findings = append(findings, examineConfigured(ctx, cfg)...)
	}
	return report(c, findings, d.JSON)
}

func report(c console, findings []finding, asJSON bool) error {
	well := true
	for _, f := range findings {
		well = well && f.OK
	}
	if asJSON {
		if err := json.NewEncoder(c.out).Encode(findings); err != nil {
			return err
		}
	} else {
		for _, f := range findings {
			mark := "ok  "
			if !f.OK {
				mark = "BAD "
			}
			_, _ = fmt.Fprintf(c.out, "%s %-10s %s\n", mark, f.Part, f.Says)
			if f.Keeps != "" {
				_, _ = fmt.Fprintf(c.out, "     %-10s keeps: %s\n", "", f.Keeps)
			}
			if f.Mend != "" {
				_, _ = fmt.Fprintf(c.out, "     %-10s mend: %s\n", "", f.Mend)
			}
		}
	}
	if !well {
		return errCheckFailed
	}
	return nil
}

// fsyncProbe is how many writes the disk's rate is measured with.
const fsyncProbe = 50

// examineDisk measures how long the disk takes to keep something: that bounds every acknowledgement.
func examineDisk(data string) finding {
	f := finding{Part: "disk"}
	if err := os.MkdirAll(data, 0o700); err != nil {
		f.Says, f.Mend = err.Error(), "make the data folder writable for this user"
		return f
	}
	file, err := os.CreateTemp(data, ".doctor-*")
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

func examineRecords(ctx context.Context, data string) (f finding) {
	f.Part = "records"
	name := filepath.Join(data, recordsFile)
	if _, err := os.Stat(name); err != nil {
		f.OK, f.Says = true, "there are none yet"
		return f
	}
	s, err := records.Open(ctx, name)
	if err == nil {
		err = errors.Join(s.Ping(ctx), s.Close())
	}
	if err != nil {
		f.Says, f.Mend = err.Error(), "restore the data folder from a backup"
		return f
	}
	f.OK, f.Says = true, "the store opens and answers"
	return f
}

// examineRunning asks the running program about its parts and its account.
func examineRunning(ctx context.Context, r *remote) []finding {
	var s httpapi.Status
	if err := r.call(ctx, http.MethodGet, "/api/v1/status", nil, &s); err != nil {
		return []finding{{Part: "program", Says: err.Error(), Mend: "it holds the data folder and does not answer: look at its log, then start it again"}}
	}
	keeps := map[string]string{
		"broker":  "with the embedded broker a PUBACK means on disk; an external broker may lose what it acknowledged before Ganlin has it",
		"journal": "everything acknowledged, through crashes; not through the loss of the disk",
		"influx":  "what the journal has handed over; what it lacks is still in the journal",
	}
	mends := map[string]string{
		"broker":  "look whether its address is reachable and the password right",
		"journal": "make room on the disk; it goes on by itself",
		"influx":  "start it or mend url and token; it catches up by itself",
		"records": "make room on the disk; it goes on by itself",
	}
	var findings []finding
	for _, part := range []string{"broker", "journal", "influx", "records"} {
		f := finding{Part: part, OK: s.Parts[part] == httpapi.OK, Says: s.Parts[part], Keeps: keeps[part]}
		if !f.OK {
			f.Mend = mends[part]
		}
		findings = append(findings, f)
	}
	a := s.Accounting
	law := finding{
		Part: "account", OK: a.Conserved() && a.Notes.LostRecords == 0,
		Says: fmt.Sprintf("messages %d = %d + %d; values %d = %d stored + %d duplicate + %d rejected + %d waiting",
			a.Messages.Received, a.Messages.Decoded, a.Messages.DeadLettered,
			a.Values.Decoded, a.Values.Stored, a.Values.Duplicate, a.Values.Rejected, a.Values.Waiting),
	}
	if !law.OK {
		law.Mend = fmt.Sprintf("%d records of the journal are lost: look at the disk and at the folder damaged-… beside the journal; while messages flow, ask again", a.Notes.LostRecords)
	}
	return append(findings, law)
}

// examineConfigured probes the database that the configuration names.
func examineConfigured(ctx context.Context, cfg *config.Config) []finding {
	if cfg.Influx == nil {
		return nil
	}
	e := influx.Endpoint{URL: cfg.Influx.URL, Org: cfg.Influx.Org, Bucket: cfg.Influx.Bucket, Token: cfg.Influx.Token.Reveal()}
	client := influx.NewClient(e.Fixed(), nil)
	defer client.Close()
	f := finding{Part: "database"}
	version, err := client.Ping(ctx)
	if err == nil {
		_, err = client.Query(ctx, "SHOW MEASUREMENTS LIMIT 1")
	}
	if err != nil {
		f.Says, f.Mend = err.Error(), "start it, or mend url and token_file under influx: in the configuration"
		return []finding{f}
	}
	f.OK, f.Says = true, fmt.Sprintf("InfluxDB %s answers at %s", version, e.URL)
	return []finding{f}
}
