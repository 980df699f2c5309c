package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"ganlin/dashboards/words"
	"ganlin/devices"
	"ganlin/internal/config"
	"ganlin/internal/notify"
	"ganlin/internal/records"
	"ganlin/internal/registry"
	"ganlin/rules"
	"ganlin/rules/condition"
	"ganlin/rules/irrigate"
	"ganlin/rules/water"
)

// contactsKeyFile is the key of the contacts' addresses in the data folder.
// Whoever holds it and the records store can read them; without it nobody can.
const contactsKeyFile = "contacts.key"

// contactsSeal reads the key of the contacts, or makes one where there are no
// contacts yet. It returns nil when it is lost: a new one would read nothing.
func (f *folder) contactsSeal(ctx context.Context, store *records.Store) (*notify.Seal, error) {
	key, err := f.key(contactsKeyFile, notify.KeyBytes, func() (bool, error) {
		known, err := store.Contacts(ctx)
		return len(known) > 0, err
	})
	if err != nil || key == nil {
		return nil, err
	}
	return notify.NewSeal(key)
}

// openNotices makes the outbox of messages to farmers ready.
func (p *program) openNotices(ctx context.Context) error {
	seal, err := p.folder.contactsSeal(ctx, p.records)
	if err != nil { // who cannot be told is no reason to leave the fields alone
		p.log.Error("no contact gets messages", "error", err)
	}
	p.notices, err = newNotices(ctx, noticesOptions{
		config: p.o.config.Notify, store: noticeStore{p.records, seal, p.log}, between: p.o.hooks.notices, registry: p.registry.Load, now: p.clock.Now,
		link: func(home devices.HouseholdID) string {
			switch {
			case p.o.config.Notify.Link != "":
				return p.o.config.Notify.Link
			case p.o.config.HTTP.URL != "":
				return p.o.config.HTTP.URL + "/my"
			case p.o.village != nil: // whoever looks at the demo becomes the farmer
				return p.url() + "/as/farmer-" + string(home) + "?next=/my"
			}
			return ""
		},
		advice: func(id devices.PlotID) rules.Advice {
			if plot := p.decidedNow().standing[id]; plot != nil {
				return plot.Advice
			}
			return rules.Advice{}
		},
	})
	if err != nil {
		return err
	}
	configured, silent := p.notices.outbox.Pending(), map[notify.ChannelName]int{}
	for _, c := range p.notices.outbox.Contacts() {
		if _, ok := configured[c.Channel]; !ok {
			silent[c.Channel]++
		}
	}
	for name, contacts := range silent {
		p.log.Warn("contacts hear nothing: their channel is not configured", "channel", string(name), "contacts", contacts)
	}
	return nil
}

// noticesOptions are what messages to farmers are made of.
type noticesOptions struct {
	config   config.Notify
	store    noticeStore
	between  func(notify.Store) notify.Store // outbox and store; may be nil
	registry func() *registry.Registry
	now      func() time.Time
	link     func(devices.HouseholdID) string
	advice   func(devices.PlotID) rules.Advice
}

// notices are the messages to farmers: the outbox, and what it has to know of the village.
type notices struct {
	noticesOptions
	outbox *notify.Outbox
	words  *words.Catalogue
	homes  atomic.Pointer[homes]
}

func newNotices(ctx context.Context, o noticesOptions) (*notices, error) {
	n := &notices{noticesOptions: o}
	var err error
	if n.words, err = words.New(); err != nil {
		return nil, err
	}
	channels, problems := channelsOf(o.config)
	if len(problems) > 0 {
		return nil, exitError{exitCheckFailed, fmt.Errorf("%v; ganlin check lists what is wrong", problems[0])}
	}
	quiet, err := notify.ParseQuiet(o.config.Quiet)
	if err != nil {
		return nil, err
	}
	store := notify.Store(o.store)
	if o.between != nil {
		store = o.between(store)
	}
	n.outbox, err = notify.Open(ctx, notify.Options{
		Store: store, Channels: channels, Now: o.now, Zone: n.zone, Turns: n.turns, Stale: n.stale, Compose: n.compose,
		Quiet: quiet, Daily: o.config.Daily, Group: o.config.Group, Log: o.store.log,
	})
	return n, err
}

// homes are what the registry says of households.
type homes struct {
	registry *registry.Registry
	zones    map[devices.HouseholdID]*time.Location
}

