package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ganlin/internal/config"
)

// newCertificate writes a certificate for 127.0.0.1, and its key.
func newCertificate(t *testing.T, folder string, serial int64) *config.TLS {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"ganlin.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	files := &config.TLS{CertFile: filepath.Join(folder, "cert.pem"), KeyFile: filepath.Join(folder, "key.pem")}
	write(t, files.CertFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, files.KeyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	return files
}

// TestACertificateIsReadAgain renews a certificate, badly and well.
func TestACertificateIsReadAgain(t *testing.T) {
	folder, log := t.TempDir(), &logged{}
	files := newCertificate(t, folder, 1)
	c, err := openCertificate(*files, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	serial := func() int64 {
		t.Helper()
		pair, err := c.current(&tls.ClientHelloInfo{})
		if err != nil {
			t.Fatal(err)
		}
		return pair.Leaf.SerialNumber.Int64()
	}
	age := func(name string, by time.Duration) {
		t.Helper()
		if err := os.Chtimes(name, time.Now().Add(by), time.Now().Add(by)); err != nil {
			t.Fatal(err)
		}
	}
	if got := serial(); got != 1 {
		t.Errorf("serial %d", got)
	}
	write(t, files.CertFile, "half a file")
	age(files.CertFile, time.Hour)
	for range 3 {
		if got := serial(); got != 1 {
			t.Errorf("serial %d with a broken file", got)
		}
	}
	if n := strings.Count(log.tail(), "the one before stays"); n != 1 {
		t.Errorf("the log says so %d times", n)
	}
	newCertificate(t, folder, 2)
	age(files.KeyFile, 2*time.Hour)
	if got := serial(); got != 2 {
		t.Errorf("serial %d after a renewal", got)
	}
	if _, err := openCertificate(config.TLS{CertFile: "none", KeyFile: "none"}, c.log); err == nil {
		t.Error("a certificate from nowhere")
	}
}
