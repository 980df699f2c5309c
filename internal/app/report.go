package app

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"ganlin/devices"
	"ganlin/firmware-sim/village"
	"ganlin/internal/httpapi"
	"ganlin/internal/influx"
	"ganlin/rules"
	"ganlin/rules/risk"
)

// A seasonReport is what demo --once writes: what happened in a season, what was
// promised of it, and whether it was kept.
type seasonReport struct {
	Season     string `json:"season"`
	Days       int    `json:"days"`
	Plots      int    `json:"plots"`
	Seed       uint64 `json:"seed"`
	Devices    int    `json:"devices"`
	Households int    `json:"households"`

	Accounting seasonAccounting `json:"accounting"`
	Fleet      seasonFleet      `json:"fleet"`
	Influx     struct {
		Values int64 `json:"values"`
	} `json:"influx"`
	Alerts   seasonAlerts   `json:"alerts"`
	Commands seasonCommands `json:"commands"`
	Water    seasonWater    `json:"water"`
	Yield    seasonYield    `json:"yield"`
	Clues    seasonClues    `json:"clues"`
	Cases    struct {
		Identified int `json:"identified"`
		Persons    int `json:"persons"`
		Removed    int `json:"removed"`
	} `json:"cases"`
	Promises  []promise `json:"promises"`
	Decisions int       `json:"decisions"`
	SHA256    string    `json:"decisions_sha256"`

	WallS           float64 `json:"wall_s"`
	CPUS            float64 `json:"cpu_s"`
	PeakMemoryMiB   float64 `json:"peak_memory_mib"`
	ReadingsPerS    float64 `json:"readings_per_s"`
	FsyncsPerSecond float64 `json:"fsyncs_per_s"`

	twice    int                            // alerts raised that were raised already, or closed that were not
	droughts map[devices.PlotID][]time.Time // when an alert of drought was raised
}

type (
	seasonAccounting struct {
		Messages httpapi.Messages `json:"messages"`
		Values   httpapi.Values   `json:"values"`
	}
	seasonFleet struct {
		Published    int64 `json:"published"`
		Acknowledged int64 `json:"acknowledged"`
		Values       int64 `json:"values"`
	}
	seasonAlerts struct {
		Raised int            `json:"raised"`
		Closed int            `json:"closed"`
		ByRule map[string]int `json:"by_rule"`
	}
	seasonCommands struct {
		Sent         int     `json:"sent"`
		Confirmed    int     `json:"confirmed"`
		Expired      int     `json:"expired"`
		Failed       int     `json:"failed"`
		LongestOpenS float64 `json:"longest_open_s"`
		OverLimit    int     `json:"over_limit"`
	}
	seasonWater struct {
		AutomaticM3  float64 `json:"automatic_m3"`
		ManualM3     float64 `json:"manual_m3"`
		ByHoseM3     float64 `json:"by_hose_m3"`
		FullM3       float64 `json:"full_m3"`
		SavedPercent float64 `json:"saved_percent"`
	}
	seasonYield struct {
		Automatic float64 `json:"automatic"`
		Manual    float64 `json:"manual"`
		Full      float64 `json:"full"`
		Rainfed   float64 `json:"rainfed"`
	}
	seasonClues struct {
		Raised          int     `json:"raised"`
		Withdrawn       int     `json:"withdrawn"`
		Households      int     `json:"households"` // that ever had one
		RankCorrelation float64 `json:"rank_correlation"`
	}
	// A promise is held or not; counted is what was found and limit what it may be.
	promise struct {
		ID      string  `json:"id"`
		Held    bool    `json:"held"`
		Counted float64 `json:"counted"`
		Limit   float64 `json:"limit"`
	}
)

// quietPatience is how long a season may take to come to rest after its last day.
const quietPatience = 5 * time.Minute

