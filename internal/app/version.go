package app

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by the linker of a release.
var version = "development"

type versionCommand struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Run prints what was built, from what and with which engines.
func (v versionCommand) Run(c console) error {
	info := map[string]string{"version": version, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH}
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, d := range build.Deps {
			if d.Path == "github.com/nats-io/nats-server/v2" {
				info["nats_server"] = d.Version
			}
		}
	}
	if v.JSON {
		return json.NewEncoder(c.out).Encode(info)
	}
	_, err := fmt.Fprintf(c.out, "ganlin %s (%s, %s, nats-server %s)\n", info["version"], info["go"], info["platform"], info["nats_server"])
	return err
}
