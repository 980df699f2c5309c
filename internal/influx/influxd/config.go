package influxd

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
)

// ports are what the child listens on, on 127.0.0.1 alone.
type ports struct {
	HTTP int `json:"http_port"`
	RPC  int `json:"rpc_port"` // for backups; it has a fixed default, so two children would clash
}

// free returns the ports if they are free, so that a restarted child keeps its
// address, and others for those that are not.
func (p ports) free() (ports, error) {
	for _, port := range []*int{&p.HTTP, &p.RPC} {
		l, err := listen(*port)
		if err != nil {
			return p, fmt.Errorf("looking for a free port: %w", err)
		}
		*port = l.Addr().(*net.TCPAddr).Port
		defer l.Close() // both are held until both are chosen
	}
	return p, nil
}

// listen opens the port, or if it is 0 or taken one from below those that
// systems give to outgoing connections (32768 and up on Linux): such a
// connection would take the place of a child that is being restarted.
func listen(port int) (net.Listener, error) {
	var l net.Listener
	err := errors.New("no port yet")
	for try := 0; err != nil && try < 100; try++ {
		if port == 0 || try > 0 {
			port = 20_000 + rand.N(12_000) //nolint:gosec // a port is no secret
		}
		l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)) //nolint:noctx // opens a local socket at once
	}
	return l, err
}

// writeConfig writes the configuration of the child and returns its path.
// Everything that has a default which loses data, listens or talks to others
// is set. Retention is infinite: InfluxDB's own default policy.
func writeConfig(dir string, p ports) (string, error) {
	path := filepath.Join(dir, "influxd.conf")
	text := fmt.Sprintf(`# Written by Ganlin at every start; changes are lost.
reporting-disabled = true
bind-address = "127.0.0.1:%d"

[meta]
dir = %q

[data]
dir = %q
wal-dir = %q
wal-fsync-delay = "0s"
index-version = "tsi1"
max-series-per-database = 0
max-values-per-tag = 0
query-log-enabled = false

[http]
bind-address = "127.0.0.1:%d"
auth-enabled = true
log-enabled = false
pprof-enabled = false
flux-enabled = false

[logging]
format = "logfmt"
level = "info"
suppress-logo = true

[monitor]
store-enabled = false

[subscriber]
enabled = false

[continuous_queries]
enabled = false
`, p.RPC, filepath.Join(dir, "meta"), filepath.Join(dir, "data"), filepath.Join(dir, "wal"), p.HTTP)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return "", fmt.Errorf("writing the configuration of influxd: %w", err)
	}
	return path, nil
}
