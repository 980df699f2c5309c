package broker_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"testing"
	"time"
)

// certificate makes a certificate for broker.example: not the name that the canary dials.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "broker.example"}, DNSNames: []string{"broker.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func TestTLS(t *testing.T) {
	own, pool := certificate(t)
	h := newHouse(t, setup{tls: &tls.Config{Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12}})
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", h.address(), &tls.Config{RootCAs: pool, ServerName: "broker.example"})
	if err != nil {
		t.Fatal(err)
	}
	if v := conn.ConnectionState().Version; v != tls.VersionTLS13 {
		t.Errorf("%s, want TLS 1.3", tls.VersionName(v))
	}
	c := newClient(t, conn)
	if code := c.connect(t, connect{id: "d1", user: "d1", secret: secretOf("d1")}); code != 0 {
		t.Fatalf("CONNACK %d", code)
	}
	for id := range uint16(50) {
		c.publishQoS1(t, "ganlin/v1/d1/telemetry", "x", id+1)
	}

	plain := dial(t, h.address())
	if code := plain.connect(t, connect{id: "d2", user: "d2", secret: secretOf("d2")}); code != closedCode {
		t.Errorf("without TLS: CONNACK %d", code)
	}
}
