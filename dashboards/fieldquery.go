package dashboards

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"ganlin/dashboards/words"
	"ganlin/devices"
)

// A fieldQuery is what the address of the village page asks for.
type fieldQuery struct {
	query
	site  devices.SiteID
	grade Grade
	open  bool // only plots with an open valve
	box   box  // only what lies in it
	sort  sortKey
	down  bool // the largest first
}

// A sortKey is a column by which the table can be sorted.
type sortKey string

// sortKeys are the columns, in their order on the page.
func sortKeys() []sortKey {
	return []sortKey{"plot", "crop", "grade", "moisture", "stress", "advice", "watered", "rain", "probe"}
}

// usualSort puts the driest first.
const usualSort sortKey = "grade"

// grades are those of the map, the driest first.
func grades() []Grade {
	return []Grade{GradeExtreme, GradeSevere, GradeModerate, GradeLight, GradeNone, GradeUnknown}
}

func readFieldQuery(r *http.Request) fieldQuery {
	v := r.URL.Query()
	q := fieldQuery{query: readQuery(r), site: devices.SiteID(v.Get("site")), open: v.Get("valve") == "open", sort: usualSort, down: usualSort.firstDown()}
	q.box, _ = parseBox(v.Get("box"))
	if g := Grade(v.Get("grade")); slices.Contains(grades(), g) {
		q.grade = g
	}
	key, down := strings.CutPrefix(v.Get("sort"), "-")
	if slices.Contains(sortKeys(), sortKey(key)) {
		q.sort, q.down = sortKey(key), down
	}
	return q
}

// address is where the query leads.
func (q fieldQuery) address() string {
	v := url.Values{}
	set := func(name, value string) {
		if value != "" {
			v.Set(name, value)
		}
	}
	if q.asked {
		set("lang", string(q.language))
	}
	set("site", string(q.site))
	set("q", q.search)
	set("grade", string(q.grade))
	set("box", q.box.String())
	if q.open {
		set("valve", "open")
	}
	if q.sort != usualSort || q.down != usualSort.firstDown() {
		set("sort", q.sortText())
	}
	if q.page > 1 {
		set("page", strconv.Itoa(q.page))
	}
	if len(v) == 0 {
		return "/village"
	}
	return "/village?" + v.Encode()
}

func (q fieldQuery) sortText() string {
	if q.down {
		return "-" + string(q.sort)
	}
	return string(q.sort)
}

// with is the query with a change, on its first page.
func (q fieldQuery) with(change func(*fieldQuery)) fieldQuery {
	q.page = 1
	change(&q)
	return q
}

// in is the address of the same page in a language.
func (q fieldQuery) in(l words.Language) string {
	q.language, q.asked = l, true
	return q.address()
}

// shows reports whether a plot is among what is asked for. needle is the search in lower case.
func (q fieldQuery) shows(f *Field, needle string) bool {
	switch {
	case q.site != "" && f.Site != q.site,
		q.grade != "" && f.Grade != q.grade && (q.grade != GradeUnknown || f.Grade != ""),
		q.open && f.tap() != ValveOpen,
		!q.box.zero() && !(f.Placed() && q.box.holds(f.Latitude, f.Longitude)):
		return false
	}
	return needle == "" || strings.Contains(strings.ToLower(string(f.ID)), needle) || strings.Contains(strings.ToLower(f.Name), needle)
}

// tap is the state of a plot's valves that most asks to be seen; empty: it has none.
func (f *Field) tap() ValveState {
	worst := ValveState("")
	order := []ValveState{"", ValveClosed, ValveRequested, ValveAccepted, ValveClosing, ValveOpen, ValveUnknown}
	for _, v := range f.Taps {
		state := v.State
		if v.unknown() {
			state = ValveUnknown
		}
		if slices.Index(order, state) > slices.Index(order, worst) {
			worst = state
		}
	}
	return worst
}
