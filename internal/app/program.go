package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"ganlin/dashboards"
	"ganlin/devices"
	"ganlin/docs"
	"ganlin/ingest"
	"ganlin/internal/auth"
	"ganlin/internal/broker"
	"ganlin/internal/config"
	"ganlin/internal/engine"
	"ganlin/internal/httpapi"
	"ganlin/internal/influx"
	"ganlin/internal/influx/influxd"
	"ganlin/internal/journal"
	"ganlin/internal/lobby"
	"ganlin/internal/mqtt"
	"ganlin/internal/natsd"
	"ganlin/internal/notify"
	"ganlin/internal/now"
	"ganlin/internal/records"
	"ganlin/internal/registry"
	"ganlin/internal/rulefile"
	"ganlin/internal/seal"
	"ganlin/internal/signals"
	"ganlin/internal/valves"
)

// programOptions say what to run.
type programOptions struct {
	config  *config.Config
	files   []*registry.File   // what the configuration declares
	village *registry.Registry // what the demo declares, imported at its first start; else nil
	step    bool               // time comes from outside
	start   time.Time          // in step mode: where time begins in an empty journal
	season  season
	claim   func(*folder) error // refuses a data folder that holds something else; may be nil
	ready   string              // file to write once ready; empty: none
	log     *slog.Logger
	hooks   hooks
}

// hooks let a test put something of its own between two parts.
type hooks struct {
	journal func(ingest.Journal) ingest.Journal       // between intake and journal
	batch   func([]*journal.Record) []*journal.Record // between journal and database
	notices func(notify.Store) notify.Store           // between outbox and records store
	started func(*program)
}

// A program is Ganlin running on a data folder.
type program struct {
	o          programOptions
	log        *slog.Logger
	folder     *folder
	token      string
	clock      ingest.Clock
	metrics    *metrics
	book       *auth.Book
	guard      *auth.Guard
	router     *router
	pages      *dashboards.Pages
	acts       *httpapi.Once     // of the pages' forms
	demoTokens map[string]string // of the demo's accounts; else nil

	records  *records.Store
	secrets  *records.Secrets
	registry atomic.Pointer[registry.Registry]

	server  *natsd.Server
	journal *journal.Journal
	gate    *broker.Gate // nil without an embedded listener
	door    *broker.Door
	brokers []*externalBroker
	intake  *ingest.Intake

	child  *influxd.Child // nil when the configuration names a database
	writer *influx.Writer
	store  *storeReader
	dead   *deadReader
	now    *now.State
	recent *nowReader
	kept   map[string]keptProgress // by reader

	rules    *rulefile.Set
	engine   *engine.Engine
	handled  moment // of the engine
	valves   *valves.Courier
	notices  *notices
	notes    *seal.Seal // of what people write about clues; nil: its key is lost
	feed     *signals.Feed
	sender   *signals.Sender
	views    viewCache
	history  *influx.Client             // reads what the writer wrote
	lastStop atomic.Pointer[stopReport] // nil: none is in force
	asked    bool                       // the valves have been asked how they stand; of the one step at a time

	recordsTrouble trouble
	stopping       sync.Mutex // the file that keeps an emergency stop
	registering    sync.Mutex // a change of the registry
	leaving        departures
	saying         sync.Mutex
	said           devices.Version // in the journal, by this process; zero: none
	saidAt         time.Time

	step        *stepper // nil on the wall clock
	http        *http.Server
	certificate *certificate // of the pages; nil: they speak no TLS
	listens     net.Listener
}

// openProgram opens everything that keeps something on disk, in the order in
// which one needs the other. Nothing runs yet.
func openProgram(ctx context.Context, o programOptions) (*program, error) {
	p := &program{o: o, log: o.log, metrics: newMetrics(), clock: wallClock{}, now: now.New(now.Options{MaxValues: ingest.MaxSeries})}
	if err := p.open(ctx); err != nil {
		p.close(context.WithoutCancel(ctx))
		return nil, err
	}
	return p, nil
}

