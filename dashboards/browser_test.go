package dashboards_test

import (
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

const chromium = "/usr/bin/chromium"

// tab starts a Chromium of its own and returns the context of its one tab.
func tab(t *testing.T) context.Context {
	t.Helper()
	if _, err := os.Stat(chromium); err != nil {
		t.Skipf("no Chromium: %v", err)
	}
	ctx, stop := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()), chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
	)...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	do(t, ctx, chromedp.Navigate("about:blank"))
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// start serves the pages of a village on a port of its own.
func start(t *testing.T, v *village) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(serve(t, v))
	t.Cleanup(func() {
		server.CloseClientConnections() // Close alone would wait for live pages
		server.Close()
	})
	return server
}

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) { //nolint:revive // t comes first in tests
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

func get[T any](t *testing.T, ctx context.Context, a chromedp.Action[T]) T { //nolint:revive // t comes first in tests
	t.Helper()
	got, err := chromedp.Run(ctx, a)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestPictures writes pictures of the page into the folder that GANLIN_PICTURES names, for people to look at.
func TestPictures(t *testing.T) {
	folder := os.Getenv("GANLIN_PICTURES")
	if folder == "" {
		t.Skip("GANLIN_PICTURES names no folder")
	}
	ctx := tab(t)
	for name, v := range map[string]*village{"calm": newVillage(fortyPlots(morning)), "trouble": newVillage(troubled(fortyPlots(morning)))} {
		server := start(t, v)
		for _, lang := range []string{"zh", "en"} {
			for _, scheme := range []string{"light", "dark"} {
				for screen, size := range map[string][2]int64{"phone": {360, 1500}, "desktop": {1280, 1350}, "narrow": {320, 1200}} {
					_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
						Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
					})
					if err != nil {
						t.Fatal(err)
					}
					do(t, ctx, chromedp.EmulateViewport(size[0], size[1]), chromedp.Navigate(server.URL+"/?lang="+lang),
						chromedp.WaitVisible(chromedp.CSS("#link.live")))
					png := get(t, ctx, chromedp.CaptureScreenshot())
					if err := os.WriteFile(filepath.Join(folder, name+"-"+lang+"-"+scheme+"-"+screen+".png"), png, 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
}
