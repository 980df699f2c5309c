package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"ganlin/devices"
	"ganlin/firmware-sim/field"
	"ganlin/firmware-sim/firmware"
	"ganlin/firmware-sim/village"
	"ganlin/internal/config"
	"ganlin/internal/file"
	"ganlin/internal/notify"
	"ganlin/internal/registry"
)

type demoCommand struct {
	Season string  `default:"drought" help:"The summer's weather: drought, normal, wet or a CSV file."`
	Days   int     `default:"120" help:"Length of the season."`
	Plots  int     `default:"40" help:"Plots of the village."`
	Seed   uint64  `default:"1" help:"Of all that is random; the same seed gives the same village and weather."`
	Speed  float64 `default:"3600" help:"Simulated seconds in one second, at most."`
	Data   string  `placeholder:"DIR" help:"Where the data stay; by default a folder of the user's."`
	HTTP   string  `name:"http" default:"127.0.0.1:8080" help:"Where the pages are; port 0 takes a free one."`
	MQTT   string  `name:"mqtt" default:"127.0.0.1:1883" help:"Where devices connect; port 0 takes a free one."`
	Broker string  `placeholder:"URL" help:"Use this broker, at both ends, instead of the embedded one."`
	Ready  string  `placeholder:"FILE" help:"Write this file once all parts are ready."`
	Notify string  `name:"notify-webhook" placeholder:"URL" help:"Send messages of every household as JSON to this address."`
	Once   bool    `help:"Live the season as fast as it goes, on free ports and in a temporary folder unless told otherwise, and end with 0 when every promise held."`
	Report string  `placeholder:"FILE" help:"With --once: write what the season came to as JSON."`
}

// villageFile is the simulated village in the demo's data folder.
const villageFile = "village.json"

// A demoIdentity says which season a data folder holds.
type demoIdentity struct {
	Season string `json:"season"`
	Days   int    `json:"days"`
	Plots  int    `json:"plots"`
	Seed   uint64 `json:"seed"`
}

// Run lives a season in a simulated village until it is interrupted.
func (d demoCommand) Run(ctx context.Context, c console, h hooks) error {
	if d.Days < 1 || d.Plots < 1 || d.Speed < 0 {
		return usageError("--days and --plots are at least 1 and --speed is not below 0")
	}
	if !config.Loopback(d.HTTP) {
		return usageError("--http %s can be reached from elsewhere, and the demo asks nobody who they are; listen on 127.0.0.1, and reach it by ssh -L 8080:127.0.0.1:8080", d.HTTP)
	}
	began := time.Now()
	switch {
	case d.Once:
		clean, err := d.aside()
		if err != nil {
			return err
		}
		defer clean()
	case d.Report != "":
		return usageError("--report is of --once: a demo that goes on has no end to report of")
	}
	if d.Data == "" {
		dir, err := demoFolder()
		if err != nil {
			return err
		}
		d.Data = dir
	}
	kept, err := os.ReadFile(filepath.Join(d.Data, villageFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading the village as it was: %w", err)
	}
	v, err := village.New(village.Options{
		Season: field.Season(d.Season), Days: d.Days, Plots: d.Plots, Seed: d.Seed, Faults: firmware.Faults{Noise: 1}, Resume: kept,
	})
	if err != nil {
		return usageError("making the village: %w", err)
	}
	reg, problems := registry.Load(nil, registry.Options{Imported: []*registry.File{registry.FromEntities("village", registry.Entities(v.Registry))}})
	if reg == nil {
		return fmt.Errorf("registering the village: %v", problems)
	}
	cfg, err := d.config()
	if err != nil {
		return err
	}
	p, err := openProgram(ctx, programOptions{
		config: cfg, village: reg, step: true, start: v.Start, claim: d.claim, season: season{v.Start, d.Days},
		ready: d.Ready, log: c.log, hooks: h,
	})
	if err != nil {
		return err
	}
	l, err := d.link(ctx, p, v)
	if err == nil {
		err = p.notices.onlyWebhook(ctx, d.Notify)
	}
	if err != nil {
		p.close(context.WithoutCancel(ctx))
		return err
	}
	_, _ = fmt.Fprintf(c.err, "\n  甘霖 Ganlin\n  pages   %s\n  broker  %s\n  data    %s\n\n", p.url(), l.Broker, d.Data)
	if d.Once {
		return d.once(ctx, p, v, l, c, began)
	}
	return p.run(ctx, stage{"village", func(ctx context.Context) error {
		_, err := p.live(ctx, v, l)
		return err
	}})
}

// live lives the village once somebody listens: a foreign broker throws away
// what is published before the subscription, and acknowledges it.
func (p *program) live(ctx context.Context, v *village.Village, l village.Link) (village.Report, error) {
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		waiting := false
		for _, b := range p.brokers {
			if _, lost := b.lost(); lost {
				waiting = true
			}
		}
		if !waiting {
			return v.Run(ctx, l)
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return village.Report{}, ctx.Err()
		}
	}
}

