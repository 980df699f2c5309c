//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package influxd

import (
	"errors"
	"os"
	"syscall"
)

// flock refuses: without a lock that ends with its process, two programs could
// run on one data folder and lose acknowledged points.
func flock(*os.File) error {
	return errors.New("a supervised InfluxDB needs Linux, macOS or BSD: name an InfluxDB under influx.url in the configuration")
}

func attributes() *syscall.SysProcAttr { return nil }

func look(int) (name, started string, ok bool) { return "", "", false }
