// Package config reads ganlin.yaml: strictly, with a default for every key
// but where production needs a choice, and with all problems at once.
package config

import (
	"time"

	"ganlin/devices"
)

// A Config is what the program is told. All paths in it are absolute or
// relative to the working directory, not to the file that named them.
type Config struct {
	Data     string // the data folder
	HTTP     HTTP
	MQTT     MQTT
	Journal  Journal
	Letters  DeadLetters
	Influx   *Influx // nil: the supervised local one
	Records  Records
	Registry []string
	Rules    []string
	Signals  Signals
	TimeZone string // of a site that does not say its own
	Notify   Notify
}

// HTTP is where pages and the API answer.
type HTTP struct {
	Listen      string // host:port
	TLS         *TLS   // nil: plain, on a loopback address unless BehindProxy
	BehindProxy bool   // a proxy ends TLS and passes requests on in plain text
	URL         string // where people reach the pages, without a slash at its end; empty: where they are listened for
}

// TLS names a certificate and its key, both in PEM files.
type TLS struct {
	CertFile, KeyFile string
}

// MQTT is how messages come in. At least one way is there.
type MQTT struct {
	Listen  *Listen // the embedded broker; nil: none
	Brokers []Broker
}

// A Listen is where the embedded broker answers.
type Listen struct {
	Address string // host:port
	TLS     *TLS   // nil: plain
}

// A Broker is an external MQTT broker and what to subscribe there.
type Broker struct {
	URL      string
	CAFile   string // PEM; who signs the broker's certificate; empty: the system's authorities
	ClientID string // of the persistent session; two programs at one broker need two
	Username string
	Password Secret
	Share    string // of shared subscriptions; empty: none
	Sources  []Source
}

// A Source is topic filters and the name of the codec that reads what comes on them.
type Source struct {
	Topics []string
	Codec  string
}

// Journal is how long and how much of it is kept.
type Journal struct {
	Keep     time.Duration
	MaxBytes int64
}

// DeadLetters is how much of what could not be read is kept.
type DeadLetters struct {
	MaxBytes int64 // of all payloads
}

// Influx is a database that is there already.
type Influx struct {
	URL, Org, Bucket string
	Token            Secret // empty: the database asks for none
}

// Records is where the records are.
type Records struct {
	URL Secret // of a PostgreSQL database, with its password; empty: SQLite in the data folder
}

// Native is the codec of Ganlin's own wire format.
const Native = "native"

// Default returns what holds for keys that are not given. It is not complete:
// it has no way for messages to come in.
func Default() Config {
	return Config{
		Data:     "/var/lib/ganlin",
		HTTP:     HTTP{Listen: "127.0.0.1:8080"},
		Journal:  Journal{Keep: 45 * 24 * time.Hour, MaxBytes: 10_000_000_000},
		Letters:  DeadLetters{MaxBytes: 256_000_000},
		TimeZone: "Asia/Shanghai",
		Notify:   defaultNotify(),
	}
}

// defaultBroker is an external broker on which devices speak the native format.
func defaultBroker() Broker {
	native := Source{Codec: Native}
	for _, leaf := range devices.UpLeaves() {
		native.Topics = append(native.Topics, devices.Topic("+", leaf))
	}
	return Broker{ClientID: "ganlin", Sources: []Source{native}}
}

// defaultInflux is a database of which only the address is known.
func defaultInflux() Influx { return Influx{Org: "ganlin", Bucket: "ganlin"} }
