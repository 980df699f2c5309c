package dashboards

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	maxLive      = 2000             // live pages at a time
	maxOwnLive   = 100              // of them of one account: who opens more leaves room to the others
	livePace     = time.Second      // between two updates
	liveBeat     = 10 * time.Second // an update or a sign of life comes at least so often; the page waits 30 s
	liveDeadline = 10 * time.Second // a client that takes no update for so long is dropped
	maxHave      = 16 << 10         // bytes of what a client says it has
)

// An update brings a page from what it showed to what is now. Lists come last: their items may be new.
type update struct {
	HTML  map[string]string   `json:"h,omitempty"` // of regions that changed their shape
	Slots map[string][]any    `json:"s,omitempty"` // by region: place, text, place, text, …
	Lists map[string][]string `json:"o,omitempty"` // the regions of each list in their order
}

// A shown is what one client shows: its regions by id, and its lists.
type shown struct {
	regions map[string]region // slots are nil where they are not known
	lists   map[string][]string
}

// Live keeps a page up to date by server-sent events until the client goes.
// The id of an event names the shape of all regions, so that a client that
// comes back is sent what differs and no more; a first connection says the same
// in the query parameter "have". It takes "lang", "q" and "page" like the page.
// The server that runs it cancels the context of its requests when it stops.
func (p *Pages) Live(w http.ResponseWriter, r *http.Request) {
	account := p.Viewer(r.Context()).Account
	if status := p.live.enter(account); status != http.StatusOK {
		w.Header().Set("Retry-After", "30")
		http.Error(w, "there are as many live pages as there may be; close one, or look again in half a minute", status)
		return
	}
	defer p.live.leave(account)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // or a proxy would keep the events
	h.Set("X-Content-Type-Options", "nosniff")

	control := http.NewResponseController(w)
	limit := func() error { return control.SetWriteDeadline(time.Now().Add(liveDeadline)) }
	if err := errors.Join(limit(), control.SetReadDeadline(time.Time{})); err != nil { // a request may be on its way for a while only, and this one has come
		p.Log.ErrorContext(r.Context(), "live updates not possible", "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	send := func(event string) error {
		if err := limit(); err != nil {
			return fmt.Errorf("setting a write deadline: %w", err)
		}
		if _, err := w.Write([]byte(event)); err != nil {
			return fmt.Errorf("writing an event: %w", err)
		}
		return control.Flush()
	}
	if err := p.follow(r, send); err != nil {
		p.Log.DebugContext(r.Context(), "live page ended", "error", err)
	}
}

// audience counts the live pages.
type audience struct {
	mu  sync.Mutex
	all int
	own map[string]int // by account
}

// enter counts one page more, or says by a status why there is no room. Of those whom nobody knows each may be another.
func (a *audience) enter(account string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case account != "" && a.own[account] >= maxOwnLive:
		return http.StatusTooManyRequests
	case a.all >= maxLive:
		return http.StatusServiceUnavailable
	}
	if a.own == nil {
		a.own = map[string]int{}
	}
	a.all++
	a.own[account]++
	return http.StatusOK
}

func (a *audience) leave(account string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all--
	if a.own[account]--; a.own[account] == 0 {
		delete(a.own, account)
	}
}

// follow sends updates until the request ends or an event cannot be sent.
func (p *Pages) follow(r *http.Request, send func(string) error) error {
	ctx, q := r.Context(), p.readWhole(r)
	have, version := readHave(r)
	if version != "" && version != p.assets.version { // the program is another one by now
		return send("event: reload\ndata:\n\n")
	}
	changes := p.Source.Changes(ctx)
	beat := time.NewTicker(liveBeat)
	defer beat.Stop()
	pace := time.NewTimer(frameAge) // a frame of now or later has what changed before
	defer pace.Stop()
	for first := true; ; first = false {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-pace.C:
		}
		now, _, err := p.rendered(q)
		if err != nil {
			return err
		}
		event, err := have.bring(now)
		if err != nil {
			return err
		}
		if first {
			event = "retry: 3000\n" + event
		}
		if err := send(event); err != nil {
			return err
		}
		sent := time.Now()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case _, ok := <-changes:
			if !ok {
				return nil
			}
		case <-beat.C:
		}
		pace.Reset(max(livePace-time.Since(sent), frameAge))
	}
}

// bring returns the event that makes the client show now, and notes that it does.
func (s *shown) bring(now *rendered) (string, error) {
	u := update{HTML: map[string]string{}, Slots: map[string][]any{}, Lists: map[string][]string{}}
	lists := map[string][]string{"plots": {}, "stations": {}}
	regions := make(map[string]region, len(now.regions))
	var id strings.Builder
	id.WriteString("v." + now.version)
	for _, r := range now.regions {
		regions[r.id] = r
		if r.list != "" {
			lists[r.list] = append(lists[r.list], r.id)
		}
		id.WriteString("~" + r.id + "." + r.hash)
		before, known := s.regions[r.id]
		if !known || before.hash != r.hash {
			u.HTML[r.id] = r.html
			continue
		}
		for i, text := range r.slots {
			if len(before.slots) != len(r.slots) || before.slots[i] != text {
				u.Slots[r.id] = append(u.Slots[r.id], i, text)
			}
		}
	}
	for name, items := range lists {
		if !slices.Equal(s.lists[name], items) || s.lists[name] == nil {
			u.Lists[name] = items
		}
	}
	s.regions, s.lists = regions, lists
	if len(u.HTML)+len(u.Slots)+len(u.Lists) == 0 {
		return "event: beat\ndata:\n\n", nil
	}
	var data strings.Builder
	encoder := json.NewEncoder(&data)
	encoder.SetEscapeHTML(false) // it is not read as HTML before the page takes it out of the JSON
	if err := encoder.Encode(u); err != nil {
		return "", fmt.Errorf("encoding an update: %w", err)
	}
	event := "data: " + data.String() + "\n"
	if len(u.HTML)+len(u.Lists) > 0 {
		event = "id: " + id.String() + "\n" + event
	}
	return event, nil
}

// readHave reads what the client shows, in the form of an event's id: "v.1f~hero.9a~p_p-001.3c".
func readHave(r *http.Request) (s shown, version string) {
	s.regions = map[string]region{}
	have := r.Header.Get("Last-Event-ID")
	if have == "" {
		have = r.URL.Query().Get("have")
	}
	if len(have) > maxHave {
		return s, ""
	}
	for part := range strings.SplitSeq(have, "~") {
		id, hash, _ := strings.Cut(part, ".")
		if id == "v" {
			version = hash
		} else {
			s.regions[id] = region{hash: hash}
		}
	}
	return s, version
}
