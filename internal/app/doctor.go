package app

import (
	"context"
	"encoding/json"
	"fmt"

	"ganlin/internal/config"
)

type doctorCommand struct {
	where
}

// A finding is what the doctor says of one part.
type finding struct {
	Part       string `json:"part"`
	OK         bool   `json:"ok"`
	OutOfReach bool   `json:"out_of_reach,omitempty"` // it did not answer; else it did, badly
	Says       string `json:"says"`
	Keeps      string `json:"keeps,omitempty"` // what the part can and cannot keep
	Mend       string `json:"mend,omitempty"`
}

// Run probes each part, of the running program where there is one, and says
// what it can and cannot keep and how to mend what is wrong.
func (d doctorCommand) Run(ctx context.Context, c console) error {
	cfg, err := d.open(c)
	if err != nil {
		return err
	}
	r, err := running(cfg.Data)
	if err != nil {
		return err
	}
	findings := []finding{examineDisk(cfg.Data), examineClock()}
	switch {
	case r != nil:
		findings = append(findings, examineRunning(ctx, r)...)
	case d.Config == "" && haveRecords(cfg) != nil: // a typing error; nothing is looked for there, nor made
		return report(c, []finding{{Part: "folder", Says: haveRecords(cfg).Error()}}, d.JSON)
	default:
		findings = append(findings, d.examineStopped(ctx, cfg)...)
	}
	return report(c, append(findings, examineConfigured(ctx, cfg)...), d.JSON)
}

// examineStopped looks at what a program that does not run has left, while it keeps others away from it.
func (d doctorCommand) examineStopped(ctx context.Context, cfg *config.Config) []finding {
	findings := []finding{{
		Part: "program", OutOfReach: true, Says: "no program runs on " + cfg.Data, Mend: "start it with ganlin serve --config FILE, or ganlin demo",
	}}
	if d.Config != "" {
		findings = append(findings, examineAddress("pages", cfg.HTTP.Listen))
		if cfg.MQTT.Listen != nil {
			findings = append(findings, examineAddress("broker", cfg.MQTT.Listen.Address))
		}
	}
	if has, err := keepsRecords(cfg); err != nil {
		return append(findings, finding{Part: "records", Says: err.Error(), Mend: "let the configuration name the records of this data folder"})
	} else if !has {
		return append(findings, examineNewRecords(ctx, cfg))
	}
	f, err := openFolder(cfg.Data)
	if err != nil {
		return append(findings, finding{Part: "folder", OutOfReach: true, Says: err.Error(), Mend: "a program starts or ends there: ask again"})
	}
	defer func() { _ = f.close() }()
	s, found := examineRecords(ctx, cfg)
	findings = append(findings, found)
	if s != nil {
		defer func() { _ = s.Close() }()
		if d.Data == "" { // else what a configuration declares is not known
			findings = append(findings, examineDevices(registrarOf(cfg, s).List(ctx)))
		}
		findings = append(findings, examineJournal(ctx, f, s))
	}
	if cfg.Influx == nil {
		findings = append(findings, examineLocalDatabase(f.file("influx")))
	}
	return findings
}

// report prints the findings. What was probed and is wrong counts more than what did not answer.
func report(c console, findings []finding, asJSON bool) error {
	wrong, away := false, false
	for _, f := range findings {
		wrong = wrong || !f.OK && !f.OutOfReach
		away = away || !f.OK && f.OutOfReach
	}
	if asJSON {
		if err := json.NewEncoder(c.out).Encode(findings); err != nil {
			return err
		}
	} else {
		for _, f := range findings {
			mark := "ok  "
			if !f.OK {
				mark = "BAD "
			}
			_, _ = fmt.Fprintf(c.out, "%s %-10s %s\n", mark, f.Part, f.Says)
			if f.Keeps != "" {
				_, _ = fmt.Fprintf(c.out, "     %-10s keeps: %s\n", "", f.Keeps)
			}
			if f.Mend != "" {
				_, _ = fmt.Fprintf(c.out, "     %-10s mend: %s\n", "", f.Mend)
			}
		}
	}
	switch {
	case wrong:
		return errCheckFailed
	case away:
		return errOutOfReach
	}
	return nil
}