// aside puts a season that is lived once out of everybody's way.
func (d *demoCommand) aside() (clean func(), err error) {
	d.Speed = 0
	for _, address := range []*string{&d.HTTP, &d.MQTT} {
		if host, _, err := net.SplitHostPort(*address); err == nil && (*address == usualHTTP || *address == usualMQTT) {
			*address = net.JoinHostPort(host, "0")
		}
	}
	if d.Data != "" {
		return func() {}, nil
	}
	if d.Data, err = os.MkdirTemp("", "ganlin-demo-"); err != nil {
		return nil, fmt.Errorf("making a temporary folder: %w", err)
	}
	return func() { _ = os.RemoveAll(d.Data) }, nil
}

// Where the demo listens unless told otherwise.
const (
	usualHTTP = "127.0.0.1:8080"
	usualMQTT = "127.0.0.1:1883"
)

// once lives the season to its end, reports of it and stops.
func (d demoCommand) once(ctx context.Context, p *program, v *village.Village, l village.Link, c console, began time.Time) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	l.Linger = false
	var r *seasonReport
	err := p.run(ctx, stage{"season", func(own context.Context) error {
		lived, err := p.live(own, v, l)
		if err == nil {
			r, err = p.report(own, d, lived, began)
		}
		if err != nil {
			return err
		}
		stop()
		<-own.Done()
		return nil
	}})
	if err != nil {
		return err
	}
	if r == nil {
		return exitError{exitCheckFailed, errors.New("the season was interrupted")}
	}
	if d.Report != "" {
		if err := writeJSONFile(d.Report, r); err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
	}
	r.print(c.out)
	if !r.kept() {
		return errCheckFailed
	}
	return nil
}

// config is the configuration that the flags stand for.
func (d demoCommand) config() (*config.Config, error) {
	cfg := config.Default()
	cfg.Data, cfg.HTTP.Listen = d.Data, d.HTTP
	if d.Notify != "" {
		cfg.Notify.Webhook, cfg.Notify.AllowPrivate = &config.WebhookChannel{}, networksOf(d.Notify)
		if err := notify.CheckAddress(notify.Webhook, notify.NewAddress(d.Notify, "")); err != nil {
			return nil, usageError("reading --notify-webhook: %w", err)
		}
		if err := guardOf(cfg.Notify).Check(d.Notify); err != nil {
			return nil, usageError("reading --notify-webhook: a name other than localhost is taken by https:// alone; use the IP address: %w", err)
		}
	}
	if d.Broker == "" {
		cfg.MQTT.Listen = &config.Listen{Address: d.MQTT}
		return &cfg, nil
	}
	u, err := firmware.ParseBroker(d.Broker)
	if err != nil {
		return nil, usageError("reading --broker: %w", err)
	}
	b := config.Broker{ClientID: fmt.Sprintf("ganlin-demo-%d", d.Seed), Sources: []config.Source{{Codec: config.Native}}}
	for _, leaf := range devices.UpLeaves() {
		b.Sources[0].Topics = append(b.Sources[0].Topics, devices.Topic("+", leaf))
	}
	if u.User != nil {
		password, _ := u.User.Password()
		b.Username, b.Password = u.User.Username(), config.NewSecret(password)
		u.User = nil
	}
	b.URL = u.String()
	cfg.MQTT.Brokers = []config.Broker{b}
	return &cfg, nil
}