func (p *program) open(ctx context.Context) (err error) {
	o := p.o
	if p.folder, err = openFolder(o.config.Data); err != nil {
		return err
	}
	if o.ready != "" { // of an earlier run
		if err = os.Remove(o.ready); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing the file of --ready: %w", err)
		}
	}
	if o.claim != nil {
		if err = o.claim(p.folder); err != nil {
			return err
		}
	}
	if p.token, err = p.folder.token(); err != nil {
		return err
	}
	if p.records, err = openRecords(ctx, o.config); err != nil {
		return err
	}
	if p.secrets, err = p.records.Secrets(ctx); err != nil {
		return err
	}
	if err = p.openRegistry(ctx); err != nil {
		return err
	}
	if err = p.openAccess(ctx); err != nil {
		return err
	}
	if err = p.openDemoAccounts(ctx); err != nil {
		return err
	}
	if err = p.openFront(ctx); err != nil {
		return err
	}
	if err = p.openReaders(ctx); err != nil {
		return err
	}
	if o.step {
		tick := p.tick()
		if tick.IsZero() {
			tick = o.start
		}
		p.step = newStepper(p, tick)
		p.clock = p.step.clock
	}
	if p.door != nil {
		p.nobodyIsConnected()
	}
	j := ingest.Journal(p.journal)
	if o.hooks.journal != nil {
		j = o.hooks.journal(j)
	}
	if err = p.openNotices(ctx); err != nil {
		return err
	}
	p.openNotes(ctx)
	if err = p.openSignals(ctx); err != nil {
		return err
	}
	if err = p.openEngine(ctx); err != nil {
		return err
	}
	p.intake = ingest.NewIntake(ingest.IntakeOptions{Journal: j, Locator: p, Clock: p.clock, Series: p.series(), Log: p.log})
	return p.openHTTP()
}

// run runs the program, and more stages behind it, until ctx ends.
func (p *program) run(ctx context.Context, more ...stage) error {
	stages := []stage{{"memory", p.freeMemory}, {"journal", p.keepJournal}, {"journal's store", p.verifyJournal}, {"journal's length", p.purgeJournal}}
	if p.child != nil {
		stages = append(stages, stage{"InfluxDB", p.child.Run})
	}
	stages = append(stages,
		stage{"database", p.writer.Run},
		stage{"waiting values", p.store.walk},
		stage{"store", p.store.run},
		stage{"dead letters", p.dead.run},
		stage{"room for dead letters", p.trimLetters},
		stage{"latest values", p.recent.run},
		stage{"valves", p.valves.Run},
		stage{"emergency stop", p.stopAgain},
		stage{"departures", p.sendAway},
		stage{"messages to farmers", p.notices.outbox.Run},
		stage{"rules", p.engine.Run},
		stage{"webhooks", p.sender.Run},
		stage{"intake", p.intake.Run},
	)
	if p.door != nil {
		stages = append(stages, stage{"door", p.keepDoor})
	}
	for _, b := range p.brokers {
		stages = append(stages, stage{"broker " + b.url, func(ctx context.Context) error { return b.source.Run(ctx, p.intake.Deliver) }})
	}
	if p.step == nil {
		stages = append(stages, stage{"clock", p.tickByTheWall})
	}
	stages = append(stages, stage{"pages", p.serveHTTP}, stage{"readiness", p.announce})
	stages = append(stages, more...)
	if p.o.hooks.started != nil {
		p.o.hooks.started(p)
	}
	err := runStages(ctx, stages)
	p.close(context.WithoutCancel(ctx))
	return err
}

// close closes what openProgram opened, in reverse order. What was not opened is passed over.
func (p *program) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	var errs []error
	if p.listens != nil {
		_ = p.listens.Close() // the server has closed it already, unless it never ran
	}
	if p.writer != nil {
		p.writer.Close()
	}
	if p.history != nil {
		p.history.Close()
	}
	if p.journal != nil {
		errs = append(errs, p.journal.Close(ctx))
	}
	if p.server != nil {
		errs = append(errs, p.server.Stop(ctx))
	}
	if p.records != nil {
		errs = append(errs, p.records.Close())
	}
	if p.folder != nil {
		errs = append(errs, p.folder.close())
	}
	if err := errors.Join(errs...); err != nil {
		p.log.Error("closing", "error", err)
	}
}

