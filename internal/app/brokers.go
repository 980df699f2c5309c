package app

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"time"

	"ganlin/ingest"
	"ganlin/internal/config"
	"ganlin/internal/mqtt"
)

// addBroker prepares a source over an external broker.
func (p *program) addBroker(c config.Broker) error {
	b := &externalBroker{url: c.URL}
	unknown := p.clock.Now()
	b.down.Store(&unknown)
	o, err := brokerOptions(c)
	if err != nil {
		return err
	}
	o.Now, o.Log = func() time.Time { return p.clock.Now() }, p.log
	o.OnEvent = func(e mqtt.Event) {
		switch e.Kind {
		case mqtt.Connected:
			p.brokerBack(b)
		case mqtt.Lost:
			now := time.Now().UTC()
			b.down.CompareAndSwap(nil, &now)
		}
	}
	if b.source, err = mqtt.New(o); err != nil {
		return exitError{exitUsage, fmt.Errorf("preparing broker %s: %w", c.URL, err)}
	}
	p.brokers = append(p.brokers, b)
	return nil
}

// brokerOptions are what the configuration says of an external broker.
func brokerOptions(c config.Broker) (mqtt.Options, error) {
	o := mqtt.Options{URL: c.URL, ClientID: c.ClientID, Username: c.Username, Password: c.Password.Reveal(), Share: c.Share}
	for _, s := range c.Sources {
		o.Subscriptions = append(o.Subscriptions, mqtt.Subscription{Topics: s.Topics, Codec: ingest.Codecs()[s.Codec]})
	}
	if c.CAFile == "" {
		return o, nil
	}
	text, err := os.ReadFile(c.CAFile)
	if err != nil {
		return o, fmt.Errorf("reading the authorities of broker %s: %w", c.URL, err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text) // the configuration has seen that there are some
	o.TLS = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return o, nil
}
