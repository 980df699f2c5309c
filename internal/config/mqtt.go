package config

import (
	"crypto/x509"
	"fmt"
	"os"
	"slices"
	"strings"

	"ganlin/internal/position"
)

// laterCodecs are described in the contract and not built yet.
func laterCodecs() []string { return []string{"chirpstack-v4", "thethingsstack-v3", "sparkplug-b"} }

func (l *loader) mqtt(root position.Mapping, v *MQTT) {
	n := root.Get("mqtt")
	m, ok := n.Mapping("mqtt", "listen", "brokers")
	if !ok {
		return
	}
	listen, brokers := m.Get("listen"), m.Get("brokers").List("mqtt.brokers")
	if listen.Absent() && len(brokers) == 0 {
		at := root.At()
		if !n.Absent() {
			at = n.At()
		}
		l.report.Errorf(at, "nothing can come in: give mqtt.listen an address, such as mqtt: {listen: {address: 0.0.0.0:1883}}, or name a broker among mqtt.brokers")
	}
	if !listen.Absent() {
		v.Listen = l.listen(listen)
	}
	for _, item := range brokers {
		b := l.broker(item)
		if b.URL != "" && slices.ContainsFunc(v.Brokers, func(o Broker) bool { return o.URL == b.URL && o.ClientID == b.ClientID }) {
			item.Errorf("broker %s stands twice with the client_id %s, and the two would throw each other out; give one another client_id", b.URL, b.ClientID)
		}
		v.Brokers = append(v.Brokers, b)
	}
}

func (l *loader) listen(n position.Node) *Listen {
	var v Listen
	m, ok := n.Mapping("mqtt.listen", "address", "tls")
	if !ok {
		return &v
	}
	if l.text(m, "address", &v.Address) {
		complain(m.Get("address"), "mqtt.listen.address", checkAddress(v.Address))
	} else if m.Get("address").Absent() {
		n.Errorf("mqtt.listen lacks address; write one such as 0.0.0.0:1883")
	}
	v.TLS = l.tls(m.Get("tls"), "mqtt.listen.tls")
	return &v
}

func (l *loader) broker(n position.Node) Broker {
	v := defaultBroker()
	m, ok := n.Mapping("a broker", "url", "ca_file", "client_id", "username", "password", "password_file", "share", "sources")
	if !ok {
		return v
	}
	if l.text(m, "url", &v.URL) {
		complain(m.Get("url"), "url of a broker", checkURL(v.URL, true, BrokerSchemes()...))
	} else if m.Get("url").Absent() {
		n.Errorf("a broker lacks url; write one such as tcp://mosquitto:1883")
	}
	if l.path(m, "ca_file", &v.CAFile) {
		complain(m.Get("ca_file"), "ca_file", checkAuthorities(v))
	}
	l.text(m, "client_id", &v.ClientID)
	l.text(m, "username", &v.Username)
	l.secret(m, "password", &v.Password)
	if l.text(m, "share", &v.Share) && strings.ContainsAny(v.Share, "/+#") {
		m.Get("share").Errorf("share %q holds one of / + #; use letters and digits", v.Share)
	}
	if sources := m.Get("sources"); !sources.Absent() {
		v.Sources = l.sources(sources)
	}
	return v
}

// BrokerSchemes are those of the addresses of brokers: plain ones, then those of TLS.
func BrokerSchemes() []string { return []string{"tcp", "mqtt", "ssl", "tls", "mqtts"} }

// checkAuthorities checks the certificates that a broker's own is to be signed by.
func checkAuthorities(b Broker) error {
	if strings.HasPrefix(b.URL, "tcp:") || strings.HasPrefix(b.URL, "mqtt:") {
		return fmt.Errorf("a connection to %s is not encrypted; write ssl:// there, or leave ca_file out", b.URL)
	}
	text, err := os.ReadFile(b.CAFile)
	if err == nil && !x509.NewCertPool().AppendCertsFromPEM(text) {
		err = fmt.Errorf("%s holds no certificate in PEM", b.CAFile)
	}
	return err
}

func (l *loader) sources(n position.Node) []Source {
	var all []Source
	seen := map[string]bool{}
	for _, item := range n.List("sources") {
		m, ok := item.Mapping("a source", "topics", "codec")
		if !ok {
			continue
		}
		s := Source{Codec: Native}
		if l.text(m, "codec", &s.Codec) {
			checkCodec(m.Get("codec"), s.Codec)
		}
		for _, topic := range m.Get("topics").List("topics") {
			filter, ok := l.expand(topic, "topics")
			if !ok {
				continue
			}
			complain(topic, "topics", checkFilter(filter))
			if seen[filter] {
				topic.Errorf("topic filter %q stands twice, and its messages would be read twice; keep one", filter)
			}
			seen[filter] = true
			s.Topics = append(s.Topics, filter)
		}
		if m.Get("topics").Absent() {
			item.Errorf("a source lacks topics; write some such as [ganlin/v1/+/telemetry]")
		}
		all = append(all, s)
	}
	if len(all) == 0 {
		n.Errorf("sources is empty; leave it out for the native topics")
	}
	return all
}

func checkCodec(n position.Node, name string) {
	switch {
	case name == Native:
	case slices.Contains(laterCodecs(), name):
		n.Errorf("codec %s is not in this version yet; it knows %s", name, Native)
	default:
		n.Errorf("codec %q is not known%s; it is %s", name, position.DidYouMean(name, append(laterCodecs(), Native)), Native)
	}
}
