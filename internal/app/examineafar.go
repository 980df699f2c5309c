package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"ganlin/internal/config"
	"ganlin/internal/httpapi"
	"ganlin/internal/influx"
	"ganlin/internal/mqtt"
)

// What the journal and the database keep.
const (
	journalKeeps = "everything acknowledged, through crashes; not through the loss of the disk"
	influxKeeps  = "what the journal has handed over; what it lacks is still in the journal"
)

// examineRunning asks the running program about its parts and its account.
func examineRunning(ctx context.Context, r *remote) []finding {
	var s httpapi.Status
	if err := r.call(ctx, http.MethodGet, "/api/v1/status", nil, &s); err != nil {
		return []finding{{Part: "program", OutOfReach: true, Says: httpapi.Plain(err), Mend: "it holds the data folder and does not answer: look at its log, then start it again"}}
	}
	keeps := map[string]string{
		"broker":  "with the embedded broker a PUBACK means on disk; an external broker may lose what it acknowledged before Ganlin has it",
		"journal": journalKeeps,
		"influx":  influxKeeps,
	}
	mends := map[string]string{
		"broker":  "look whether its address is reachable and the password right",
		"journal": "make room on the disk; it goes on by itself",
		"influx":  "start it or mend url and token; it catches up by itself",
		"records": "make room on the disk, or start PostgreSQL; it goes on by itself",
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
		Part: "account", OK: a.Conserved() && a.Notes.LostUnacknowledged == 0,
		Says: fmt.Sprintf("messages %d = %d + %d; values %d = %d stored + %d duplicate + %d rejected + %d waiting",
			a.Messages.Received, a.Messages.Decoded, a.Messages.DeadLettered,
			a.Values.Decoded, a.Values.Stored, a.Values.Duplicate, a.Values.Rejected, a.Values.Waiting),
	}
	if a.Notes.LostRecords > 0 {
		law.Says += fmt.Sprintf(" + %d lost with %d records of the journal, named by ganlin losses list", a.Notes.LostValues, a.Notes.LostRecords)
	}
	switch {
	case a.Notes.LostUnacknowledged > 0:
		law.Mend = "look at the disk and at the folder damaged-… beside the journal, then: ganlin losses acknowledge"
	case !law.OK:
		law.Mend = "while messages flow, ask again; if it stays so, keep the data folder and report it"
	}
	list, err := everyPage[httpapi.Device](ctx, r, "/api/v1/devices")
	return append(findings, law, examineDevices(list, err))
}

// examineConfigured probes the database and the brokers that the configuration names.
func examineConfigured(ctx context.Context, cfg *config.Config) (findings []finding) {
	if cfg.Influx != nil {
		findings = append(findings, examineDatabase(ctx, cfg.Influx))
	}
	for _, b := range cfg.MQTT.Brokers {
		findings = append(findings, examineBroker(ctx, b))
	}
	return findings
}

func examineDatabase(ctx context.Context, c *config.Influx) finding {
	e := influx.Endpoint{URL: c.URL, Org: c.Org, Bucket: c.Bucket, Token: c.Token.Reveal()}
	client := influx.NewClient(e.Fixed(), nil)
	defer client.Close()
	f := finding{Part: "database", Keeps: influxKeeps}
	version, err := client.Ping(ctx)
	if err == nil {
		_, err = client.Query(ctx, "SHOW MEASUREMENTS LIMIT 1")
	}
	if err != nil {
		_, answered := errors.AsType[*influx.StatusError](err)
		f.OutOfReach, f.Says, f.Mend = !answered, err.Error(), "start it, or mend url and token_file under influx: in the configuration"
		return f
	}
	f.OK, f.Says = true, fmt.Sprintf("InfluxDB %s answers at %s", version, e.URL)
	return f
}

// examineBroker finds out what an external broker keeps.
func examineBroker(ctx context.Context, b config.Broker) finding {
	f := finding{Part: "broker"}
	o, err := brokerOptions(b)
	if err == nil {
		var v mqtt.Verdict
		if v, err = mqtt.Probe(ctx, o); err == nil {
			return judgeBroker(b, v)
		}
	}
	f.OutOfReach = !errors.Is(err, mqtt.ErrTurnedAway)
	f.Says, f.Mend = fmt.Sprintf("%s: %v", b.URL, err), "start it, or mend url, username, password_file and ca_file under mqtt.brokers in the configuration"
	return f
}

// judgeBroker says what a broker can and cannot keep. Whether it keeps what it
// acknowledged through a crash of its own only a crash would show.
func judgeBroker(b config.Broker, v mqtt.Verdict) finding {
	f := finding{Part: "broker", OK: true, Says: b.URL + " answers and lets us in"}
	if v.Refused {
		f.Keeps = "not tried: the user may not write and read " + mqtt.ProbeTopic(b.ClientID)
		return f
	}
	f.Says += fmt.Sprintf("; %d messages at once before one is acknowledged", v.Window)
	kept := "no retained message"
	if v.Retained {
		kept = "retained messages"
	}
	f.Keeps = fmt.Sprintf("%d of %d messages for a client that is away, and %s; what it acknowledged through a crash of its own: only what it writes to disk at once, as a stock Mosquitto does not", v.Kept, v.Sent, kept)
	switch {
	case !v.Session || v.Kept == 0:
		f.OK, f.Mend = false, "let it keep sessions: what devices send while Ganlin is away is lost"
	case v.Kept < v.Sent:
		f.Mend = "give it a longer queue, in Mosquitto max_queued_messages 0: what comes beyond it while Ganlin is away is lost"
	}
	return f
}
