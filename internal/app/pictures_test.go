package app

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestPageInABrowser opens the demo's page in a real browser: a reading that a
// foreign client sends appears on it without a reload. With GANLIN_PICTURES
// naming a folder it also takes the pictures for the documents.
func TestPageInABrowser(t *testing.T) {
	tr := &trial{t: t, kind: asItIs, folder: t.TempDir()}
	pictures, days := os.Getenv("GANLIN_PICTURES"), 2
	if pictures != "" {
		days = 60
	}
	tr.launch("demo", "--data", filepath.Join(tr.folder, "season"), "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--days", strconv.Itoa(days), "--speed", "0")
	tr.waitReady()
	tr.reaches(days)
	tr.mqtt = strings.TrimPrefix(tr.ready.MQTT, "tcp://")

	tab := browser(t)
	if err := chromedp.Do(tab, chromedp.Navigate(tr.ready.HTTP+"/?lang=zh"), chromedp.WaitVisible(chromedp.CSS("#plots"))); err != nil {
		t.Fatal(err)
	}
	text, err := chromedp.Run(tab, chromedp.Text(chromedp.CSS("body")))
	if err != nil || !strings.Contains(text, "三泉村") || strings.Contains(text, "0.477") || !strings.Contains(text, "台在线") || strings.Contains(text, "连不上") {
		t.Errorf("the page is not the village's: %v\n%s", err, text)
	}
	if pictures != "" {
		takePictures(tab, t, tr.ready.HTTP, pictures)
	}
	added := strings.Fields(string(tr.command("devices", "add", "foreign", "--model", "ganlin-soil-3", "--plot", "p-001", "--data", filepath.Join(tr.folder, "season"))))
	if err := tr.publish("foreign", "foreign", added[len(added)-1], "ganlin/v1/foreign/telemetry", `{"seq":1,"values":{"soil_moisture@20":0.4771}}`); err != nil {
		t.Fatal(err)
	}
	waitFor(t, 20*time.Second, "the reading on the open page", func() (bool, string) {
		text, err := chromedp.Run(tab, chromedp.OuterHTML(chromedp.CSS("#plots"))) // it stands under "more"
		return err == nil && strings.Contains(text, "0.477"), text
	})
}

// browser starts a headless Chromium that asks nothing of the world outside.
func browser(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1280, 900),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	if path, err := findChromium(); err == nil {
		options = append(options, chromedp.ExecPath(path))
	}
	allocated, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocated)
	t.Cleanup(cancel)
	return ctx
}

func findChromium() (string, error) {
	const debian = "/usr/bin/chromium"
	_, err := os.Stat(debian)
	return debian, err
}

func takePictures(tab context.Context, t *testing.T, url, folder string) {
	t.Helper()
	for name, size := range map[string]chromedp.Action[chromedp.Void]{
		"desktop": chromedp.EmulateViewport(1280, 900),
		"phone":   chromedp.EmulateViewport(360, 800, chromedp.EmulateScale(2), chromedp.EmulateMobile),
	} {
		for _, language := range []string{"zh", "en"} {
			err := chromedp.Do(tab, size, chromedp.Navigate(url+"/?lang="+language), chromedp.WaitVisible(chromedp.CSS("#link")))
			if err != nil {
				t.Fatal(err)
			}
			picture, err := chromedp.Run(tab, chromedp.CaptureScreenshot())
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(folder, name+"-"+language+".png"), string(picture))
		}
	}
}
