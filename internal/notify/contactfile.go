package notify

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"ganlin/dashboards/words"
	"ganlin/devices"
	"ganlin/internal/position"
	"ganlin/internal/webhook"
)

// The columns of a file of contacts. The first three are required.
var contactColumns = []string{"household", "channel", "address", "secret", "language", "quiet", "daily"}

const requiredColumns = 3

// ReadContacts reads contacts from CSV with a header, as a spreadsheet saves
// it. It returns all problems; none of them holds an address. With an error
// among them there are no contacts. What the guard is certain to refuse is a problem.
func ReadContacts(name string, text []byte, guard webhook.Guard) ([]Contact, []position.Problem) {
	f := contactFile{name: name, guard: guard}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if !utf8.Valid(text) {
		f.report.Errorf(position.Position{File: name}, "this is no UTF-8; save it as CSV UTF-8")
		return nil, f.report.Problems()
	}
	f.read(csv.NewReader(bytes.NewReader(text)))
	problems := f.report.Problems()
	if position.HasErrors(problems) {
		return nil, problems
	}
	return f.contacts, problems
}

type contactFile struct {
	name     string
	guard    webhook.Guard
	report   position.Report
	contacts []Contact
}

func (f *contactFile) read(r *csv.Reader) {
	r.TrimLeadingSpace = true
	header, err := r.Read()
	if err != nil {
		f.report.Errorf(position.Position{File: f.name, Line: 1, Column: 1}, "there is no header; begin with the line household,channel,address")
		return
	}
	column := map[string]int{}
	for i, key := range header {
		key = strings.ToLower(strings.TrimSpace(key))
		at := f.at(r, i)
		switch _, twice := column[key]; {
		case !slices.Contains(contactColumns, key):
			f.report.Errorf(at, "there is no column %q%s; the columns are %s", key, position.DidYouMean(key, contactColumns), strings.Join(contactColumns, ", "))
		case twice:
			f.report.Errorf(at, "column %s stands twice; keep one", key)
		}
		column[key] = i
	}
	for _, key := range contactColumns[:requiredColumns] {
		if _, ok := column[key]; !ok {
			f.report.Errorf(position.Position{File: f.name, Line: 1, Column: 1}, "column %s is missing", key)
		}
	}
	if position.HasErrors(f.report.Problems()) {
		return
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if wrong, ok := errors.AsType[*csv.ParseError](err); ok {
			f.report.Errorf(position.Position{File: f.name, Line: wrong.Line, Column: max(1, wrong.Column)}, "the line cannot be read: %v", wrong.Err)
			if !errors.Is(wrong.Err, csv.ErrFieldCount) {
				return
			}
			continue
		}
		f.row(r, row, column)
	}
}

func (f *contactFile) at(r *csv.Reader, field int) position.Position {
	line, column := r.FieldPos(field)
	return position.Position{File: f.name, Line: line, Column: column}
}

func (f *contactFile) row(r *csv.Reader, row []string, column map[string]int) {
	value := func(key string) (string, position.Position) {
		i, ok := column[key]
		if !ok {
			return "", position.Position{}
		}
		return strings.TrimSpace(row[i]), f.at(r, i)
	}
	household, at := value("household")
	if household == "" {
		f.report.Errorf(at, "household is empty; write the id that stands at its plots in the registry")
	}
	channel, at := value("channel")
	c := Contact{Household: devices.HouseholdID(household), Channel: ChannelName(channel), Language: words.Chinese}
	if !slices.Contains(ChannelNames(), c.Channel) {
		f.report.Errorf(at, "channel %q is not known; it is one of %s", channel, channelList())
		return
	}
	place, at := value("address")
	secret, _ := value("secret")
	c.To = NewAddress(place, secret)
	err := CheckAddress(c.Channel, c.To)
	if err == nil && c.Channel == Webhook {
		err = f.guard.Check(place)
	}
	if err != nil {
		f.report.Errorf(at, "%v", err)
	}
	if language, at := value("language"); language != "" {
		c.Language = words.Choose(language, "")
		if !strings.HasPrefix(string(c.Language), strings.ToLower(language)[:min(2, len(language))]) {
			f.report.Errorf(at, "language %q is not spoken here; write zh or en", language)
		}
	}
	if quiet, at := value("quiet"); quiet != "" {
		if _, err := ParseQuiet(quiet); err != nil {
			f.report.Errorf(at, "%v", err)
		}
		c.Quiet = quiet
	}
	if daily, at := value("daily"); daily != "" {
		n, err := strconv.Atoi(daily)
		if err != nil || n < 1 || n > maxDaily {
			f.report.Errorf(at, "daily %q is no number from 1 to %d", daily, maxDaily)
		}
		c.Daily = n
	}
	f.contacts = append(f.contacts, c)
}

// maxDaily is the most messages a day that a contact may want.
const maxDaily = 50

func channelList() string {
	var names []string
	for _, name := range ChannelNames() {
		names = append(names, string(name))
	}
	return strings.Join(names, ", ")
}