// report waits until nothing is on its way and tells what the season came to.
func (p *program) report(ctx context.Context, d demoCommand, lived village.Report, began time.Time) (*seasonReport, error) {
	a, err := p.quiet(ctx)
	if err != nil {
		return nil, err
	}
	r := &seasonReport{Season: d.Season, Days: d.Days, Plots: d.Plots, Seed: d.Seed, Devices: len(p.registry.Load().Devices())}
	r.Accounting = seasonAccounting{a.Messages, a.Values}
	r.Fleet = seasonFleet{lived.Fleet.Published, lived.Fleet.Acknowledged, lived.Fleet.Values}
	client := influx.NewClient(p.endpoint, nil)
	defer client.Close()
	if r.Influx.Values, err = client.CountValues(ctx); err != nil {
		return nil, fmt.Errorf("counting the values in the database: %w", err)
	}
	if err := r.decided(ctx, p); err != nil {
		return nil, err
	}
	r.Commands.LongestOpenS, r.Commands.OverLimit = lived.Openings.LongestOpenS, lived.Openings.OverLimit
	r.Water, r.Yield = seasonWater(lived.Water), seasonYield(lived.Yield)
	r.rank(p, lived)
	r.Promises = r.judge(lived)
	r.WallS = time.Since(began).Seconds()
	r.CPUS, r.PeakMemoryMiB = spent()
	r.ReadingsPerS = float64(r.Fleet.Values) / r.WallS
	r.FsyncsPerSecond, err = syncsPerSecond(p.folder.path)
	return r, err
}

// quiet waits until every value has found its place and every decision is kept.
func (p *program) quiet(ctx context.Context) (httpapi.Accounting, error) {
	ctx, cancel := context.WithTimeout(ctx, quietPatience)
	defer cancel()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		a, quiet := p.accounting()
		if quiet && a.Values.Waiting == 0 && p.lags()[readerStore].records == 0 {
			return a, nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return a, fmt.Errorf("waiting for the last values: %w; %d wait", ctx.Err(), a.Values.Waiting)
		}
	}
}

// decided counts what the rules decided.
func (r *seasonReport) decided(ctx context.Context, p *program) error {
	r.Alerts.ByRule, r.droughts = map[string]int{}, map[devices.PlotID][]time.Time{}
	var digest rules.Digest
	homes, firing := map[string]bool{}, map[string]bool{}
	err := p.records.EachDecision(ctx, func(d devices.Decision) error {
		switch d.Kind {
		case devices.AlertDecision:
			episode := d.Rule + " " + d.Subject
			switch d.Outcome {
			case "firing":
				r.Alerts.Raised++
				r.Alerts.ByRule[d.Rule]++
				if firing[episode] {
					r.twice++
				}
				firing[episode] = true
				if d.Rule == droughtRule {
					r.droughts[d.Plot] = append(r.droughts[d.Plot], d.At)
				}
			case "resolved":
				r.Alerts.Closed++
				if !firing[episode] {
					r.twice++
				}
				firing[episode] = false
			}
		case devices.CommandDecision:
			switch d.Outcome {
			case "open", "close":
				r.Commands.Sent++
			case "confirmed":
				r.Commands.Confirmed++
			case "expired":
				r.Commands.Expired++
			case "failed", "rejected", "unknown":
				r.Commands.Failed++
			}
		case devices.ClueDecision:
			switch d.Outcome {
			case "raised":
				r.Clues.Raised++
				homes[d.Subject] = true
			case "withdrawn":
				r.Clues.Withdrawn++
			}
		}
		return digest.Add(d)
	})
	if err != nil {
		return fmt.Errorf("reading the decisions: %w", err)
	}
	r.Decisions, r.SHA256, r.Clues.Households = digest.Number(), digest.Sum(), len(homes)
	return nil
}

// rank compares the losses that the rules projected with those that the fields really had.
func (r *seasonReport) rank(p *program, lived village.Report) {
	var projected, real []float64
	for _, s := range p.engine.Views().Sites {
		for _, h := range s.Households {
			r.Households++
			if truth, ok := lived.Losses[h.ID]; ok && h.Clue.Loss.Mid != nil {
				projected, real = append(projected, *h.Clue.Loss.Mid), append(real, truth)
			}
		}
	}
	if len(real) > 1 {
		r.Clues.RankCorrelation = risk.RankCorrelation(projected, real)
	}
}

