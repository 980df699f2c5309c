package dashboards

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"ganlin/dashboards/words"
)

// A trouble is one thing that a person has to see to.
type trouble struct {
	Key, Tone     string
	Title, Detail string // Detail is a machine's word: an error, an address
	Do            string
	Runbook, Link string // the part of the runbooks that says more, and where it is
	rank          int
}

// A troubleKind is what may be wrong, by its key in the catalogue.
type troubleKind struct {
	key     string
	level   level // bad: now; warn: today
	runbook string
}

// troubleKinds are all, the worst first.
func troubleKinds() []troubleKind {
	return []troubleKind{
		{"valve_open", bad, "GanlinValveOpenTooLong"},
		{"valve_unknown", bad, "GanlinValveUnconfirmed"},
		{"journal", bad, "GanlinNothingAcknowledged"},
		{"messages_off", bad, "GanlinMessagesNotConserved"},
		{"values_off", bad, "GanlinValuesNotConserved"},
		{"lost", bad, "GanlinJournalDamaged"},
		{"records", bad, "GanlinRecordsDown"},
		{"refusing", bad, "GanlinDatabaseDown"},
		{"broker", bad, "GanlinBrokerDown"},
		{"still", bad, "GanlinRulesStandStill"},
		{"late", bad, "GanlinRulesLate"},
		{"broken", bad, "GanlinRulesStandStill"},
		{"clock", bad, "GanlinRulesLate"},
		{"database", warn, "GanlinDatabaseDown"},
		{"disk", warn, "GanlinDiskFilling"},
		{"waiting", warn, "GanlinWaitingGrows"},
		{"reader", warn, "GanlinReaderLags"},
		{"devices", warn, "GanlinDevicesSilent"},
		{"letters", warn, "GanlinDeadLettersRise"},
		{"webhooks", warn, "GanlinWebhookFails"},
	}
}

// The limits at which the page speaks, which are those of the alarms. An alarm
// waits until it is sure; a page says what is so now.
const (
	lowDisk      = 2e9 // bytes
	manyWaiting  = 20_000
	manyRecords  = 5_000
	lateRules    = 30 * time.Minute
	lateTick     = 10 * time.Minute
	manyLetters  = 10              // within an hour
	shareOffline = 5               // one device in so many
	settling     = 2 * time.Minute // after a start the rules are behind until the first tick
)

// A troubleList collects what is wrong.
type troubleList struct {
	s   speaker
	all []trouble
}

// add adds a trouble, once for each detail.
func (l *troubleList) add(key, detail string, args words.Args) {
	kinds := troubleKinds()
	rank := slices.IndexFunc(kinds, func(k troubleKind) bool { return k.key == key })
	kind := kinds[rank]
	t := trouble{
		Key: strings.TrimSpace(key + " " + detail), Tone: tone(kind.level), Title: l.s.text("trouble."+key, args), Detail: detail,
		Do: l.s.text("todo."+key, nil), Runbook: kind.runbook, Link: l.s.link(runbooksAddress) + "#" + strings.ToLower(kind.runbook), rank: rank,
	}
	if !slices.ContainsFunc(l.all, func(o trouble) bool { return o.Key == t.Key && o.Title == t.Title }) {
		l.all = append(l.all, t)
	}
}

// troubles are what a person has to see to, the worst first.
func (s speaker) troubles(m *Machine) []trouble {
	l := &troubleList{s: s}
	l.parts(m)
	l.rules(m)
	if off := m.Ledger.Messages.off(); off > 0 {
		l.add("messages_off", "", words.Args{"n": off})
	}
	if off := m.Ledger.Values.off(); off > 0 && m.Ledger.Quiet {
		l.add("values_off", "", words.Args{"n": off})
	}
	if m.ClockOff {
		l.add("clock", "", nil)
	}
	if free := m.Journal.Free; free >= 0 && free < lowDisk {
		l.add("disk", "", words.Args{"free": bytesText(free)})
	}
	if n := m.Database.Waiting; n > manyWaiting {
		l.add("waiting", "", words.Args{"n": n})
	}
	for _, r := range m.Readers {
		if r.Records > manyRecords {
			l.add("reader", "", words.Args{"reader": s.word("reader.", r.Name), "n": int64(r.Records)}) //nolint:gosec // no journal is that long
		}
	}
	if n := offline(m.Devices); n > 0 && n*shareOffline > len(m.Devices) {
		l.add("devices", "", words.Args{"n": n, "all": len(m.Devices)})
	}
	if m.Letters.Hour >= manyLetters {
		l.add("letters", "", words.Args{"n": m.Letters.Hour})
	}
	if n := m.Webhooks.Failing + m.Webhooks.Disabled; n > 0 {
		l.add("webhooks", "", words.Args{"n": n})
	}
	slices.SortStableFunc(l.all, func(a, b trouble) int { return cmp.Compare(a.rank, b.rank) })
	return l.all
}

// parts adds what the parts say of themselves.
func (l *troubleList) parts(m *Machine) {
	lost := int64(0)
	for _, p := range m.Parts {
		for _, c := range p.Conditions {
			switch c.Kind {
			case JournalDiskFull, JournalFull, JournalFailed:
				l.add("journal", c.Detail, nil)
			case JournalLost:
				lost += int64(c.Last-c.First) + 1 //nolint:gosec // no journal is that long
			case DatabaseRefusing:
				l.add("refusing", c.Detail, nil)
			case DatabaseUnreachable:
				l.add("database", c.Detail, nil)
			case BrokerUnreachable, BrokerRefusing:
				l.add("broker", c.Detail, nil)
			case RecordsFailing:
				l.add("records", c.Detail, nil)
			case BrokerReady, BrokerStarting, JournalReady, JournalChecking, DatabaseReady, DatabaseBuilding, DatabaseStarting, DatabaseCatchingUp, RecordsReady:
			}
		}
	}
	if lost > 0 {
		l.add("lost", "", words.Args{"n": lost})
	}
}

// rules adds what is wrong with the rules and the valves.
func (l *troubleList) rules(m *Machine) {
	for _, t := range m.Valves.States {
		if t.Code == string(ValveUnknown) && t.Count > 0 {
			l.add("valve_unknown", "", words.Args{"n": t.Count})
		}
	}
	if n := m.Valves.NotShut; n > 0 {
		l.add("valve_open", "", words.Args{"n": n})
	}
	switch r := m.Rules; {
	case m.Process.Up < settling:
	case r.TickAge > lateTick:
		l.add("still", "", words.Args{"since": l.s.elapsed(r.TickAge)})
	case r.Delay > lateRules:
		l.add("late", "", words.Args{"by": l.s.elapsed(r.Delay)})
	}
	if n := m.Rules.Broken; n > 0 {
		l.add("broken", "", words.Args{"n": n})
	}
}

// offline counts the devices that are known not to be connected.
func offline(all []Sensor) (n int) {
	for _, d := range all {
		if d.Online == IsOffline {
			n++
		}
	}
	return n
}
