package natsd_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// listening returns the local addresses that this process listens on, as the kernel writes them.
func listening(t *testing.T) map[string]bool {
	t.Helper()
	mine := map[string]bool{}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skipf("no /proc here: %v", err)
	}
	for _, fd := range fds {
		if link, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil {
			mine[link] = true
		}
	}
	found := map[string]bool{}
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
		text, err := os.ReadFile("/proc/self/net/" + table)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(string(text), "\n") {
			f := strings.Fields(line)
			const listen = "0A"
			if len(f) > 9 && mine[fmt.Sprintf("socket:[%s]", f[9])] && (f[3] == listen || strings.HasPrefix(table, "udp")) {
				found[f[1]] = true
			}
		}
	}
	return found
}

func atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
