package app

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ganlin/internal/httpapi"
)

// shownSignals runs what the documents show of signals, against a demo.
type shownSignals struct {
	*trial
	season          string
	webhook, secret string
}

// monitor is the token of the demo's monitor.
func (s *shownSignals) monitor() string {
	s.t.Helper()
	tokens := map[string]string{}
	if err := readJSONFile(filepath.Join(s.season, demoAccountsFile), &tokens); err != nil {
		s.t.Fatal(err)
	}
	return tokens["monitor"]
}

// curl runs a command line in a shell. A few days raise no clue, so that the
// evidence of a signal is asked for and is not there; a stream ends by curl's own limit.
func (s *shownSignals) curl(args []string) {
	line := "curl --silent " + strings.NewReplacer(
		"http://127.0.0.1:8080", s.ready.HTTP, "OPERATOR_TOKEN", s.ready.Token, "v-001", s.valve(), "TOKEN", s.monitor(), "WEBHOOK", s.webhook, "SEQUENCE", "000000000001",
	).Replace(strings.Join(args, " "))
	var stderr bytes.Buffer
	cmd := exec.CommandContext(s.t.Context(), "sh", "-c", line)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	const httpError, timedOut = 22, 28 // of curl
	switch code := cmd.ProcessState.ExitCode(); {
	case code == 0,
		code == timedOut && slices.Contains(args, "--max-time") && bytes.Contains(out, []byte("retry:")),
		code == httpError && bytes.Contains(out, []byte(`there is no signal \"000000000001\"`)),
		code == httpError && bytes.Contains(out, []byte(`there is no alert \"ALERT\"`)):
	default:
		s.t.Errorf("%s: %v: %s%s", line, err, out, &stderr)
	}
	s.made(out)
}

// valve is one that this village has.
func (s *shownSignals) valve() string {
	list, err := everyPage[httpapi.Device](s.t.Context(), &remote{base: s.ready.HTTP, token: s.ready.Token}, "/api/v1/devices")
	if err != nil {
		s.t.Error(err)
	}
	for _, d := range list {
		if strings.HasPrefix(string(d.Device), "v-") {
			return string(d.Device)
		}
	}
	return "v-001"
}

// webhooks runs a command about webhooks. Nobody answers at the address that is shown, and the test of it says so.
func (s *shownSignals) webhooks(args []string) {
	out, err := s.try(append(append([]string{"webhooks"}, inFolder(args, "WEBHOOK", s.webhook)...), "--data", s.season, "--json")...)
	if err != nil && !bytes.Contains(out, []byte(`"answer":`)) {
		s.t.Errorf("ganlin webhooks %v: %v: %s", args, err, out)
	}
	s.made(out)
}

// made remembers the webhook that a command has made.
func (s *shownSignals) made(out []byte) {
	var made httpapi.WebhookWithSecret
	if json.Unmarshal(out, &made) == nil && made.Secret != "" {
		s.webhook, s.secret = made.Webhook.ID, made.Secret
	}
}

// receiver runs the receiver that the documents show, to its end or until it takes webhooks.
func (s *shownSignals) receiver(args []string) {
	write(s.t, filepath.Join(s.folder, "token"), s.monitor())
	write(s.t, filepath.Join(s.folder, "secret"), s.secret)
	program := filepath.Join(s.t.TempDir(), "receiver")
	if out, err := exec.CommandContext(s.t.Context(), "go", "build", "-buildvcs=false", "-o", program, "../../docs/receiver").CombinedOutput(); err != nil {
		s.t.Fatalf("building the receiver: %v: %s", err, out)
	}
	own := strings.NewReplacer("http://127.0.0.1:8080", s.ready.HTTP, "127.0.0.1:9090", "127.0.0.1:0")
	for i := range args {
		args[i] = own.Replace(args[i])
	}
	cmd, out := exec.CommandContext(s.t.Context(), program, args...), &logged{}
	cmd.Dir, cmd.Stderr = s.folder, out
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	if slices.Contains(args, "--listen") {
		waitFor(s.t, time.Minute, "the receiver", func() (bool, string) {
			return strings.Contains(out.String(), "taking webhooks"), out.String()
		})
		_ = cmd.Process.Signal(os.Interrupt)
	}
	if err := cmd.Wait(); err != nil || !strings.Contains(out.String(), "caught up") {
		s.t.Errorf("receiver %v: %v: %s", args, err, out)
	}
}
