package dashboards

import (
	"strconv"
	"time"

	"ganlin/dashboards/words"
)

// A stage is one step on the way of a reading, or beside it, with its numbers.
type stage struct {
	part
	Key   string
	Rows  []row
	Keeps string // what it can keep and what not
}

// stages are what a reading walks through, and what stands beside.
func (s speaker) stages(m *Machine) []stage {
	of := map[PartName]part{}
	for _, p := range m.Parts {
		of[p.Name] = s.part(p)
	}
	plain := func(key string) part { return part{Name: s.text("stage."+key, nil)} }
	return []stage{
		{part: of[Broker], Key: "broker", Rows: s.brokerRows(m), Keeps: s.text("keeps.broker", nil)},
		{part: of[Journal], Key: "journal", Rows: s.journalRows(m.Journal), Keeps: s.text("keeps.journal", nil)},
		{part: plain("readers"), Key: "readers", Rows: s.readerRows(m.Readers)},
		{part: of[Database], Key: "database", Rows: s.databaseRows(m.Database), Keeps: s.text("keeps.database", nil)},
		{part: of[Records], Key: "records"},
		{part: plain("rules"), Key: "rules", Rows: s.ruleRows(m.Rules)},
		{part: plain("valves"), Key: "valves", Rows: s.valveRows(m.Valves)},
		{part: plain("devices"), Key: "devices", Rows: s.deviceRows(m.Devices)},
		{part: plain("notices"), Key: "notices", Rows: s.noticeRows(m.Notices)},
		{part: plain("webhooks"), Key: "webhooks", Rows: s.webhookRows(m.Webhooks)},
		{part: plain("process"), Key: "process", Rows: s.processRows(m.Process)},
	}
}

// figure is a row of something that changes.
func (s speaker) figure(key, text string) row {
	return row{Label: s.text("figure."+key, nil), Text: text, Measured: true}
}

// counted is a figure that is a count.
func (s speaker) counted(key string, n int64) row { return s.figure(key, words.Integer(n)) }

func (s speaker) brokerRows(m *Machine) (rows []row) {
	if m.Broker.Embedded {
		rows = append(rows, s.counted("connected", int64(m.Broker.Connected)))
	}
	rows = append(rows, s.counted("qos0", m.Broker.QoS0))
	for _, r := range s.tallies("refused.", m.Broker.Refused) {
		rows = append(rows, row{Label: s.text("figure.refused", words.Args{"why": r.Label}), Text: r.Text, Measured: true})
	}
	return rows
}

func (s speaker) journalRows(j JournalFigures) []row {
	size, free := s.text("op.unknown", nil), s.text("op.unknown", nil)
	if j.Bytes >= 0 {
		size = s.text("figure.of", words.Args{"x": bytesText(j.Bytes), "all": bytesText(j.Max)})
	}
	if j.Free >= 0 {
		free = bytesText(j.Free)
	}
	return []row{
		s.figure("sequence", strconv.FormatUint(j.Sequence, 10)), s.counted("generation", int64(j.Generation)),
		s.figure("size", size), s.figure("free", free), s.figure("fsync", s.spread(j.Took)), s.counted("lost", j.Lost),
	}
}

func (s speaker) readerRows(all []ReaderFigures) (rows []row) {
	for _, r := range all {
		text := s.text("figure.up_to_date", nil)
		switch n := int64(r.Records); { //nolint:gosec // no journal is that long
		case n > 0 && r.By >= time.Second:
			text = s.text("figure.behind_by", words.Args{"n": n, "by": s.elapsed(r.By)})
		case n > 0:
			text = s.text("figure.behind", words.Args{"n": n})
		}
		rows = append(rows, row{Label: s.word("reader.", r.Name), Text: text, Measured: true})
	}
	return rows
}

func (s speaker) databaseRows(d DatabaseFigures) []row {
	last := s.text("figure.no_write", nil)
	if d.Since != nil {
		last = s.ago(*d.Since)
	}
	return []row{
		s.counted("stored", d.Stored), s.counted("waiting", d.Waiting), s.figure("written", last), s.figure("write", s.spread(d.Took)),
	}
}

func (s speaker) ruleRows(r RuleFigures) []row {
	at := func(t time.Time) string {
		if t.IsZero() {
			return s.text("op.none_yet", nil)
		}
		return s.second(t)
	}
	rows := []row{s.figure("tick", at(r.Tick)), s.figure("watermark", at(r.Watermark))}
	if !r.Watermark.IsZero() {
		rows = append(rows, s.figure("delay", s.elapsed(max(0, r.Delay))))
	}
	return append(rows,
		s.counted("late", r.Late), s.counted("broken", int64(r.Broken)), s.counted("firing", int64(r.Alerts)),
		s.counted("rules", int64(r.Rules)), s.counted("sites", int64(r.Sites)),
		row{Label: s.text("figure.rule_set", nil), Text: short(r.RuleSet)}, row{Label: s.text("figure.registry", nil), Text: short(r.Registry)},
	)
}

