package app

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"ganlin/internal/httpapi"
	"ganlin/internal/now"
	"ganlin/internal/signals"
)

// metrics are what /metrics shows. Counts are read where they are kept, at the
// time of a scrape; only durations are observed as they happen.
type metrics struct {
	registry *prometheus.Registry // what is counted
	process  *prometheus.Registry // what is measured of the process, and durations
	commit   prometheus.Histogram
	write    prometheus.Histogram
	wrote    atomic.Int64 // when the database accepted something last, Unix ns; 0: not yet
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(), process: prometheus.NewRegistry(),
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "ganlin_journal_fsync_seconds", Help: "Time from handing a record to the journal until it was on disk.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2, 16),
		}),
		write: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "ganlin_store_write_seconds", Help: "Time that InfluxDB took to accept a request with lines.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 16),
		}),
	}
	m.process.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), m.commit, m.write)
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(prometheus.Gatherers{m.process, m.registry}, promhttp.HandlerOpts{})
}

// stored notes a request that the database has accepted.
func (m *metrics) stored(took time.Duration) {
	m.write.Observe(took.Seconds())
	m.wrote.Store(time.Now().UnixNano())
}

// The metrics that are read at a scrape.
var (
	receivedDesc  = desc("ganlin_ingest_messages_received_total", "Messages that are on disk: received = decoded + dead_lettered of ganlin_ingest_messages_total.")
	messagesDesc  = desc("ganlin_ingest_messages_total", "Messages by what became of them; refused ones were never acknowledged.", "result")
	valuesDesc    = desc("ganlin_ingest_values_total", "Values by what became of them: decoded = stored + duplicate + rejected + lost + ganlin_ingest_values_waiting; lost is 0 unless damage took records from the journal.", "result")
	waitingDesc   = desc("ganlin_ingest_values_waiting", "Values in the journal that the database does not have yet.")
	quietDesc     = desc("ganlin_accounting_quiet", "Whether nothing was on its way between two counts at this scrape, so that the law of conservation holds exactly: 1 or 0.")
	notesDesc     = desc("ganlin_ingest_notes_total", "Noted beside the accounting: readings that nothing identifies, facts that came too late.", "note")
	refusedDesc   = desc("ganlin_door_refused_total", "Logins and publishes refused at the embedded broker, by reason.", "reason")
	onceDesc      = desc("ganlin_ingest_qos0_messages_total", "Messages of QoS 0 that this process took; nothing is promised for them.")
	connectedDesc = desc("ganlin_door_connected_devices", "Devices that are connected to the embedded broker.")
	lagDesc       = desc("ganlin_journal_lag_records", "Records that a reader of the journal has not handled yet.", "reader")
	lostDesc      = desc("ganlin_journal_lost_records_total", "Records that damage has ever taken from the journal.")
	openLossDesc  = desc("ganlin_journal_lost_records_unacknowledged", "Records that damage has taken from the journal and of which nobody took note.")
	pointsDesc    = desc("ganlin_store_points_total", "Values that InfluxDB has stored.")
	deadDesc      = desc("ganlin_deadletters_total", "Dead letters that came, by reason.", "reason")
	deadBytesDesc = desc("ganlin_deadletters_bytes", "Bytes of the payloads that dead letters hold.")
	givenUpDesc   = desc("ganlin_deadletters_dropped_total", "What is not kept of dead letters for want of room: letters, payloads of letters that stay, payloads that were cut because their device sends many (since the start).", "what")
	devicesDesc   = desc("ganlin_devices", "Devices of the registry, by what is known of their connection.", "state")
	noticesDesc   = desc("ganlin_notices_total", "Messages to farmers of this process by channel and what became of them; again counts tries that failed and are repeated.", "channel", "result")
	unsentDesc    = desc("ganlin_notices_pending", "Messages to farmers that are to be sent.", "channel")
	signalsDesc   = desc("ganlin_signals_pending", "Signals that webhooks in force have not taken yet, summed over the webhooks.")
	webhooksDesc  = desc("ganlin_webhooks", "Webhooks by how they are: well, failing or disabled.", "state")
	certDesc      = desc("ganlin_certificate_expires_timestamp_seconds", "When the certificate of the pages runs out.")
	tokenDesc     = desc("ganlin_token_expires_timestamp_seconds", "When the first account of a role is without a token, unless it gets a new one.", "role")
	freeDesc      = desc("ganlin_data_free_bytes", "Room on the disk of the data folder.")
	partReadyDesc = desc("ganlin_part_ready", "Whether a part does its work: 1 or 0.", "part")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// Describe sends nothing: the collector is unchecked because reasons come and go.
func (p *program) Describe(chan<- *prometheus.Desc) {}

// Collect reads the counts of this moment.
func (p *program) Collect(out chan<- prometheus.Metric) {
	counter := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	a, quiet := p.accounting()
	counter(receivedDesc, float64(a.Messages.Received))
	gauge(quietDesc, truth(quiet))
	counter(messagesDesc, float64(a.Messages.Decoded), "decoded")
	counter(messagesDesc, float64(a.Messages.DeadLettered), "dead_lettered")
	taken := p.intake.Stats()
	counter(messagesDesc, float64(taken.Refused), "refused")
	counter(onceDesc, float64(taken.QoS0))
	counter(valuesDesc, float64(a.Values.Decoded), "decoded")
	counter(valuesDesc, float64(a.Values.Stored), "stored")
	counter(valuesDesc, float64(a.Values.Duplicate), "duplicate")
	counter(valuesDesc, float64(a.Values.Rejected), "rejected")
	counter(valuesDesc, float64(a.Notes.LostValues), "lost")
	gauge(waitingDesc, float64(a.Values.Waiting))
	counter(notesDesc, float64(a.Notes.Unidentified), "unidentified")
	counter(notesDesc, float64(a.Notes.Late), "late")
	counter(lostDesc, float64(a.Notes.LostRecords))
	gauge(openLossDesc, float64(a.Notes.LostUnacknowledged))
	counter(pointsDesc, float64(a.Values.Stored))
	for reader, behind := range p.lags() {
		gauge(lagDesc, float64(behind.records), reader)
	}
	p.collectLetters(counter, gauge)
	for by, n := range p.notices.outbox.Counts() {
		counter(noticesDesc, float64(n), string(by.Channel), by.Result)
	}
	for channel, n := range p.notices.outbox.Pending() {
		gauge(unsentDesc, float64(n), string(channel))
	}
	if p.gate != nil {
		gauge(connectedDesc, float64(p.gate.Connected()))
		for reason, n := range p.gate.Refused() {
			counter(refusedDesc, float64(n), string(reason))
		}
	}
	states := p.connections()
	gauge(devicesDesc, float64(states[now.IsOnline]), "online")
	gauge(devicesDesc, float64(states[now.IsOffline]), "offline")
	gauge(devicesDesc, float64(states[now.OnlineUnknown]), "unknown")
	if pending, err := p.sender.Pending(context.Background()); err == nil {
		gauge(signalsDesc, float64(pending))
	}
	for state, n := range p.webhookStates() {
		gauge(webhooksDesc, float64(n), state)
	}
	p.collectRules(counter, gauge)
	if p.certificate != nil {
		gauge(certDesc, float64(p.certificate.expires().Unix()))
	}
	for role, at := range p.book.LockedOut() {
		gauge(tokenDesc, float64(at.Unix()), string(role))
	}
	if free, err := freeBytes(p.folder.path); err == nil {
		gauge(freeDesc, float64(free))
	}
	for part, state := range p.parts() {
		gauge(partReadyDesc, truth(state == httpapi.OK), part)
	}
}

// connections counts the devices of the registry by what is known of their connection.
func (p *program) connections() map[now.Online]int {
	states := map[now.Online]int{}
	snapshot := p.now.Snapshot()
	for _, d := range p.registry.Load().Devices() {
		state := now.OnlineUnknown
		if known, ok := snapshot.Device(d.ID); ok {
			state = known.Online
		}
		states[state]++
	}
	return states
}

// webhookStates counts the webhooks by how they are.
func (p *program) webhookStates() map[string]int {
	states := map[string]int{signals.Well: 0, signals.Failing: 0, signals.Disabled: 0}
	for _, w := range p.sender.List(func(signals.Webhook) bool { return true }) {
		states[w.State()]++
	}
	return states
}

func (p *program) collectLetters(counter, gauge func(*prometheus.Desc, float64, ...string)) {
	counts := p.dead.counts()
	if counts == nil { // the records store does not answer
		return
	}
	var bytes int64
	for reason, n := range counts {
		counter(deadDesc, float64(n.Came), reason)
		bytes += n.Bytes
	}
	gauge(deadBytesDesc, float64(bytes))
	g := p.givenUp(counts)
	counter(givenUpDesc, float64(g.letters), "letter")
	counter(givenUpDesc, float64(g.payloads), "payload")
	counter(givenUpDesc, float64(g.cut), "cut")
}

// truth is a yes or no as Prometheus has it.
func truth(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
