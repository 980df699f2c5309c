package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"ganlin/internal/httpapi"
)

// TestPageInABrowser opens the demo's page in a real browser: a reading that a
// foreign client sends appears on it without a reload.
func TestPageInABrowser(t *testing.T) {
	const days = 2
	tr := &trial{t: t, kind: asItIs, folder: t.TempDir()}
	season := tr.livedSeason(days)
	tab := browser(t)
	if err := chromedp.Do(tab, chromedp.Navigate(tr.ready.HTTP+"/?lang=zh"), chromedp.WaitVisible(chromedp.CSS("#plots"))); err != nil {
		t.Fatal(err)
	}
	text, err := chromedp.Run(tab, chromedp.Text(chromedp.CSS("body")))
	if err != nil || !strings.Contains(text, "三泉村") || strings.Contains(text, "0.477") || !strings.Contains(text, "台在线") || strings.Contains(text, "连不上") {
		t.Errorf("the page is not the village's: %v\n%s", err, text)
	}
	added := strings.Fields(string(tr.command("devices", "add", "foreign", "--model", "ganlin-soil-3", "--plot", "p-001", "--data", season)))
	if err := tr.publish("foreign", "foreign", added[len(added)-1], "ganlin/v1/foreign/telemetry", `{"seq":1,"values":{"soil_moisture@20":0.4771}}`); err != nil {
		t.Fatal(err)
	}
	waitFor(t, 20*time.Second, "the reading on the open page", func() (bool, string) {
		text, err := chromedp.Run(tab, chromedp.OuterHTML(chromedp.CSS("#plots"))) // it stands under "more"
		return err == nil && strings.Contains(text, "0.477"), text
	})
}

// livedSeason starts the demo and waits until its season is over; then its clock goes on with the wall's.
func (tr *trial) livedSeason(days int) (folder string) {
	tr.t.Helper()
	folder = filepath.Join(tr.folder, "season")
	tr.launch("demo", "--data", folder, "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--days", fmt.Sprint(days), "--speed", "0")
	tr.waitReady()
	tr.reaches(days)
	tr.mqtt = strings.TrimPrefix(tr.ready.MQTT, "tcp://")
	return folder
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

// pictured is a picture that a document shows: of which page, how wide, in which language.
var pictured = regexp.MustCompile(`pictures/([a-z]+)-(phone|desktop)-(zh|en)\.png`)

// pictureFolder is where the pictures of the documents are.
const pictureFolder = "../../docs/pictures"

// shownPictures are the pictures that the documents show, by file name.
func shownPictures(t *testing.T) map[string][]string {
	t.Helper()
	shown := map[string][]string{}
	for _, document := range documents(t) {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range pictured.FindAllStringSubmatch(string(text), -1) {
			shown[strings.TrimPrefix(m[0], "pictures/")] = m[1:]
		}
	}
	return shown
}

// TestPicturesOfTheDocuments holds the folder of pictures against what documents show.
func TestPicturesOfTheDocuments(t *testing.T) {
	shown := shownPictures(t)
	files, err := filepath.Glob(pictureFolder + "/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if _, ok := shown[filepath.Base(file)]; !ok {
			t.Errorf("no document shows %s", file)
		}
	}
	for name, parts := range shown {
		if _, err := os.Stat(filepath.Join(pictureFolder, name)); err != nil {
			t.Errorf("%v: make pictures takes it", err)
		}
		if !slices.Contains(sceneNames, parts[0]) {
			t.Errorf("%s: no picture is taken of a page %q", name, parts[0])
		}
	}
	if len(shown) < 10 {
		t.Errorf("only %d pictures are shown", len(shown))
	}
}

// sceneNames are the pages that pictures are taken of.
var sceneNames = []string{"first", "farmer", "village", "plot", "decision", "clues", "clue", "operations"}

// A scene is one of them as the person sees it whom it is for; nobody is whoever sits at the machine of the demo.
type scene struct{ as, path string }

