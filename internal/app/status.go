package app

import (
	"context"
	"fmt"
	"maps"
	"os"
	"time"

	"ganlin/internal/httpapi"
	"ganlin/internal/influx"
	"ganlin/internal/influx/influxd"
)

// Status says where time stands, what was counted and how each part is.
func (p *program) Status(context.Context) (httpapi.Status, error) {
	a, _ := p.accounting()
	tick, watermark := p.tick(), p.tick()
	for _, s := range p.engine.Views().Sites {
		if w := s.Watermark; !w.IsZero() && w.Before(watermark) {
			watermark = w
		}
	}
	a.Notes.Late = p.engine.Late()
	return httpapi.Status{Tick: tick, Watermark: watermark, Accounting: a, Parts: p.parts()}, nil
}

// tick is the newest tick of the journal; zero when there is none.
func (p *program) tick() (newest time.Time) {
	if p.step != nil {
		return p.step.clock.last()
	}
	for _, at := range p.now.Snapshot().Ticks {
		if at.After(newest) {
			newest = at
		}
	}
	return newest
}

// accounting collects the terms of the conservation law, each from where it is
// counted. quiet reports that the walk which counts the waiting values has come
// to the last record, so that nothing is on its way between two terms.
func (p *program) accounting() (a httpapi.Accounting, quiet bool) {
	a, _, quiet = p.account()
	return a, quiet
}

// account is accounting, and what was rejected by reason.
func (p *program) account() (a httpapi.Accounting, rejected map[string]int64, quiet bool) {
	c, head := p.journal.Counters(), p.journal.State()
	s := p.store.counts()
	a.Messages = httpapi.Messages{Received: c.Received, Decoded: c.Decoded, DeadLettered: c.DeadLettered}
	a.Values = httpapi.Values{Decoded: c.Values, Duplicate: c.Duplicate, Stored: s.stored, Waiting: s.waiting}
	rejected = maps.Clone(s.rejected)
	for reason, n := range c.Rejected {
		rejected[string(reason)] += n
	}
	for _, n := range rejected {
		a.Values.Rejected += n
	}
	a.Notes = httpapi.Notes{Unidentified: c.Unidentified, LostRecords: head.Lost, LostUnacknowledged: head.Unacknowledged(), LostValues: s.lost}
	return a, rejected, s.walked == head.End.Sequence
}

// A lag is how far a reader is behind the journal.
type lag struct {
	records uint64        // that it has not handled yet
	by      time.Duration // the age of what it handled last, while it is behind; 0: it is not, or nothing was handled yet
}

// lags tells how far each reader is behind.
func (p *program) lags() map[string]lag {
	head, now := p.journal.State().End, time.Now()
	of := func(at uint64, handled time.Time) lag {
		l := lag{records: head.Sequence - min(head.Sequence, at)}
		if l.records > 0 && !handled.IsZero() {
			l.by = max(0, now.Sub(handled))
		}
		return l
	}
	return map[string]lag{
		readerStore:       of(p.store.at().Sequence, p.store.handled.at()),
		readerDeadLetters: of(p.dead.at().Sequence, p.dead.handled.at()),
		readerNow:         of(p.recent.at().Sequence, p.recent.handled.at()),
		readerRules:       of(p.engine.At().Sequence, p.handled.at()),
	}
}

// parts says of each part "ok", or in a sentence what is wrong with it.
func (p *program) parts() map[string]string {
	parts := map[string]string{"records": httpapi.OK, "journal": httpapi.OK, "broker": httpapi.OK, "influx": httpapi.OK}
	if s := p.journal.State(); s.Refusing != "" {
		parts["journal"] = "nothing is acknowledged: " + s.Refusing
	}
	if why := p.recordsTrouble.why.Load(); why != nil {
		parts["records"] = *why
	}
	if p.door != nil && !p.door.Open() {
		parts["broker"] = "the embedded broker is not open yet"
	}
	for _, b := range p.brokers {
		if since, lost := b.lost(); lost {
			parts["broker"] = fmt.Sprintf("%s is out of reach since %s", b.url, since.Format(time.RFC3339))
		}
	}
	if s := p.writer.State(); s.Condition != influx.OK {
		parts["influx"] = fmt.Sprintf("%s since %s: %s", s.Condition, s.Since.Format(time.RFC3339), s.Why)
	}
	if p.child != nil {
		if s := p.child.State(); s.Phase != influxd.Ready {
			parts["influx"] = s.Why
		}
	}
	return parts
}

func (p *program) ready() bool {
	for _, state := range p.parts() {
		if state != httpapi.OK {
			return false
		}
	}
	return true
}

// announce writes running.json at once and the file of --ready once all parts are ready.
func (p *program) announce(ctx context.Context) error {
	running := p.readiness()
	if err := writeReadiness(p.folder.file(runFile), running); err != nil {
		return fmt.Errorf("telling other commands how to reach this program: %w", err)
	}
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	begun := time.Now()
	for !p.ready() {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
	}
	p.log.Info("all parts are ready", "pages", p.url(), "after_ms", time.Since(begun).Milliseconds())
	if p.o.ready != "" {
		if err := writeReadiness(p.o.ready, p.readiness()); err != nil {
			return fmt.Errorf("writing the file of --ready: %w", err)
		}
	}
	<-ctx.Done()
	return nil
}

func (p *program) readiness() readiness {
	r := readiness{HTTP: p.url(), Token: p.token, PID: os.Getpid()}
	if files := p.o.config.HTTP.TLS; files != nil {
		r.Certificate = files.CertFile
	}
	if p.door != nil {
		r.MQTT = p.mqttURL()
	}
	e := p.endpoint()
	r.Influx = influxReadiness{URL: e.URL, Org: e.Org, Bucket: e.Bucket, Token: e.Token}
	return r
}

// endpoint is where the database is; without a URL it is not known yet.
func (p *program) endpoint() influx.Endpoint {
	if p.child != nil {
		return p.child.Endpoint()
	}
	c := p.o.config.Influx
	return influx.Endpoint{URL: c.URL, Org: c.Org, Bucket: c.Bucket, Token: c.Token.Reveal()}
}
