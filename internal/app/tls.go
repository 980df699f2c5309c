package app

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"ganlin/internal/config"
)

// A certificate is read again when one of its files has changed, so that a renewed one needs no restart.
type certificate struct {
	files config.TLS
	log   *slog.Logger

	mu   sync.Mutex
	seen [2]time.Time // of the files, when they were last read
	pair *tls.Certificate
}

func openCertificate(files config.TLS, log *slog.Logger) (*certificate, error) {
	c := &certificate{files: files, log: log}
	if _, err := c.current(nil); err != nil {
		return nil, err
	}
	return c, nil
}

// current returns the certificate that is in the files; while they cannot be read, the one before.
func (c *certificate) current(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var seen [2]time.Time
	for i, name := range []string{c.files.CertFile, c.files.KeyFile} {
		if info, err := os.Stat(name); err == nil {
			seen[i] = info.ModTime()
		}
	}
	if c.pair != nil && seen == c.seen {
		return c.pair, nil
	}
	c.seen = seen
	pair, err := tls.LoadX509KeyPair(c.files.CertFile, c.files.KeyFile)
	switch {
	case err == nil:
		c.pair = &pair
	case c.pair == nil:
		return nil, fmt.Errorf("reading the certificate of the pages: %w", err)
	default:
		c.log.Error("reading the certificate of the pages again: the one before stays", "cert_file", c.files.CertFile, "error", err)
	}
	return c.pair, nil
}

// expires is when the certificate that is shown now runs out.
func (c *certificate) expires() time.Time {
	pair, err := c.current(nil)
	if err != nil {
		return time.Time{}
	}
	return pair.Leaf.NotAfter
}

// openTLS makes the server speak TLS where the configuration names a certificate.
func (p *program) openTLS() error {
	files := p.o.config.HTTP.TLS
	if files == nil {
		return nil
	}
	var err error
	if p.certificate, err = openCertificate(*files, p.log); err != nil {
		return err
	}
	p.http.TLSConfig = &tls.Config{GetCertificate: p.certificate.current, MinVersion: tls.VersionTLS12}
	return nil
}

// url is where the pages are for whoever is on this machine.
func (p *program) url() string {
	scheme := "http://"
	if p.o.config.HTTP.TLS != nil {
		scheme = "https://"
	}
	return scheme + dialable(p.listens.Addr().String())
}

// mqttURL is where the embedded broker is for whoever is on this machine, in the words of MQTT libraries.
func (p *program) mqttURL() string {
	scheme := "tcp://"
	if p.o.config.MQTT.Listen.TLS != nil {
		scheme = "ssl://"
	}
	return scheme + dialable(p.server.MQTTAddress())
}

// dialable returns an address on this machine of what listens at one, which may be all of its addresses.
func dialable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("localhost", port)
	}
	return address
}

// publicURL is where people reach the pages.
func (p *program) publicURL() string {
	if u := p.o.config.HTTP.URL; u != "" {
		return u
	}
	return p.url()
}

// pinned returns a client that talks to whoever shows the certificate in the
// file, whatever name stands in it: the program on this machine.
func pinned(certFile string) *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection asks for more: the very certificate
		VerifyConnection: func(s tls.ConnectionState) error {
			text, err := os.ReadFile(certFile)
			if err != nil {
				return fmt.Errorf("reading the certificate of the running program: %w", err)
			}
			block, rest := pem.Decode(text)
			for block != nil && block.Type != "CERTIFICATE" {
				block, rest = pem.Decode(rest)
			}
			if block == nil || !bytes.Equal(block.Bytes, s.PeerCertificates[0].Raw) {
				return errors.New("who answers is not the running program: it shows another certificate than " + certFile)
			}
			return nil
		},
	}}}
}
