package dashboards

import (
	"context"
	"net/http"
	"time"

	"ganlin/dashboards/words"
	"ganlin/devices"
)

// Errands tell the grid worker's pages of the clues within reach of whoever
// asks. The methods may be called from any goroutine.
type Errands interface {
	// Errands returns the clues that somebody has something to do about, or those
	// that are done with, the most urgent first: at most limit, from a place in that order on.
	Errands(ctx context.Context, done bool, from, limit int) (ErrandList, error)
	// Errand returns one clue with its evidence and its history, or ErrNothing.
	Errand(ctx context.Context, id string) (Errand, error)
}

// An ErrandList is a page of clues.
type ErrandList struct {
	At      time.Time // what is known up to then; zero: nothing is decided yet
	Zone    *time.Location
	Total   int // on all pages
	Errands []Errand
}

// An Errand is a clue as the person sees it who has to go there. Its level is
// "none" when the rules have withdrawn it.
type Errand struct {
	Clue
	Household string         // opaque
	Place     string         // its name; of one without a name its code
	Zone      *time.Location // nil: UTC
	Stage     string         // how far people have come: a code of the catalogue
	Spoke     time.Time      // when the rules spoke last: its loss is of then
	Withdrawn time.Time      // when the rules took it back; zero: they did not
	Version   int            // how many things people did about it
	Steps     [][]Step       // what a person may do now, then what may follow that; empty: nothing

	// Of one clue by itself.
	Parcels []Parcel
	Decided *devices.Decision // the one that spoke last; nil: it is not kept
	Deeds   []Deed            // the first first, which nobody can change
	NoNotes bool              // none can be kept now
}

// A Step is one thing that a person may do about a clue.
type Step struct {
	Act     string   // dispatch, visit, verify or dismiss
	Reasons []string // of these it names one; empty: it needs none
}

// A Parcel is one of the plots that a clue is about. What is empty or nil is not known.
type Parcel struct {
	ID         devices.PlotID
	Name, Crop string
	AreaMu     float64
	Loss       *float64 // share of the yield that is likely lost
	Grade      Grade    // of the day of the decision
	Dry, Known int      // of ParcelDays up to then: days on which the crop lacked water, and days that are known
	Now        Grade    // as things stand now, as LossNow
	LossNow    *float64
}

// ParcelDays is how far back a Parcel tells on how many days its crop lacked water.
const ParcelDays = 30

// A Deed is what a person did about a clue.
type Deed struct {
	Stage, Account string
	At             time.Time
	Reason, Note   string
	Unreadable     bool // there is a note, and nobody can read it
}

// ErrandWaiting is the stage at which nobody has done anything about a clue yet.
const ErrandWaiting = "open"

// CluesAddress is where the grid worker's pages are; a clue's own lies below it, and takes its forms.
const CluesAddress = "/clues"

// MaxNote is how many characters a note may have.
const MaxNote = 2000

// An Untaken is what a form sent that was not taken. The page shows it again:
// nobody has to write twice.
type Untaken struct {
	Why          string // a code of the catalogue
	Status       int
	Choice, Note string
}

// ShowErrand answers with a clue's page, or again with it when a form of it was not taken.
func (p *Pages) ShowErrand(w http.ResponseWriter, r *http.Request, u Untaken) {
	q, viewer := p.readAs(r)
	e, err := p.Errands.Errand(r.Context(), r.PathValue("id"))
	if err != nil {
		p.missing(w, r, err)
		return
	}
	s := p.speaker(q, e.Zone)
	screen := s.errandScreen(&e, u)
	screen.CSRF = viewer.CSRF
	if !viewer.ActsOnClues {
		screen.Cards = nil
	}
	if screen.Said == nil {
		screen.Said = s.errandSaid(takeFlash(w, r), "ok")
	}
	p.sheet(w, r, q, sheet{
		Template: "errand", Title: screen.Todo, Status: u.Status, Styles: []string{"clues.css"}, Body: screen,
		In: func(l words.Language) string { return CluesAddress + "/" + e.ID + "?lang=" + string(l) },
	})
}

// readAs reads what an address asks for, in the language of whoever looks unless it names one.
func (p *Pages) readAs(r *http.Request) (query, Viewer) {
	q, viewer := readQuery(r), p.Viewer(r.Context())
	if viewer.Language != "" && !q.asked {
		q.language = viewer.Language
	}
	return q, viewer
}
