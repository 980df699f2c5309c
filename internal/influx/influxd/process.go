package influxd

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// stopBound is how long influxd has to end after SIGTERM before SIGKILL.
const stopBound = 15 * time.Second

// A process is one run of influxd.
type process struct {
	pid    int
	exited chan struct{} // closed when it has ended and was waited for
	end    string        // how it ended, such as "signal: killed"; read after exited
}

// startProcess runs influxd until it ends or ctx does. It gets no environment
// but the few names it needs: INFLUXDB_… would override its configuration.
//
// The goroutine keeps its thread for the life of the child, because the death
// signal is sent when the thread that started the child ends.
func startProcess(ctx context.Context, binary, config string, out io.Writer) (*process, error) {
	p := &process{exited: make(chan struct{})}
	cmd := exec.CommandContext(ctx, binary, "-config", config)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "LANG=C"}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = attributes()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopBound
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.exited)
		err := cmd.Start()
		if err == nil {
			p.pid = cmd.Process.Pid
		}
		started <- err
		if err == nil {
			_ = cmd.Wait() // the state says it
			p.end = cmd.ProcessState.String()
		}
	}()
	if err := <-started; err != nil {
		<-p.exited
		return nil, fmt.Errorf("starting influxd: %w", err)
	}
	return p, nil
}
