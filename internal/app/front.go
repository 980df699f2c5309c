package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sys/unix"

	"ganlin/internal/broker"
	"ganlin/internal/config"
	"ganlin/internal/journal"
	"ganlin/internal/natsd"
)

// openFront starts the embedded server, opens the journal on it and prepares the sources.
func (p *program) openFront(ctx context.Context) error {
	c := p.o.config
	var listen natsd.MQTT
	if c.MQTT.Listen != nil {
		p.gate = broker.NewGate(broker.GateOptions{
			Check:      p.letsIn,
			OnPresence: p.present,
			Now:        func() time.Time { return p.clock.Now() },
			Logger:     p.log,
		})
		certificate, err := loadTLS(c.MQTT.Listen.TLS)
		if err != nil {
			return err
		}
		listen = natsd.MQTT{Address: c.MQTT.Listen.Address, TLS: certificate, Login: p.gate.Login, Forbidden: p.gate.Forbidden}
	}
	if err := p.loadProgress(ctx); err != nil {
		return err
	}
	prepared, err := journal.Prepare(ctx, p.journalFolder(), p.storeFolder(), p.log)
	if err != nil {
		return err
	}
	p.server, err = natsd.Start(ctx, natsd.Options{StoreDir: p.storeFolder(), MQTT: listen, Logger: p.log})
	if err != nil {
		return exitError{exitOutOfReach, err}
	}
	connected, err := p.connect(prepared)
	if err != nil {
		return err
	}
	p.journal, err = journal.Open(ctx, connected, journal.Options{
		Dir: p.journalFolder(), MaxBytes: c.Journal.MaxBytes, Kept: p.keptPositions(), Log: p.log,
		MinFree: minFree, FreeBytes: func() (int64, error) { return freeBytes(p.folder.path) },
		Wrote: func(_ int, took time.Duration) { p.metrics.commit.Observe(took.Seconds()) },
	})
	if err != nil {
		return err
	}
	if p.gate != nil {
		p.door = broker.New(p.server, p.gate)
	}
	for _, b := range c.MQTT.Brokers {
		if err := p.addBroker(b); err != nil {
			return err
		}
	}
	return nil
}

func (p *program) journalFolder() string { return p.folder.file("journal") }
func (p *program) storeFolder() string   { return filepath.Join(p.journalFolder(), "store") }

// minFree is what the disk must keep free for everything else that has to be
// written: the records store above all.
const minFree = 64 << 20

// connect connects the journal to the server, its readers apart from its writer.
func (p *program) connect(prepared *journal.Prepared) (journal.Server, error) {
	s := journal.Server{Prepared: prepared}
	var err error
	if s.Conn, err = p.server.Connect("journal", nats.NoReconnect()); err != nil {
		return s, err
	}
	s.Reads, err = p.server.Connect("journal-readers", nats.NoReconnect())
	return s, err
}

// keepJournal reopens the journal when its store has failed, until ctx ends.
func (p *program) keepJournal(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case cause := <-p.journal.Failed():
			p.log.Error("opening the journal again; nothing is acknowledged meanwhile", "cause", cause)
		}
		for pause := time.Second; ctx.Err() == nil; pause = min(2*pause, 15*time.Second) {
			err := p.reopenJournal(ctx)
			if err == nil {
				break
			}
			p.log.Error("opening the journal again", "error", err, "again_in_s", int(pause.Seconds()))
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
		}
	}
}

func (p *program) reopenJournal(ctx context.Context) error {
	if err := p.server.Stop(ctx); err != nil {
		return err
	}
	prepared, err := journal.Prepare(ctx, p.journalFolder(), p.storeFolder(), p.log)
	if err != nil {
		return err
	}
	if err := p.server.Restart(ctx); err != nil {
		return err
	}
	connected, err := p.connect(prepared)
	if err != nil {
		return err
	}
	return p.journal.Reopen(ctx, connected)
}

func loadTLS(files *config.TLS) (*tls.Config, error) {
	if files == nil {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(files.CertFile, files.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

func freeBytes(path string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, fmt.Errorf("asking %s: %w", path, err)
	}
	return int64(s.Bavail) * s.Bsize, nil //nolint:gosec // no disk is that large
}

// keepDoor opens the door, again after each restart of the server, until ctx ends.
func (p *program) keepDoor(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := p.door.Run(ctx, p.intake.Deliver); err != nil && ctx.Err() == nil {
			p.log.Error("door is closed", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	}
	return nil
}
