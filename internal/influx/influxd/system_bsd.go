//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package influxd

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// attributes keep the terminal's Ctrl-C from the child. There is no death
// signal here: a killed program leaves an orphan, which the next start ends.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// look returns the name of a running process and when it started, as ps tells.
func look(pid int) (name, started string, ok bool) {
	out, err := exec.Command("ps", "-o", "lstart=,comm=", "-p", strconv.Itoa(pid)).Output() //nolint:noctx // ends at once
	words := strings.Fields(string(out))
	if err != nil || len(words) < 6 { // Mon Nov 23 19:24:00 2026 /path/influxd
		return "", "", false
	}
	return filepath.Base(words[5]), strings.Join(words[:5], " "), true
}
