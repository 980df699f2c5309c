package influxd

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// attributes make the kernel kill the child when the thread that started it
// ends, so that a killed program leaves no influxd behind. A group of its own
// keeps the terminal's Ctrl-C from it: it is stopped after its writer.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// look returns the name of a running process and when it started, in clock
// ticks since boot; see proc_pid_stat(5).
func look(pid int) (name, started string, ok bool) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", "", false
	}
	_, rest, _ := strings.Cut(string(raw), "(")
	end := strings.LastIndexByte(rest, ')') // the name may hold any character
	if end < 0 {
		return "", "", false
	}
	fields := strings.Fields(rest[end+1:]) // from field 3, the state
	if len(fields) < 20 || fields[0] == "Z" || fields[0] == "X" {
		return "", "", false
	}
	return rest[:end], fields[19], true
}