// TestPictures takes the pictures that the documents show from a running demo,
// into the folder that GANLIN_PICTURES names. With GANLIN_PICTURES_ALL it takes
// every page in every width and language, for people to look at.
func TestPictures(t *testing.T) {
	folder := os.Getenv("GANLIN_PICTURES")
	if folder == "" {
		t.Skip("GANLIN_PICTURES names no folder")
	}
	tr := &trial{t: t, kind: asItIs, folder: t.TempDir()}
	scenes := tr.scenes(tr.livedSeason(84)) // of a drought: the end of July
	wanted := shownPictures(t)
	if os.Getenv("GANLIN_PICTURES_ALL") != "" {
		for _, page := range sceneNames {
			for _, size := range []string{"phone", "desktop"} {
				for _, language := range []string{"zh", "en"} {
					wanted[page+"-"+size+"-"+language+".png"] = []string{page, size, language}
				}
			}
		}
	}
	for name, of := range wanted {
		t.Run(name, func(t *testing.T) {
			write(t, filepath.Join(folder, name), string(tr.picture(t, scenes[of[0]], of[1], of[2])))
		})
	}
}

// picture opens a page as the person sees it whom it is for, in a browser of its own.
func (tr *trial) picture(t *testing.T, s scene, size, language string) []byte {
	t.Helper()
	tab := browser(t)
	steps := []chromedp.Action[chromedp.Void]{chromedp.EmulateViewport(1280, 900)}
	if size == "phone" {
		steps[0] = chromedp.EmulateViewport(360, 780, chromedp.EmulateScale(2), chromedp.EmulateMobile)
	}
	if s.as != "" {
		steps = append(steps, chromedp.Navigate(tr.ready.HTTP+"/as/"+s.as))
	}
	steps = append(steps, chromedp.Navigate(tr.ready.HTTP+s.path+"?lang="+language),
		chromedp.WaitVisible(chromedp.CSS("body:not(:has(#charts)), #charts[data-ready='1']")))
	if err := chromedp.Do(tab, steps...); err != nil {
		t.Fatal(err)
	}
	picture, err := chromedp.Run(tab, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

// scenes finds what the pages are about: the most urgent clue, a plot that was
// watered and why it was, and the farmer with the most valves, one of which is opened.
func (tr *trial) scenes(season string) map[string]scene {
	tr.t.Helper()
	operator := remote{base: tr.ready.HTTP, token: tr.ready.Token}
	call := func(r remote, method, path string, body, out any) {
		tr.t.Helper()
		if err := r.call(tr.t.Context(), method, path, body, out); err != nil {
			tr.t.Fatal(err)
		}
	}
	var clues httpapi.CluePage
	call(operator, "GET", "/api/v1/risk/clues", nil, &clues)
	var plots httpapi.PlotPage
	call(operator, "GET", "/api/v1/plots", nil, &plots)
	watered, decision := httpapi.Plot{}, []string(nil)
	for _, p := range plots.Items {
		_, page := tr.get("/plots/" + string(p.ID) + "?range=season&lang=en")
		if m := regexp.MustCompile(`href="/decisions/([0-9a-f]+)[^>]*>[^<]*[Ww]ater`).FindStringSubmatch(string(page)); m != nil {
			watered, decision = p, m
			break
		}
	}
	_, first := tr.get("/")
	farmer := regexp.MustCompile(`href="/as/(farmer-[^"]+)"`).FindStringSubmatch(string(first))
	if len(clues.Items) == 0 || decision == nil || farmer == nil {
		tr.t.Fatalf("%d clues, %v of %v, %v", len(clues.Items), decision, watered.ID, farmer)
	}
	tokens := map[string]string{}
	if err := readJSONFile(filepath.Join(season, demoAccountsFile), &tokens); err != nil {
		tr.t.Fatal(err)
	}
	own := remote{base: tr.ready.HTTP, token: tokens[farmer[1]]}
	call(own, "GET", "/api/v1/plots", nil, &plots)
	for _, p := range plots.Items {
		if len(p.Valves) > 0 {
			call(own, "POST", "/api/v1/valves/"+string(p.Valves[0])+"/open", map[string]int{"duration_s": 3600}, nil)
			break
		}
	}
	return map[string]scene{
		"first": {"", "/"}, "farmer": {farmer[1], "/my"}, "village": {"agronomist", "/village"}, "plot": {"agronomist", "/plots/" + string(watered.ID)},
		"decision": {"agronomist", "/decisions/" + decision[1]}, "clues": {"grid", "/clues"}, "clue": {"grid", "/clues/" + clues.Items[0].ID},
		"operations": {"operator", "/operations"},
	}
}