func (n *notices) village() *homes {
	reg := n.registry()
	if h := n.homes.Load(); h != nil && h.registry == reg {
		return h
	}
	h := &homes{reg, map[devices.HouseholdID]*time.Location{}}
	zones := map[devices.SiteID]*time.Location{}
	for _, s := range reg.Sites() {
		if zone, err := time.LoadLocation(s.TimeZone); err == nil {
			zones[s.ID] = zone
		}
	}
	for _, plot := range reg.Plots() {
		if zone := zones[plot.Site]; zone != nil && h.zones[plot.Household] == nil {
			h.zones[plot.Household] = zone
		}
	}
	n.homes.Store(h)
	return h
}

// zone is where a household's day begins and ends; of one that has no plot any more, where the first site's does.
func (n *notices) zone(home devices.HouseholdID) *time.Location {
	h := n.village()
	if zone := h.zones[home]; zone != nil {
		return zone
	}
	if sites := h.registry.Sites(); len(sites) > 0 {
		if zone, err := time.LoadLocation(sites[0].TimeZone); err == nil {
			return zone
		}
	}
	return time.UTC
}

// turns returns what a decision begins or ends that farmers have to know of. An
// alert about a station is for all whose crops it asks for. What ends does so for
// whoever was told of it, though its plot may have left the registry.
func (n *notices) turns(d devices.Decision) (turns []notify.Turn) {
	reg := n.village().registry
	plot, known := reg.Plot(d.Plot)
	if t, worth := turn(d, plot); worth && (t.Over || known) {
		return []notify.Turn{t}
	}
	if known {
		return nil
	}
	_, ofCrops := d.Numbers["plots_growing"]
	for _, plot := range reg.Plots() {
		if d.Kind != devices.AlertDecision || string(plot.Station) != d.Subject {
			continue
		}
		if t, ok := turn(d, plot); ok && ofCrops && growing(plot, d.At) {
			t.ID += " " + string(plot.ID)
			turns = append(turns, t)
		}
	}
	return turns
}

// turn returns what a decision begins or ends for the household of a plot.
func turn(d devices.Decision, plot devices.Plot) (notify.Turn, bool) {
	t := notify.Turn{Household: plot.Household, Episode: notify.Episode{
		Site: d.Site, Plot: cmp.Or(plot.ID, d.Plot), Subject: d.Subject, Rule: d.Rule, Severity: d.Severity, Decision: d.ID, Began: d.At,
	}}
	var worth bool
	if d.Kind == devices.IrrigationDecision {
		worth = wateringTurn(&t, d)
	} else {
		worth = alertTurn(&t, d, slices.Contains(plot.Valves, devices.DeviceID(d.Subject)))
	}
	if t.Over {
		t.Ended = d.At
	}
	return t, worth && (t.Over || plot.Household != "")
}

// growing reports whether a plot's crop is between planting and harvest.
func growing(plot devices.Plot, at time.Time) bool {
	crop, err := water.CropOf(plot.Crop)
	return err == nil && !at.Before(plot.Planted) && at.Before(plot.Planted.AddDate(0, 0, crop.SeasonDays()))
}

// alertTurn is about an alert. What is only good to know is on the page and in
// no message; urgent is a valve that may let water run where it should not.
func alertTurn(t *notify.Turn, d devices.Decision, valve bool) bool {
	t.ID, t.Over = d.Texts["alert"], d.Outcome == "resolved"
	if t.Over {
		t.How = d.Texts["reason"]
	}
	if began, err := time.Parse(time.RFC3339, d.Texts["raised_at"]); err == nil {
		t.Began = began
	}
	t.Urgent = valve && d.Severity == condition.Critical
	return d.Severity != condition.Info && (t.Over || d.Outcome == "firing")
}

// wateringTurn is about the watering of a plot, of which one is under way at a
// time. It begins when the plot needs water, though its valve opens only tonight.
func wateringTurn(t *notify.Turn, d devices.Decision) bool {
	t.ID, t.Watering = "watering "+string(d.Plot), notify.WateringBegun
	reason := d.Texts["reason"]
	switch d.Outcome {
	case "start":
		return true
	case "hold":
		t.Watering = notify.WateringAhead
		return reason == string(irrigate.Window)
	case "done":
		t.Over, t.How = true, "done"
	case "stop":
		t.Over, t.How = true, reason
	default:
		return askTurn(t, d)
	}
	return t.Over
}

