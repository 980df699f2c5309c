package dashboards_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"ganlin/dashboards"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

func TestShot(t *testing.T) {
	spec := os.Getenv("SHOT")
	if spec == "" {
		t.Skip()
	}
	var view, path, js, scheme string
	var w, h int64
	fmt.Sscan(spec, &view, &path, &w, &h, &scheme, &js)
	vs := map[string]dashboards.View{
		"calm": fortyPlots(morning), "trouble": troubled(fortyPlots(morning)),
		"none":    calm(dashboards.View{Name: "三泉村"}),
		"waiting": calm(dashboards.View{Name: "三泉村", Plots: []dashboards.Plot{{ID: "p-001", Name: "后坡三号", Devices: []dashboards.Device{{ID: "s-001"}}}, {ID: "p-002"}}}),
	}
	build := calm(dashboards.View{Name: "三泉村", Plots: vs["waiting"].Plots})
	build.Parts[2].Conditions = []dashboards.Condition{{Kind: dashboards.DatabaseBuilding, Step: 3, Steps: 4, Elapsed: 70 * time.Second}}
	build.DeadLetters = nil
	vs["building"] = build
	ctx := tab(t)
	server := start(t, newVillage(vs[view]))
	chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	do(t, ctx, chromedp.EmulateViewport(w, h), chromedp.Navigate(server.URL+path), chromedp.WaitVisible(chromedp.CSS("#link.live")))
	if js == "cut" {
		go server.CloseClientConnections()
		server.Listener.Close()
		do(t, ctx, chromedp.WaitVisible(chromedp.CSS("#cut")))
	} else if js != "" {
		get(t, ctx, chromedp.Evaluate[any](js))
	}
	time.Sleep(300 * time.Millisecond)
	os.WriteFile("/tmp/ganlin/shots/x.png", get(t, ctx, chromedp.CaptureScreenshot()), 0o600)
}
