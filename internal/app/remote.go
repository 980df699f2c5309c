package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"ganlin/internal/httpapi"
)

// A remote is the API of the program that runs on a data folder.
type remote struct {
	base, token string
	certificate string // of the program, in a file; empty: it speaks no TLS
}

// running returns the API of the program that holds the data folder, or nil when none does.
func running(dataFolder string) (*remote, error) {
	b, err := os.ReadFile(filepath.Join(dataFolder, runFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for a running program: %w", err)
	}
	var r readiness
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, fmt.Errorf("reading %s: %w", runFile, err)
	}
	f, err := openFolder(dataFolder)
	if err == nil { // nobody holds the folder: the file was left behind by a crash
		return nil, f.close()
	}
	if !errors.Is(err, errLocked) {
		return nil, err
	}
	return &remote{base: r.HTTP, token: r.Token, certificate: r.Certificate}, nil
}

// call sends in as JSON, where it is not nil, and reads the answer into out.
func (r *remote) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, r.base+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+r.token)
	client := http.DefaultClient
	if r.certificate != "" {
		client = pinned(r.certificate)
		defer client.CloseIdleConnections()
	}
	res, err := client.Do(req)
	if err != nil {
		return exitError{exitOutOfReach, fmt.Errorf("asking the running program: %w", err)}
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode >= http.StatusBadRequest {
		var p httpapi.ProblemError
		if strings.HasPrefix(res.Header.Get("Content-Type"), "application/problem+json") && json.NewDecoder(res.Body).Decode(&p) == nil {
			return p
		}
		return fmt.Errorf("the running program answers %s", res.Status)
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(res.Body).Decode(out)
}

// everyPage asks for the pages of a list until there are no more.
func everyPage[T any](ctx context.Context, r *remote, path string) ([]T, error) {
	all := []T{}
	for after := ""; ; {
		var page struct {
			Items []T    `json:"items"`
			Next  string `json:"next"`
		}
		if err := r.call(ctx, http.MethodGet, path+"?"+url.Values{"limit": {"1000"}, "after": {after}}.Encode(), nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if after = page.Next; after == "" {
			return all, nil
		}
	}
}
