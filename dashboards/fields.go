package dashboards

import (
	"context"
	"errors"
	"time"

	"ganlin/devices"
)

// ErrNothing says that there is no such thing, or none that this person may see.
var ErrNothing = errors.New("there is no such thing")

// Fields tell the agronomist's pages how plots stand and how they came to stand
// so. What a method returns is what the person of its context may see. The
// methods may be called from any goroutine.
type Fields interface {
	// Land returns the plots of the present, from memory. Nobody changes it afterwards.
	Land(ctx context.Context) Land
	// Field returns one plot, or ErrNothing.
	Field(ctx context.Context, id devices.PlotID) (Field, error)
	// Past returns what was measured and decided of a plot from a time until now. What
	// cannot be read is missing and said in its troubles.
	Past(ctx context.Context, f Field, since time.Time, every time.Duration) Past
	// Decision returns a decision by its id or the beginning of one, or ErrNothing.
	Decision(ctx context.Context, id string) (Decided, error)
}

// Land is every plot of some sites.
type Land struct {
	At       time.Time // what is known up to then; zero: nothing is decided yet
	Sites    []Village // in the order of the registry
	Stations []Mast
	Fields   []*Field // in the order of the registry
}

// A Village is one site.
type Village struct {
	ID   devices.SiteID
	Name string         // of its place; empty: its id stands for it
	Zone *time.Location // in which its times are shown
}

// A Mast is where a weather station stands.
type Mast struct {
	ID                  devices.StationID
	Latitude, Longitude float64
}

// A Field is one plot as an agronomist reads it. What is nil is not known.
type Field struct {
	devices.Plot

	Grade        Grade // empty: nobody judges it
	WhyUnknown   []string
	Stage        string
	CropDay      int
	RSMPct       *float64
	DepletionMM  *float64
	RAWMM, TAWMM float64 // 0: not known
	DaysToStress *float64
	Advice       Advice

	FieldCapacity, WiltingPoint float64 // m3/m3; 0: not known

	WateredWeekMM *float64 // net, of 7 days
	RainWeekMM    *float64 // of 7 days
	Taps          []Valve
	Acts          []HomeTap // the same for whoever may open and close them; of a plot's own page alone
	Probes        []devices.DeviceID
	ProbeAge      *time.Duration // of the newest good soil moisture; nil: none yet
}

// Advice is what is to be done about a plot's water. The fields that its code does not name are empty.
type Advice struct {
	Code  AdviceCode
	Why   string        // of held, and season_over of no_need: a code of the catalogue
	MM    float64       // of water, itself and held: how much is to leave the valve
	From  time.Time     // of water and itself: when it may begin
	Lasts time.Duration // of water and itself, of all of it; 0: not known
	Cubic float64       // of water, itself and held: cubic metres; 0: not known
	Until time.Time     // of watering: when it ends; of no_need: about when it will be needed; zero: not known
}

// An AdviceCode says in one word what to do. Empty: nothing is judged yet.
type AdviceCode string

// What to do, the most pressing first.
const (
	AdviseWater    AdviceCode = "water"         // a person should water it
	AdviseHeld     AdviceCode = "held"          // it needs water, and something keeps its valve shut
	AdviseLook     AdviceCode = "unknown"       // nobody knows how dry it is: somebody should look
	AdviseItself   AdviceCode = "waters_itself" // its valve will open by itself
	AdviseWatering AdviceCode = "watering"      // a valve of it is open
	AdviseNothing  AdviceCode = "no_need"
)

// The Past of a plot.
type Past struct {
	Moisture  []Moisture // by depth
	Days      []Day      // by time; a day that could not be worked out is missing
	Openings  []Opening  // that began in it, by time
	Decisions []devices.Decision

	NoSeries    error // the database did not answer: Moisture, Days and Openings are empty
	NoDecisions error // likewise of the records
}

// Moisture is what one probe measured at one depth.
type Moisture struct {
	Device         devices.DeviceID
	DepthCM, Index string // Index: the channel where a device has several of that depth
	At             []time.Time
	Water          []float64 // m3/m3, the mean around At
}

// A Day is a plot's water balance from one local midnight to the next. What is nil is not known.
type Day struct {
	Begin                time.Time
	DepletionMM          *float64 // at its end, as RAW and TAW
	RAWMM, TAWMM         *float64
	RainMM, IrrigationMM *float64
}

// An Opening is one watering by one valve.
type Opening struct {
	At         time.Time
	Valve      devices.DeviceID
	CommandedL *float64
	DeliveredL *float64 // nil: no meter
}

// A Decided is a decision with what its explanation needs.
type Decided struct {
	devices.Decision
	PlotName string
	Zone     *time.Location
}
