package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"ganlin/internal/auth"
	"ganlin/internal/httpapi"
)

// TestAccountsByTheCommandLine makes and ends accounts with and without a running program, over TLS.
func TestAccountsByTheCommandLine(t *testing.T) {
	folder, files := t.TempDir(), newCertificate(t, t.TempDir(), 1)
	write(t, filepath.Join(folder, "registry.yaml"), twoHouseholds)
	name := filepath.Join(folder, "ganlin.yaml")
	write(t, name, fmt.Sprintf("data: data\nhttp: {listen: '0.0.0.0:8443', tls: {cert_file: %q, key_file: %q}, url: 'https://ganlin.example'}\nmqtt: {listen: {address: '127.0.0.1:0'}}\nregistry: [registry.yaml]\n", files.CertFile, files.KeyFile))
	ganlin := func(want int, args ...string) (string, string) {
		t.Helper()
		var out, errOut bytes.Buffer
		if code := run(t.Context(), append(args, "--config", name), &out, &errOut, hooks{}); code != want {
			t.Fatalf("ganlin %v: %d, want %d\n%s%s", args, code, want, &out, &errOut)
		}
		return out.String(), errOut.String()
	}
	near, said := ganlin(exitDone, "accounts", "add", "near", "--role", "agronomist", "--site", "sanquan", "--lang", "zh")
	near = strings.TrimSpace(near)
	if !strings.HasPrefix(near, "gl_") || !strings.Contains(said, "https://ganlin.example/login#"+near+"\n") {
		t.Errorf("%s%s", near, said)
	}
	for args, want := range map[string]string{
		"add operator --role operator":              "is the account of the token in the data folder",
		"add near --role agronomist --site sanquan": "an id is never used twice",
		"add x --role agronomist --site elsewhere":  "the registry has no site elsewhere",
		"add x --role farmer --household h-009":     "no plot of the registry belongs to the household h-009",
		"add x --role farmer":                       "--household",
		"add x --role king":                         `role "king" is none of`,
		"add x --role monitor --days 99999":         "1 to 3650 days",
		"add 王五 --role monitor":                     "use only A-Z a-z 0-9 _ -",
		"token nobody":                              `no account "nobody" is in force`,
		"token operator":                            "operator.token",
		"revoke nobody":                             `no account "nobody" is in force`,
		"revoke near --token 0123":                  `no token "0123" of near is in force`,
	} {
		if _, said := ganlin(exitCheckFailed, append([]string{"accounts"}, strings.Fields(args)...)...); !strings.Contains(said, want) {
			t.Errorf("accounts %s says %q, want %q", args, said, want)
		}
	}

	s := openStill(t, filepath.Join(folder, "data"), func(o *programOptions) { o.config.HTTP.TLS = files; o.config.HTTP.Listen = "0.0.0.0:0" })
	s.serve(t)
	if !strings.HasPrefix(s.url(), "https://localhost:") {
		t.Errorf("the pages are at %s", s.url())
	}
	client := pinned(files.CertFile)
	defer client.CloseIdleConnections()
	status := func(token string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url()+"/api/v1/live", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode // its body, a stream, stays open
	}
	far, _ := ganlin(exitDone, "accounts", "token", "near", "--json")
	var made httpapi.MadeToken
	if err := json.Unmarshal([]byte(far), &made); err != nil {
		t.Fatal(err)
	}
	if status(near) != http.StatusOK || status(made.Token) != http.StatusOK {
		t.Error("a token does not let in")
	}
	list, _ := ganlin(exitDone, "accounts", "list", "--json")
	var accounts []httpapi.Account
	if err := json.Unmarshal([]byte(list), &accounts); err != nil || len(accounts) != 1 || len(accounts[0].Tokens) != 2 || strings.Contains(list, "gl_") {
		t.Fatalf("%v %s", err, list)
	}
	sum := auth.SumOf(made.Token).String()
	ganlin(exitDone, "accounts", "revoke", "near", "--token", sum[:tokenDigits])
	if status(near) != http.StatusOK || status(made.Token) != http.StatusUnauthorized {
		t.Error("the wrong token was revoked")
	}
	if table, _ := ganlin(exitDone, "accounts", "list"); !strings.Contains(table, "sanquan") || !strings.Contains(table, auth.SumOf(near).String()[:tokenDigits]) || strings.Contains(table, sum[:tokenDigits]) {
		t.Errorf("%s", table)
	}
	ganlin(exitDone, "accounts", "revoke", "near")
	if status(near) != http.StatusUnauthorized {
		t.Error("a revoked account lets in")
	}
	if _, said := ganlin(exitCheckFailed, "accounts", "add", "near", "--role", "monitor"); !strings.Contains(said, "never used twice") {
		t.Errorf("%s", said)
	}
	holdsNo(t, filepath.Join(folder, "data"), s.log, near, made.Token)

	newCertificate(t, filepath.Dir(files.CertFile), 2) // and those who were served before stay connected
	ganlin(exitDone, "accounts", "list")
	stranger := newCertificate(t, t.TempDir(), 3)
	impostor := remote{base: s.url(), token: s.token, certificate: stranger.CertFile}
	if err := impostor.call(t.Context(), "GET", "/api/v1/status", nil, nil); err == nil || !strings.Contains(err.Error(), "it shows another certificate") {
		t.Errorf("the token goes to whoever answers: %v", err)
	}
}