// judge says of each promise whether it was kept, from the simulator's own record where it has one.
func (r *seasonReport) judge(lived village.Report) []promise {
	none := func(id string, counted int64) promise {
		return promise{ID: id, Held: counted == 0, Counted: float64(counted)}
	}
	m, v := r.Accounting.Messages, r.Accounting.Values
	return []promise{
		none("acknowledged_stored", abs(lived.Fleet.Values-(v.Stored+v.Duplicate+v.Rejected))+lived.Fleet.Waiting),
		none("messages_conserved", abs(m.Received-m.Decoded-m.DeadLettered)),
		none("values_conserved", abs(v.Decoded-v.Stored-v.Duplicate-v.Rejected-v.Waiting)+v.Waiting),
		none("database_equals_stored", abs(r.Influx.Values-v.Stored)),
		none("max_open", int64(lived.Openings.OverLimit)),
		none("no_late_open", int64(lived.Openings.Late)),
		none("one_alert_an_episode", int64(r.twice+repeated(r.droughts, lived.Wetted))),
	}
}

// droughtRule tells of episodes that the simulator knows: a drought ends by water, and by nothing else.
const droughtRule = "drought"

// repeated counts the droughts that were told again although nothing had wetted
// the plot since they were told before. Wetted holds local days at their midnight.
func repeated(droughts, wetted map[devices.PlotID][]time.Time) (n int) {
	const day = 24 * time.Hour
	for plot, raised := range droughts {
		for i := 1; i < len(raised); i++ {
			between := func(d time.Time) bool { return d.Add(day).After(raised[i-1]) && d.Before(raised[i]) }
			if !slices.ContainsFunc(wetted[plot], between) {
				n++
			}
		}
	}
	return n
}

func abs(n int64) int64 { return max(n, -n) }

// kept reports whether every promise was held.
func (r *seasonReport) kept() bool {
	for _, p := range r.Promises {
		if !p.Held {
			return false
		}
	}
	return true
}

// spent is the processor time and the largest memory of this process and its children.
func spent() (cpuS, peakMiB float64) {
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) == nil {
			cpuS += float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
			if who == syscall.RUSAGE_SELF {
				peakMiB = float64(u.Maxrss) / 1024
			}
		}
	}
	return cpuS, peakMiB
}

// syncsPerSecond measures how often a second the disk under a folder syncs, alone.
func syncsPerSecond(folder string) (float64, error) {
	f, err := os.Create(filepath.Join(folder, "fsync.tmp"))
	if err != nil {
		return 0, fmt.Errorf("measuring the disk: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	defer func() { _ = f.Close() }()
	block := make([]byte, 4096)
	const measured = 300 * time.Millisecond
	began, n := time.Now(), 0
	for time.Since(began) < measured {
		if _, err := f.WriteAt(block, 0); err != nil {
			return 0, fmt.Errorf("measuring the disk: %w", err)
		}
		if err := f.Sync(); err != nil {
			return 0, fmt.Errorf("measuring the disk: %w", err)
		}
		n++
	}
	return float64(n) / time.Since(began).Seconds(), nil
}

// print tells a person what the season came to.
func (r *seasonReport) print(out io.Writer) {
	_, _ = fmt.Fprintf(out, "season %s, %d days, %d plots, seed %d: %d values of %d messages, %d alerts, %d openings confirmed, %d clues\n",
		r.Season, r.Days, r.Plots, r.Seed, r.Accounting.Values.Stored, r.Accounting.Messages.Received, r.Alerts.Raised, r.Commands.Confirmed, r.Clues.Raised)
	_, _ = fmt.Fprintf(out, "water    %8.0f m3 automatic, %.0f by calendar (%.0f %% saved), %.0f by hose, %.0f never stressed\n",
		r.Water.AutomaticM3, r.Water.ManualM3, r.Water.SavedPercent, r.Water.ByHoseM3, r.Water.FullM3)
	_, _ = fmt.Fprintf(out, "yield    %8.3f automatic, %.3f by calendar, %.3f rainfed; rank correlation of losses %.2f\n",
		r.Yield.Automatic, r.Yield.Manual, r.Yield.Rainfed, r.Clues.RankCorrelation)
	for _, p := range r.Promises {
		held := "held"
		if !p.Held {
			held = "BROKEN"
		}
		_, _ = fmt.Fprintf(out, "promise  %-24s %s (%g, at most %g)\n", p.ID, held, p.Counted, p.Limit)
	}
	_, _ = fmt.Fprintf(out, "%d decisions, sha256 %s\n%.1f s, %.1f s of processor, %.0f MiB at the most; the disk syncs %.0f times a second\n",
		r.Decisions, r.SHA256, r.WallS, r.CPUS, r.PeakMemoryMiB, r.FsyncsPerSecond)
}