// networksOf returns the network of an address that the user has named and means,
// though it is not public: of an IP address it alone, of localhost this machine.
func networksOf(address string) []netip.Prefix {
	u, err := url.Parse(address)
	if err != nil {
		return nil
	}
	if u.Hostname() == "localhost" {
		return thisMachine()
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return nil
	}
	ip = ip.Unmap()
	return []netip.Prefix{netip.PrefixFrom(ip, ip.BitLen())}
}

// thisMachine are the networks that lead nowhere else.
func thisMachine() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}

// claim checks that the data folder holds this season, or makes it hold it.
func (d demoCommand) claim(f *folder) error {
	wanted := demoIdentity{d.Season, d.Days, d.Plots, d.Seed}
	name := f.file("demo.json")
	var kept demoIdentity
	switch err := readJSONFile(name, &kept); {
	case errors.Is(err, fs.ErrNotExist):
		if err := writeJSONFile(name, wanted); err != nil {
			return fmt.Errorf("keeping which season this is: %w", err)
		}
	case err != nil:
		return err
	case kept != wanted:
		return usageError("%s holds the season %q with seed %d, %d plots and %d days; ask for the same, or choose another --data",
			d.Data, kept.Season, kept.Seed, kept.Plots, kept.Days)
	}
	return nil
}

// link gives the village its way in.
func (d demoCommand) link(ctx context.Context, p *program, v *village.Village) (village.Link, error) {
	l := village.Link{
		Step:   village.API{URL: p.url(), Token: p.token, Client: http.DefaultClient, Logger: p.log},
		From:   p.tick(),
		Speed:  d.Speed,
		Linger: true,
		Keep:   func(_ time.Time, state []byte) error { return file.Replace(p.folder.file(villageFile), state) },
		Logger: p.log,
	}
	if d.Broker != "" {
		u, err := firmware.ParseBroker(d.Broker)
		if err != nil {
			return l, usageError("reading --broker: %w", err)
		}
		if user := u.User; user != nil {
			password, _ := user.Password()
			l.Credentials = func(devices.DeviceID) (string, string) { return user.Username(), password }
			u.User = nil
		}
		l.Broker = u
		return l, nil
	}
	secrets, err := p.demoCredentials(ctx)
	if err != nil {
		return l, err
	}
	l.Credentials = func(id devices.DeviceID) (string, string) { return string(id), secrets[id] }
	l.Broker = &url.URL{Scheme: "tcp", Host: p.server.MQTTAddress()}
	return l, nil
}

func readJSONFile(name string, v any) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	return nil
}

func writeJSONFile(name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return file.Replace(name, b)
}

// demoFolder is where the demo keeps its data unless told otherwise.
func demoFolder() (string, error) {
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "ganlin", "demo"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", usageError("there is no home folder; say where the data go with --data")
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Application Support", "ganlin", "demo"), nil
	}
	return filepath.Join(home, ".local", "share", "ganlin", "demo"), nil
}

// season tells the page how far the season has come.
type season struct {
	begin time.Time
	days  int
}

// day returns which day of the season at lies in, from 1; 0 without a season.
func (s season) day(at time.Time) int {
	if s.days == 0 || at.Before(s.begin) {
		return 0
	}
	return min(s.days, 1+int(at.Sub(s.begin).Hours()/24))
}