// askTurn is about a plot that needs a person: to water it, or to see why its valve stays shut.
func askTurn(t *notify.Turn, d devices.Decision) bool {
	outcome, over := strings.CutSuffix(d.Outcome, rules.Over)
	if t.ID, t.How = d.ID, d.Texts["reason"]; over {
		t.ID, t.Over = d.Texts["episode"], true
		if began, err := time.Parse(time.RFC3339, d.Texts["raised_at"]); err == nil {
			t.Began = began
		}
	}
	switch outcome {
	case rules.Advised:
		t.Watering = notify.WateringAsked
		if !over {
			t.Plan = &notify.Plan{MM: d.Numbers["gross_mm"], VolumeL: d.Numbers["volume_l"], DurationS: int(d.Numbers["duration_s"])}
		}
	case rules.KeptShut:
		t.Watering = notify.WateringKept
	}
	return t.Watering != ""
}

// stale reports that a plot does not need the water any more that was foretold.
func (n *notices) stale(e notify.Episode) bool {
	if e.Watering != notify.WateringAhead {
		return false
	}
	kind := n.advice(e.Plot).Kind
	return kind == rules.AdviceNoNeed || kind == rules.AdviceUnknown
}

// compose puts a notice into words, with what is known now.
func (n *notices) compose(c notify.Contact, notice *notify.Notice) notify.Message {
	var lines []words.NoticeLine
	for _, l := range notice.Lines {
		if l.How == rules.Opened && slices.ContainsFunc(notice.Lines, func(o notify.Line) bool { return o.Plot == l.Plot && o.Watering == notify.WateringBegun && !o.Over }) {
			continue // it is said better
		}
		line := words.NoticeLine{
			Rule: l.Rule, Place: string(l.Plot), Watering: string(l.Watering), Over: l.Over, Began: l.Began, Ended: l.Ended, How: l.How,
		}
		if plot, ok := n.village().registry.Plot(l.Plot); ok && plot.Name != "" {
			line.Place = plot.Name
		}
		if !l.Over && l.Watering != notify.WateringKept && (l.Watering != "" || l.Subject == string(l.Plot)) {
			line.Advice = noticeAdvice(n.advice(l.Plot), l)
		}
		if p := l.Plan; p != nil && line.Advice == nil { // the plot wavers about its limit: what was decided holds
			line.Advice = noticeAdvice(rules.Advice{Kind: rules.AdviceWater, GrossMM: p.MM, VolumeL: p.VolumeL, DurationS: p.DurationS}, l)
		}
		lines = append(lines, line)
	}
	link := n.link(c.Household)
	said := n.words.Notice(c.Language, lines, n.now().In(n.zone(c.Household)), link)
	return notify.Message{
		ID: notice.ID, At: notice.At, To: c.To, Title: said.Title, Text: said.Text, Short: said.Short, Link: link, Urgent: notice.Urgent,
		Facts: notify.Facts{Contact: c.ID, Household: string(c.Household), Language: string(c.Language), Lines: notice.Lines, Test: len(lines) == 0},
	}
}

// noticeAdvice is advice as a message says it of a line; nil when it says nothing to
// do. That water is of no more use this season has to be said of what else would ask for it.
func noticeAdvice(a rules.Advice, of notify.Line) *words.NoticeAdvice {
	says := a.Kind == rules.AdviceNoNeed && a.Reason != "" && (of.Watering != "" || of.Rule == droughtRule || of.Rule == "drought_severe")
	switch a.Kind {
	case rules.AdviceItself, rules.AdviceWater, rules.AdviceWatering, rules.AdviceHeld:
		says = true
	case rules.AdviceNoNeed, rules.AdviceUnknown:
	}
	if !says {
		return nil
	}
	return &words.NoticeAdvice{
		Kind: string(a.Kind), From: a.From, Until: a.Until, MM: a.GrossMM, CubicM: a.VolumeL / 1000,
		Duration: time.Duration(a.DurationS) * time.Second, Reason: a.Reason,
	}
}

// onlyWebhook makes the demo's contacts: one for each household at an address,
// and none at any other; without an address none at all.
func (n *notices) onlyWebhook(ctx context.Context, address string) error {
	var contacts []notify.Contact
	wanted := map[string]bool{}
	if address != "" && n.store.seal != nil {
		for home := range n.village().zones {
			if home == "" {
				continue
			}
			c := notify.Contact{Household: home, Channel: notify.Webhook, Language: words.Chinese, To: notify.NewAddress(address, "")}
			wanted[n.store.seal.ID(home, c.Channel, c.To)] = true
			contacts = append(contacts, c)
		}
	}
	for _, c := range n.outbox.Contacts() {
		if !wanted[c.ID] {
			if err := n.outbox.Remove(ctx, c.ID); err != nil {
				return err
			}
		}
	}
	if len(contacts) == 0 {
		return nil
	}
	_, err := n.add(ctx, contacts)
	return err
}
