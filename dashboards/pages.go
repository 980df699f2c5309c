package dashboards

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"ganlin/dashboards/words"
)

// Options are what New needs.
type Options struct {
	Source     Source
	Fields     Fields                       // nil: there are no pages of plots
	Homes      Homes                        // nil: there is no farmer's page
	Errands    Errands                      // nil: there are no pages of clues
	Operations Operations                   // nil: there is no operator's page
	Runbooks   string                       // what alarms lead to, in Markdown
	Viewer     func(context.Context) Viewer // who looks; nil: nobody has signed in
	Log        *slog.Logger
	Now        func() time.Time // the clock of ages and times: the step clock where time is stepped
	LookAs     []LookAs         // of a demo; nil: the first page offers no other eyes
}

// Pages serves the built-in pages. It holds no goroutine of its own.
type Pages struct {
	Options
	catalogue *words.Catalogue
	renderer  *renderer
	assets    *assets
	live      audience // of Live

	mu    sync.Mutex
	frame *frame
}

// New prepares the pages: it reads templates, messages and assets, which are built into the program.
func New(o Options) (*Pages, error) {
	if o.Source == nil || o.Log == nil || o.Now == nil {
		return nil, errors.New("pages need a source, a log and a clock")
	}
	if o.Viewer == nil {
		o.Viewer = func(context.Context) Viewer { return Viewer{} }
	}
	catalogue, err := words.New()
	if err != nil {
		return nil, fmt.Errorf("preparing the pages: %w", err)
	}
	assets, err := loadAssets()
	if err != nil {
		return nil, fmt.Errorf("preparing the pages: %w", err)
	}
	renderer, err := newRenderer(catalogue, assets)
	if err != nil {
		return nil, fmt.Errorf("preparing the pages: %w", err)
	}
	return &Pages{Options: o, catalogue: catalogue, renderer: renderer, assets: assets}, nil
}

// A Mux takes routes, such as http.ServeMux does.
type Mux interface {
	HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request))
}

// Register puts the pages on mux: the first page, its live updates and its assets.
func (p *Pages) Register(mux Mux) {
	mux.HandleFunc("GET /{$}", p.page)
	mux.HandleFunc("GET /live", p.Live)
	if p.Fields != nil {
		mux.HandleFunc("GET /village", p.village)
		mux.HandleFunc("GET /plots/{id}", p.plot)
		mux.HandleFunc("GET /decisions/{id}", p.decision)
	}
	if p.Homes != nil {
		mux.HandleFunc("GET "+HomeAddress, p.home)
	}
	if p.Errands != nil {
		mux.HandleFunc("GET "+CluesAddress, p.errands)
		mux.HandleFunc("GET "+CluesAddress+"/{id}", func(w http.ResponseWriter, r *http.Request) { p.ShowErrand(w, r, Untaken{}) })
	}
	if p.Operations != nil {
		mux.HandleFunc("GET "+OperationsAddress, p.operations)
		mux.HandleFunc("GET "+lettersAddress, p.letters)
		mux.HandleFunc("GET "+lettersAddress+"/{id}", p.letter)
		mux.HandleFunc("GET "+runbooksAddress, p.runbooks)
	}
	mux.HandleFunc("GET "+assetPath+"{name}", p.assets.serve)
}

// policy lets a page use what comes from its own server and nothing else: no inline script, no inline style.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

func (p *Pages) page(w http.ResponseWriter, r *http.Request) {
	q := p.readWhole(r)
	var page []byte
	content, name, err := p.rendered(q)
	if err == nil {
		page, err = p.renderer.page(content, q, name, p.eyes(q.language))
	}
	if err != nil {
		p.broken(w, r, err)
		return
	}
	send(w, r, http.StatusOK, q.language, page)
}

// send answers with a page.
func send(w http.ResponseWriter, r *http.Request, status int, l words.Language, page []byte) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(l))
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept-Encoding, Accept-Language")
	if !acceptsGzip(r) {
		w.WriteHeader(status)
		_, _ = w.Write(page) // nobody is left to tell
		return
	}
	h.Set("Content-Encoding", "gzip")
	w.WriteHeader(status)
	packed := gzip.NewWriter(w)
	_, _ = packed.Write(page)
	_ = packed.Close()
}

// readWhole reads what the address of the first page asks for, and what of it whoever asks may open.
func (p *Pages) readWhole(r *http.Request) query {
	q := readQuery(r)
	q.clues = p.Viewer(r.Context()).ReadsClues
	return q
}

func readQuery(r *http.Request) query {
	v := r.URL.Query()
	q := query{
		language: words.Choose(v.Get("lang"), r.Header.Get("Accept-Language")),
		asked:    v.Get("lang") != "",
		search:   strings.ToValidUTF8(strings.TrimSpace(v.Get("q")), ""),
		page:     1,
	}
	for len(q.search) > maxSearch {
		_, size := utf8.DecodeLastRuneInString(q.search)
		q.search = q.search[:len(q.search)-size]
	}
	if n, err := strconv.Atoi(v.Get("page")); err == nil && n > 1 {
		q.page = n
	}
	return q
}

// A frame is the board of one moment and the pages rendered from it so far.
type frame struct {
	taken    time.Time
	board    *board
	rendered map[query]*rendered
}

// frameAge is how long a frame serves everybody who looks. A change shows in any frame taken after it.
const frameAge = 250 * time.Millisecond

// rendered returns what q shows as of the last quarter of a second, and the name of it all.
func (p *Pages) rendered(q query) (content *rendered, name string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if taken := time.Now(); p.frame == nil || taken.Sub(p.frame.taken) >= frameAge {
		p.frame = &frame{taken: taken, board: lookAt(p.Source.View(), p.Now()), rendered: map[query]*rendered{}}
	}
	b := p.frame.board
	if have, ok := p.frame.rendered[q]; ok {
		return have, b.Name, nil
	}
	s := speaker{catalogue: p.catalogue, language: q.language, zone: b.Zone, now: b.now}
	if content, err = p.renderer.render(s.screen(b, q), q.language); err != nil {
		return nil, "", err
	}
	p.frame.rendered[q] = content
	return content, b.Name, nil
}
