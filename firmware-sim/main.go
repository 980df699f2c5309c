// Command firmware-sim is a fleet of virtual devices for any MQTT broker.
//
// With --api it drives a `ganlin serve --step` through a season, hour by hour;
// without it the devices live on the wall clock until the end of --duration or Ctrl-C.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"ganlin/devices"
	"ganlin/firmware-sim/field"
	"ganlin/firmware-sim/firmware"
	"ganlin/firmware-sim/village"
)

// What the program exits with.
const (
	exitDone        = 0
	exitFailed      = 1 // something is still without a PUBACK, or the receiver refuses
	exitUsage       = 2
	exitUnreachable = 3
)

type flags struct {
	Broker        string        `help:"Where the devices connect, such as tcp://127.0.0.1:1883."`
	API           string        `help:"Drive the 'ganlin serve --step' that answers here, such as http://127.0.0.1:8080." name:"api" and:"step"`
	TokenFile     string        `help:"The operator's bearer token for --api." type:"existingfile" and:"step"`
	Credentials   string        `help:"Output of 'ganlin devices import --json'; without it devices connect anonymously." type:"existingfile"`
	WriteRegistry string        `help:"Write the registry of these devices to a file; without --broker, do nothing else." type:"path"`
	Devices       int           `help:"That many soil probes and nothing else."`
	Season        string        `help:"A village in a season: drought, normal, wet, or a CSV file with observed weather."`
	Days          int           `help:"Length of the season." default:"120"`
	Plots         int           `help:"Plots of the village." default:"40"`
	Seed          uint64        `help:"Everything random comes from it." default:"1"`
	Speed         float64       `help:"With --api, simulated seconds in a second at most; 0: as fast as it can." default:"0"`
	Every         time.Duration `help:"Without --api, the interval between a device's readings." default:"10s"`
	Duration      time.Duration `help:"Without --api, when to end; 0: at Ctrl-C." default:"0"`
	Faults        bool          `help:"Devices drop, repeat, delay and break messages and lose the network now and then."`
	JSON          bool          `help:"Print the counts as JSON." name:"json"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program with its world passed in; it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var f flags
	helped := false
	parser, err := kong.New(&f, kong.Name("firmware-sim"), kong.Writers(stdout, stderr), kong.Exit(func(int) { helped = true }),
		kong.Description("Virtual soil probes, weather stations and valves that speak MQTT."))
	if err != nil {
		_, _ = fmt.Fprintln(stderr, err)
		return exitFailed
	}
	_, err = parser.Parse(args)
	switch {
	case helped:
		return exitDone
	case err == nil:
		err = f.check()
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "firmware-sim: %v\n", err)
		return exitUsage
	}
	err = f.run(ctx, stdout, slog.New(slog.NewTextHandler(stderr, nil)))
	var code exitError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &code):
		_, _ = fmt.Fprintf(stderr, "firmware-sim: %v\n", code.err)
		return code.code
	default:
		_, _ = fmt.Fprintf(stderr, "firmware-sim: %v\n", err)
		return exitFailed
	}
}

// An exitError is an error with an exit code of its own.
type exitError struct {
	code int
	err  error
}

func (e exitError) Error() string { return e.err.Error() }

func (f flags) check() error {
	switch {
	case f.Broker == "" && f.WriteRegistry == "":
		return errors.New("one of --broker and --write-registry is needed")
	case (f.Devices > 0) == (f.Season != ""):
		return errors.New("either --devices or --season is needed")
	case f.API != "" && f.Season == "":
		return errors.New("--api drives a --season")
	case f.Every <= 0 || f.Days <= 0 || f.Plots <= 0 || f.Devices < 0 || f.Speed < 0 || f.Duration < 0:
		return errors.New("a number is below what it may be")
	}
	return nil
}

func (f flags) run(ctx context.Context, stdout io.Writer, log *slog.Logger) error {
	v, err := village.New(f.options())
	if err != nil {
		return exitError{exitUsage, err}
	}
	if f.WriteRegistry != "" {
		if err := writeRegistry(f.WriteRegistry, v.Registry); err != nil {
			return err
		}
	}
	if f.Broker == "" {
		return nil
	}
	link, err := f.link(ctx, log)
	if err != nil {
		return err
	}
	var r village.Report
	if f.API == "" {
		if f.Duration > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, f.Duration)
			defer cancel()
		}
		r = v.Live(ctx, link, f.Every)
	} else if r, err = f.drive(ctx, v, link, log); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	if err := f.print(stdout, r); err != nil {
		return err
	}
	if r.Fleet.Waiting > 0 && !f.Faults { // with faults a device may be cut off just now
		return fmt.Errorf("%d readings and reports have no PUBACK", r.Fleet.Waiting)
	}
	return nil
}

func (f flags) options() village.Options {
	o := village.Options{Season: field.Season(f.Season), Days: f.Days, Plots: f.Plots, Seed: f.Seed}
	if f.Devices > 0 {
		o.Plots, o.ProbesOnly = f.Devices, true
	}
	if f.API == "" && f.Broker != "" {
		o.Start = time.Now().UTC()
	}
	if f.Faults {
		o.Faults = firmware.OrdinaryFaults()
	} else {
		o.Faults.Noise = 1
	}
	return o
}

// link reads what is needed to reach the broker and sees that somebody listens there.
func (f flags) link(ctx context.Context, log *slog.Logger) (village.Link, error) {
	broker, err := firmware.ParseBroker(f.Broker)
	if err != nil {
		return village.Link{}, exitError{exitUsage, err}
	}
	credentials, err := readCredentials(f.Credentials)
	if err != nil {
		return village.Link{}, exitError{exitUsage, err}
	}
	if err := reachable(ctx, broker); err != nil {
		return village.Link{}, exitError{exitUnreachable, err}
	}
	return village.Link{Broker: broker, Credentials: credentials, Speed: f.Speed, Logger: log}, nil
}

func reachable(ctx context.Context, broker *url.URL) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", broker.Host)
	if err != nil {
		return fmt.Errorf("reaching the broker: %w", err)
	}
	return conn.Close()
}

// drive steps the receiver through what is left of the season.
func (f flags) drive(ctx context.Context, v *village.Village, link village.Link, log *slog.Logger) (village.Report, error) {
	token, err := os.ReadFile(f.TokenFile)
	if err != nil {
		return village.Report{}, exitError{exitUsage, fmt.Errorf("reading the token: %w", err)}
	}
	if err := answers(ctx, f.API); err != nil {
		return village.Report{}, exitError{exitUnreachable, err}
	}
	api := village.API{URL: strings.TrimRight(f.API, "/"), Token: strings.TrimSpace(string(token)), Client: new(http.Client), Logger: log}
	if link.From, err = api.Tick(ctx); err != nil {
		return village.Report{}, fmt.Errorf("asking the receiver for its last tick: %w", err)
	}
	link.Step = api
	return v.Run(ctx, link)
}

// answers sees that there is a program behind the URL, be it ready or not.
func answers(ctx context.Context, api string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, api, http.NoBody)
	if err != nil {
		return fmt.Errorf("reaching the API: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("reaching the API: %w", err)
	}
	return resp.Body.Close()
}

func (f flags) print(w io.Writer, r village.Report) error {
	if f.JSON {
		return json.NewEncoder(w).Encode(r)
	}
	c := r.Fleet
	_, err := fmt.Fprintf(w, "published %d, acknowledged %d, values %d, broken %d, duplicates %d, late %d, overwritten %d, waiting %d\n",
		c.Published, c.Acknowledged, c.Values, c.Broken, c.Duplicates, c.Late, c.Overwritten, c.Waiting)
	return err
}

func writeRegistry(path string, r village.Registry) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("creating the registry file: %w", err)
	}
	return errors.Join(r.WriteYAML(file), file.Close())
}

// readCredentials reads what `ganlin devices import --json` prints; without a file everybody is anonymous.
func readCredentials(path string) (func(devices.DeviceID) (string, string), error) {
	if path == "" {
		return nil, nil //nolint:nilnil // no credentials are no error
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the credentials: %w", err)
	}
	var list []struct {
		Device   devices.DeviceID `json:"device"`
		Username string           `json:"username"`
		Password string           `json:"password"`
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("reading the credentials in %s: %w", path, err)
	}
	type login struct{ username, password string }
	logins := make(map[devices.DeviceID]login, len(list))
	for _, c := range list {
		logins[c.Device] = login{c.Username, c.Password}
	}
	return func(id devices.DeviceID) (string, string) { return logins[id].username, logins[id].password }, nil
}
