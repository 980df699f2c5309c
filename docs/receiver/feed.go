package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	cloudevents "github.com/cloudevents/sdk-go/v2"
)

// A feed is Ganlin's feed of signals.
type feed struct{ api, token string }

// A page is a part of it.
type page struct {
	Signals []cloudevents.Event `json:"signals"`
	Next    string              `json:"next"`
	More    bool                `json:"more"`
}

// catchUp takes what came since the cursor, and keeps the cursor with what it took.
func catchUp(ctx context.Context, f feed, s *state) (taken int, err error) {
	for more := true; more; {
		p, err := f.page(ctx, s.Cursor)
		if err != nil {
			return taken, err
		}
		s.mu.Lock()
		for _, e := range p.Signals {
			if s.apply(e) {
				taken++
			}
		}
		s.Cursor, more = p.Next, p.More
		err = s.save()
		s.mu.Unlock()
		if err != nil {
			return taken, err
		}
	}
	return taken, nil
}

// page asks for the signals after a cursor.
func (f feed) page(ctx context.Context, after string) (p page, err error) {
	where := f.api + "/api/v1/risk/signals?" + url.Values{"after": {after}, "limit": {"100"}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, where, nil)
	if err != nil {
		return p, err
	}
	req.Header.Set("Authorization", "Bearer "+f.token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return p, fmt.Errorf("asking the feed: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		// 400 with a cursor of the future: Ganlin was restored from a backup. Begin without a cursor then.
		problem, _ := io.ReadAll(io.LimitReader(res.Body, maxBody))
		return p, fmt.Errorf("the feed answers %s: %s", res.Status, problem)
	}
	if err := json.NewDecoder(res.Body).Decode(&p); err != nil {
		return p, fmt.Errorf("reading the feed: %w", err)
	}
	return p, nil
}
