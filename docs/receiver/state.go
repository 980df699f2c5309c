package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	cloudevents "github.com/cloudevents/sdk-go/v2"
)

// A state is what the receiver knows. Every change is on disk before it counts.
type state struct {
	mu   sync.Mutex
	file string

	Cursor string           `json:"cursor"` // how far the feed has been read
	Seen   map[string]bool  `json:"seen"`   // ids of signals that were taken
	Clues  map[string]*clue `json:"clues"`  // by the pseudonym of the episode
}

// A clue is how one episode stands.
type clue struct {
	Household string `json:"household"` // a pseudonym
	Place     string `json:"place"`
	Level     string `json:"level,omitempty"`
	Rules     string `json:"rules"`            // raised, updated or withdrawn: what the rules said last
	People    string `json:"people,omitempty"` // verified or dismissed, once a person has been there
	Link      string `json:"link"`
	Sequence  string `json:"sequence"` // of what the rules said last
}

func load(file string) (*state, error) {
	s := &state{file: file, Seen: map[string]bool{}, Clues: map[string]*clue{}}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(text, s)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the state: %w", err)
	}
	return s, nil
}

// take takes a signal in and reports whether it was new. A signal may come
// twice, by the feed and by a webhook: its id tells. Types that are not known
// are passed over, for there may be more one day.
func (s *state) take(e cloudevents.Event) (fresh bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.apply(e) {
		return false, nil
	}
	return true, s.save()
}

// apply does the same without keeping it. s.mu is held.
func (s *state) apply(e cloudevents.Event) bool {
	kind, ours := strings.CutPrefix(e.Type(), "ganlin.risk.clue.")
	if !ours || s.Seen[e.ID()] {
		return false
	}
	var data struct{ Clue, Place, Level, Link string }
	if err := e.DataAs(&data); err != nil || data.Clue == "" {
		return false
	}
	s.Seen[e.ID()] = true
	sequence, _ := e.Extensions()["sequence"].(string)
	c, ok := s.Clues[data.Clue]
	if !ok {
		c = &clue{}
		s.Clues[data.Clue] = c
	}
	switch {
	case kind == "verified" || kind == "dismissed": // by a person: final
		c.People = kind
	case sequence > c.Sequence: // else it is older than what is known
		c.Rules, c.Level, c.Sequence = kind, data.Level, sequence
	}
	c.Household, c.Place, c.Link = e.Subject(), data.Place, data.Link
	return true
}

// save writes the state so that a loss of power leaves the old one or the new one. s.mu is held.
func (s *state) save() error {
	text, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(s.file), filepath.Base(s.file)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), s.file)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing the state: %w", err), os.Remove(f.Name()))
	}
	return nil
}
