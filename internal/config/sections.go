package config

import (
	"cmp"
	"crypto/tls"
	"net"
	"net/url"
	"strings"
	"time"

	"ganlin/internal/position"
)

// Bounds of the journal. A reading without a time of its own is compared with
// those of the last day, so that much is always there.
const (
	minKeep         = 24 * time.Hour
	minJournalBytes = 64_000_000
)

// minLetterBytes is room for the payloads of a few messages as large as they may be.
const minLetterBytes = 1_000_000

// Plaintext is what http.plaintext must say, word for word, for requests to be taken without TLS from elsewhere.
const Plaintext = "behind a proxy that ends TLS"

func (l *loader) http(n position.Node, v *HTTP) {
	m, ok := n.Mapping("http", "listen", "tls", "plaintext", "url")
	if !ok {
		return
	}
	v.TLS = l.tls(m.Get("tls"), "http.tls")
	var words string
	if l.text(m, "plaintext", &words) {
		if v.BehindProxy = words == Plaintext; !v.BehindProxy {
			m.Get("plaintext").Errorf("http.plaintext is either left out or says %q", Plaintext)
		} else if !m.Get("tls").Absent() {
			m.Get("plaintext").Errorf("http.plaintext and http.tls exclude each other; leave one out")
		}
	}
	if l.text(m, "listen", &v.Listen) {
		err := checkAddress(v.Listen)
		if err == nil && m.Get("tls").Absent() && !v.BehindProxy {
			err = checkLoopback(v.Listen)
		}
		complain(m.Get("listen"), "http.listen", err)
	}
	if l.text(m, "url", &v.URL) {
		v.URL = strings.TrimRight(v.URL, "/")
		complain(m.Get("url"), "http.url", checkURL(v.URL, false, "https", "http"))
	}
}

// tls reads a certificate and its key, and whether they belong together.
func (l *loader) tls(n position.Node, what string) *TLS {
	m, ok := n.Mapping(what, "cert_file", "key_file")
	if !ok || n.Absent() {
		return nil
	}
	if missing := m.Missing("cert_file", "key_file"); len(missing) > 0 {
		n.Errorf("%s lacks %s", what, strings.Join(missing, ", "))
		return nil
	}
	var v TLS
	if l.path(m, "cert_file", &v.CertFile) && l.path(m, "key_file", &v.KeyFile) {
		_, err := tls.LoadX509KeyPair(v.CertFile, v.KeyFile)
		complain(n, what, err)
	}
	return &v
}

func (l *loader) journal(n position.Node, v *Journal) {
	m, ok := n.Mapping("journal", "url", "keep", "max_bytes")
	if !ok {
		return
	}
	notYet(m.Get("url"), "journal.url", "a NATS cluster", "the embedded journal")
	var text string
	if l.text(m, "keep", &text) {
		keep, err := parseDuration(text)
		complain(m.Get("keep"), "journal.keep", err)
		if v.Keep = keep; err == nil && keep < minKeep {
			m.Get("keep").Errorf("journal.keep %s is less than a day, and a day is needed to recognise duplicates", text)
		}
	}
	l.bytes(m, "journal.max_bytes", minJournalBytes, "64MB", &v.MaxBytes)
}

func (l *loader) deadLetters(n position.Node, v *DeadLetters) {
	if m, ok := n.Mapping("deadletters", "max_bytes"); ok {
		l.bytes(m, "deadletters.max_bytes", minLetterBytes, "1MB", &v.MaxBytes)
	}
}

// bytes reads the key max_bytes, which what names in full.
func (l *loader) bytes(m position.Mapping, what string, least int64, leastText string, v *int64) {
	var text string
	if !l.text(m, "max_bytes", &text) {
		return
	}
	size, err := parseBytes(text)
	complain(m.Get("max_bytes"), what, err)
	if *v = size; err == nil && size < least {
		m.Get("max_bytes").Errorf("%s %s is less than %s", what, text, leastText)
	}
}

func (l *loader) influx(n position.Node, c *Config) {
	m, ok := n.Mapping("influx", "url", "org", "bucket", "token", "token_file")
	if !ok || n.Absent() {
		return
	}
	v := defaultInflux()
	if l.text(m, "url", &v.URL) {
		complain(m.Get("url"), "influx.url", checkURL(v.URL, false, "http", "https"))
	} else if m.Get("url").Absent() {
		n.Errorf("influx lacks url; give it, or leave influx out for the local database")
	}
	l.text(m, "org", &v.Org)
	l.text(m, "bucket", &v.Bucket)
	l.secret(m, "token", &v.Token)
	if m.Get("token").Absent() && m.Get("token_file").Absent() {
		l.report.Warnf(n.At(), "influx has no token; give token_file unless the database asks for none")
	}
	c.Influx = &v
}

// records never quotes the URL: what cannot be read in it may be the password.
func (l *loader) records(n position.Node, v *Records) {
	m, ok := n.Mapping("records", "url", "password", "password_file")
	if !ok {
		return
	}
	var text string
	var password Secret
	l.secret(m, "password", &password)
	if !l.text(m, "url", &text) || text == "" {
		if !password.IsZero() {
			n.Errorf("records has a password and no url; give the url of the database, or leave both out for SQLite in the data folder")
		}
		return
	}
	at := m.Get("url")
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || strings.Trim(u.Path, "/") == "" {
		at.Errorf("records.url is no address of a database; write postgres://USER@HOST:PORT/DATABASE, or leave it out for SQLite in the data folder")
		return
	}
	query := u.Query()
	host := cmp.Or(u.Hostname(), query.Get("host"))
	if !query.Has("sslmode") && host != "" && !strings.HasPrefix(host, "/") && !Loopback(net.JoinHostPort(host, "")) {
		at.Errorf("records.url names another machine and says nothing about TLS; add ?sslmode=verify-full, with sslrootcert=FILE for a private authority, or ?sslmode=disable on a network that nobody else reads")
	}
	if !password.IsZero() {
		_, another := u.User.Password()
		switch {
		case u.User.Username() == "":
			at.Errorf("records.url lacks the user whose password is given; write postgres://USER@HOST:PORT/DATABASE")
		case another || query.Has("password"):
			at.Errorf("records.url holds a password beside the one that is given; leave one out")
		}
		u.User = url.UserPassword(u.User.Username(), password.Reveal())
	}
	v.URL = NewSecret(u.String())
}

// notYet refuses what is described and not built: to go on with something else would surprise.
func notYet(n position.Node, key, what, instead string) {
	if !n.Absent() {
		n.Errorf("%s: %s is not in this version yet; leave it empty for %s", key, what, instead)
	}
}

func complain(n position.Node, key string, err error) {
	if err != nil {
		n.Errorf("%s: %v", key, err)
	}
}