// short is the beginning of a hash, enough to tell two apart.
func short(hash string) string { return hash[:min(len(hash), 12)] }

func (s speaker) valveRows(v ValveFigures) (rows []row) {
	for _, t := range v.States {
		if state := ValveState(t.Code); t.Count > 0 || state == ValveClosed || state == ValveOpen || state == ValveUnknown {
			rows = append(rows, row{Label: s.word("valve_state.", t.Code), Text: words.Integer(t.Count), Measured: true})
		}
	}
	return append(append(rows, s.counted("under_way", v.UnderWay)), s.tallies("commanded.", v.Commands)...)
}

func (s speaker) deviceRows(all []Sensor) []row {
	var online, unknown, silentOnes, never int64
	for _, d := range all {
		switch d.Online {
		case IsOnline:
			online++
		case OnlineUnknown:
			unknown++
		case IsOffline:
		}
		switch d.freshness(s.now) {
		case silent:
			silentOnes++
		case empty:
			never++
		case fresh, late:
		}
	}
	return []row{
		s.counted("devices", int64(len(all))), s.counted("online", online), s.counted("offline", int64(offline(all))), s.counted("online_unknown", unknown),
		s.counted("silent", silentOnes), s.counted("never", never),
	}
}

func (s speaker) noticeRows(all []ChannelFigures) (rows []row) {
	if all == nil {
		return []row{{Label: s.text("figure.notices", nil), Text: s.text("op.unknown", nil)}}
	}
	for _, c := range all {
		rows = append(rows, row{
			Label: s.word("channel.", c.Name), Measured: true,
			Text: s.text("figure.notice", words.Args{"waiting": c.Waiting, "failed": c.Failed}),
		})
	}
	if len(rows) == 0 {
		rows = []row{{Label: s.text("figure.notices", nil), Text: s.text("figure.no_channel", nil)}}
	}
	return rows
}

func (s speaker) webhookRows(w WebhookFigures) []row {
	if !w.Known {
		return []row{{Label: s.text("figure.signals", nil), Text: s.text("op.unknown", nil)}}
	}
	return []row{
		s.counted("signals", w.Waiting), s.counted("hooks_well", int64(w.Well)), s.counted("hooks_failing", int64(w.Failing)), s.counted("hooks_disabled", int64(w.Disabled)),
	}
}

func (s speaker) processRows(p ProcessFigures) []row {
	memory := s.text("op.unknown", nil)
	if p.Memory > 0 {
		memory = bytesText(p.Memory)
	}
	return []row{
		s.figure("up", s.ages(p.Up)), s.figure("memory", memory), s.counted("goroutines", int64(p.Goroutines)),
		{Label: s.text("figure.version", nil), Text: p.Version},
		{Label: s.text("figure.runtime", nil), Text: p.Runtime},
	}
}

// ages writes a length of time that may be days.
func (s speaker) ages(d time.Duration) string {
	if days := int(d / (24 * time.Hour)); days >= 2 {
		return s.text("span.days", words.Args{"n": days})
	}
	return s.elapsed(d)
}

func (s speaker) ago(d time.Duration) string {
	if d < time.Second {
		return s.text("age.now", nil)
	}
	return s.text("figure.ago", words.Args{"time": s.elapsed(d)})
}

// spread says how long something takes: usually, and for one in a hundred.
func (s speaker) spread(d Spread) string {
	if d.Count == 0 {
		return s.text("op.none_yet", nil)
	}
	return s.text("figure.spread", words.Args{"p50": milliseconds(d.P50), "p99": milliseconds(d.P99)})
}

func milliseconds(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	decimals := 0
	if ms < 10 {
		decimals = 1
	}
	return words.Decimal(ms, decimals)
}

// bytesText writes a size as people read it, by thousands.
func bytesText(n int64) string {
	x, unit := float64(n), 0
	for x >= 1000 && unit < 4 {
		x, unit = x/1000, unit+1
	}
	decimals := 0
	if unit > 1 && x < 100 {
		decimals = 1
	}
	return words.Decimal(x, decimals) + " " + []string{"B", "kB", "MB", "GB", "TB"}[unit]
}
