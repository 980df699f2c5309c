package config

import (
	"fmt"
	"io"
	"math"
	"net"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxSecretBytes is the largest secret file: a token, not a disk.
const maxSecretBytes = 64 << 10

// readSecret reads a file that holds a secret and perhaps a line end.
func readSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("reading the secret: %w", err)
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxSecretBytes+1))
	if err != nil {
		return "", fmt.Errorf("reading the secret: %w", err)
	}
	secret := strings.TrimRight(string(text), "\r\n")
	switch {
	case len(text) > maxSecretBytes:
		return "", fmt.Errorf("%s is larger than %d bytes; it cannot be a secret", path, maxSecretBytes)
	case secret == "":
		return "", fmt.Errorf("%s is empty", path)
	}
	return secret, nil
}

// parseDuration reads days (45d) beside what Go knows (24h, 90m).
func parseDuration(text string) (time.Duration, error) {
	var d time.Duration
	days, isDays := strings.CutSuffix(text, "d")
	n, err := strconv.ParseUint(days, 10, 16)
	if isDays && err == nil {
		d = time.Duration(n) * 24 * time.Hour
	} else if d, err = time.ParseDuration(text); err != nil {
		return 0, fmt.Errorf("%q is no duration; write one such as 45d or 24h", text)
	}
	return d, nil
}

var sizeText = regexp.MustCompile(`^([0-9]+) ?([a-zA-Z]*)$`)

// parseBytes reads 10GB (10^10 bytes) and 10GiB (10 * 2^30 bytes).
func parseBytes(text string) (int64, error) {
	units := map[string]int64{
		"": 1, "B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
		"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
	}
	parts := sizeText.FindStringSubmatch(text)
	if parts == nil || units[parts[2]] == 0 {
		return 0, fmt.Errorf("%q is no size; write one such as 10GB or 512MiB", text)
	}
	n, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || n > math.MaxInt64/units[parts[2]] {
		return 0, fmt.Errorf("%q is too large a size", text)
	}
	return n * units[parts[2]], nil
}

// checkAddress checks host:port. Port 0 is any free one.
func checkAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q is no address; write host:port, such as 127.0.0.1:8080", address)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("port %q of %q is not 0 to 65535", port, address)
	}
	if strings.ContainsAny(host, " /@") {
		return fmt.Errorf("%q is no host", host)
	}
	return nil
}

// checkLoopback checks that an address can be reached from this machine alone.
func checkLoopback(address string) error {
	if Loopback(address) {
		return nil
	}
	return fmt.Errorf("%q can be reached from elsewhere, and without TLS tokens could be read on the way; give http.tls a cert_file and key_file, or listen on 127.0.0.1, or, where a proxy ends TLS, say http.plaintext: %q", address, Plaintext)
}

// Loopback reports whether an address host:port can be reached from this machine alone.
func Loopback(address string) bool {
	host, _, _ := net.SplitHostPort(address)
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// checkURL checks scheme and host, and that no password stands in the URL, where it would be logged.
func checkURL(text string, needsPort bool, schemes ...string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || !slices.Contains(schemes, u.Scheme) || u.Hostname() == "":
		return fmt.Errorf("%q is no address; write %s://host:port with one of %s", redact(u), schemes[0], strings.Join(schemes, ", "))
	case u.User != nil:
		return fmt.Errorf("%q holds a name or password; give them in keys of their own", redact(u))
	case needsPort && u.Port() == "":
		return fmt.Errorf("%q lacks the port, such as %s:1883", redact(u), text)
	}
	return checkPort(u)
}

func checkPort(u *url.URL) error {
	if u.Port() == "" {
		return nil
	}
	if n, err := strconv.ParseUint(u.Port(), 10, 16); err != nil || n == 0 {
		return fmt.Errorf("port %q is not 1 to 65535", u.Port())
	}
	return nil
}

func redact(u *url.URL) string {
	if u == nil {
		return "…"
	}
	return u.Redacted()
}

// checkTimeZone accepts names of the IANA database; Local would mean another zone on every machine.
func checkTimeZone(name string) error {
	if _, err := time.LoadLocation(name); err != nil || name == "Local" {
		return fmt.Errorf("%q is not in the IANA database; write one such as Asia/Shanghai", name)
	}
	return nil
}

// checkFilter checks an MQTT topic filter (MQTT 3.1.1, 4.7).
func checkFilter(filter string) error {
	if len(filter) > 65535 || strings.ContainsRune(filter, 0) {
		return fmt.Errorf("the topic filter is longer than 65535 bytes or holds a zero character")
	}
	if strings.HasPrefix(filter, "$share/") {
		return fmt.Errorf("topic filter %q is shared; name the share in the key share", filter)
	}
	levels := strings.Split(filter, "/")
	for i, level := range levels {
		switch {
		case level != "#" && strings.Contains(level, "#"), level == "#" && i < len(levels)-1:
			return fmt.Errorf("topic filter %q: # stands alone and last, as in a/#", filter)
		case level != "+" && strings.Contains(level, "+"):
			return fmt.Errorf("topic filter %q: + stands alone between slashes, as in a/+/b", filter)
		}
	}
	return nil
}