// series returns a function that tells which series a device had before this
// start: the latest values know every one, for they hold as many as a device may have.
func (p *program) series() func(devices.DeviceID) []devices.Key {
	before := p.now.Snapshot()
	return func(id devices.DeviceID) (keys []devices.Key) {
		if d, ok := before.Device(id); ok {
			for _, v := range d.Values {
				keys = append(keys, v.Key)
			}
		}
		return keys
	}
}

// Locate tells where the readings of a device belong. A valve that has left the
// registry is heard as long as it may be open.
func (p *program) Locate(id devices.DeviceID) (devices.Location, bool) {
	if where, declared := p.registry.Load().Locate(id); declared {
		return where, true
	}
	return p.departs(id)
}

func (p *program) openHTTP() error {
	listener, err := net.Listen("tcp", p.o.config.HTTP.Listen) //nolint:noctx // it returns at once
	if err != nil {
		return exitError{exitOutOfReach, fmt.Errorf("listening for pages: %w; choose another address with --http or http.listen", err)}
	}
	p.listens = lobby.Open(listener.(*net.TCPListener), p.bounds())
	pages, err := dashboards.New(dashboards.Options{
		Source: pageSource{p}, Fields: p.fieldSource(), Homes: homeSource{p}, Errands: errandSource{p}, Operations: p.operationsSource(), Runbooks: docs.Runbooks,
		Viewer: p.viewer, Log: p.log, Now: p.clock.Now, LookAs: p.lookAsLinks(),
	})
	if err != nil {
		return err
	}
	p.pages, p.acts = pages, &httpapi.Once{Answers: actAnswers{p.records}, Log: p.log}
	p.metrics.registry.MustRegister(p)
	p.router = newRouter(p.guard, p.openTo)
	api, err := p.openAPI(http.HandlerFunc(pages.Live))
	if err != nil {
		return err
	}
	for _, pattern := range []string{"/api/", "/healthz", "/readyz", "/metrics"} {
		p.router.mux.Handle(pattern, api)
	}
	p.router.mux.Handle("/", p.router.require(string(auth.Open), http.HandlerFunc(pages.Nothing)))
	pages.Register(p.router)
	p.router.HandleFunc("POST /my", homeSource{p}.act)
	p.router.HandleFunc("POST /clues/{id}", errandSource{p}.act(pages))
	p.openOperations()
	p.router.HandleFunc("POST /plots/{id}", p.actByForm)
	p.openSignIn(pages)
	if err = p.router.complete(); err != nil {
		return err
	}
	p.http = &http.Server{
		Handler: p.secured(p.router.mux), ReadHeaderTimeout: headPatience, ReadTimeout: readPatience, WriteTimeout: writePatience, IdleTimeout: idlePatience,
		ErrorLog: slog.NewLogLogger(p.log.Handler(), slog.LevelWarn),
	}
	return p.openTLS()
}

func (p *program) serveHTTP(ctx context.Context) error {
	var closing sync.WaitGroup
	defer closing.Wait()
	stop := context.AfterFunc(ctx, func() {
		closing.Add(1)
		defer closing.Done()
		_ = p.http.Close() // live pages never end by themselves; they connect again
	})
	defer stop()
	serve := p.http.Serve
	if p.http.TLSConfig != nil {
		serve = func(l net.Listener) error { return p.http.ServeTLS(l, "", "") }
	}
	if err := serve(p.listens); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// An externalBroker is a source over a broker of another maker and how its connection is.
type externalBroker struct {
	url    string
	source *mqtt.Source
	down   atomic.Pointer[time.Time] // since when it is lost; nil while connected
}

func (b *externalBroker) lost() (since time.Time, lost bool) {
	if t := b.down.Load(); t != nil {
		return *t, true
	}
	return time.Time{}, false
}
