package app

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestCommandsOfTheDocuments runs the commands that documents show: against a
// demo, or on a configuration of its own; only addresses, files and passwords are
// put in. Of make it asks what it would run. A command that it does not know fails it.
func TestCommandsOfTheDocuments(t *testing.T) {
	tr := &trial{t: t, kind: asItIs, folder: t.TempDir()}
	season := filepath.Join(tr.folder, "season")
	tr.demo()
	tr.waitReady()
	tr.mqtt = strings.TrimPrefix(tr.ready.MQTT, "tcp://")
	served := newTrial(t, asItIs, 0, "")
	registry := filepath.Join(served.folder, "registry.yaml")
	other := filepath.Join(served.folder, "other.yaml")
	write(t, other, hamlet(1, "s-101"))
	write(t, registry, strings.Replace(probes(0), "station: w-01,", "station: w-01, household: h-017,", 1))

	once, hills := filepath.Join(tr.folder, "once"), filepath.Join(tr.folder, "hills.yaml")
	hillsTest := filepath.Join(tr.folder, "hills_test.yaml")
	lived := false // a whole season
	write(t, hills, example(t, "rules"))
	write(t, hillsTest, example(t, "tests"))
	made := false // by devices add
	password := ""
	signalsShown := &shownSignals{trial: tr, season: season}
	runs := map[string]func(args []string){
		"make": func(args []string) { wouldMake(t, args) },
		"ganlin demo": func(args []string) { // without --once it runs
			if slices.Contains(args, "--once") && !lived {
				lived = true
				tr.command(append([]string{"demo"}, inFolder(args, "season", once, "report.json", once+".json")...)...)
				followedByHand(t, once)
			}
		},
		"ganlin rules": func(args []string) {
			tr.command(append([]string{"rules"}, inFolder(args, "season", once, "hills.yaml", hills, "hills_test.yaml", hillsTest)...)...)
		},
		"ganlin explain": func(args []string) {
			tr.command(append([]string{"explain"}, inFolder(args, "season", once)...)...)
		},
		"ganlin serve": func([]string) {
			served.start()
			served.stop()
		},
		"ganlin check": func([]string) { served.command("check", "--config", served.config) },
		"ganlin doctor": func([]string) {
			waitFor(t, time.Minute, "the doctor to find all well", func() (bool, string) {
				out, err := tr.try("doctor", "--data", season)
				return err == nil, string(out)
			})
		},
		"ganlin stop":   func([]string) { tr.command("stop", "--data", season) },
		"ganlin resume": func([]string) { tr.command("resume", "--data", season) },
		"ganlin valves": func(args []string) { // nothing is wrong with a valve of this season
			if _, err := tr.try(append(append([]string{"valves"}, args...), "--data", season)...); err == nil || !strings.Contains(err.Error(), "there is nothing to clear") {
				t.Errorf("ganlin valves %v: %v", args, err)
			}
		},
		"ganlin losses":      func(args []string) { tr.command(append(append([]string{"losses"}, args...), "--data", season)...) },
		"ganlin deadletters": func(args []string) { tr.command(append(append([]string{"deadletters"}, args...), "--data", season)...) },
		"ganlin devices": func(args []string) {
			switch {
			case slices.Contains(args, "--config"):
				served.command(append([]string{"devices"}, inFolder(args, "ganlin.yaml", served.config, "registry.yaml", registry, "other.yaml", other)...)...)
			case !made:
				made = true
				fields := strings.Fields(string(tr.command(append(append([]string{"devices"}, args...), "--data", season)...)))
				password = fields[len(fields)-1]
			}
		},
		"mosquitto_pub": func(args []string) {
			line := strings.NewReplacer("PASSWORD", password, "密码", password).Replace(strings.Join(args, " "))
			topic := regexp.MustCompile(`-t (\S+)`).FindStringSubmatch(line)
			message := regexp.MustCompile(`-m '([^']+)'`).FindStringSubmatch(line)
			user := regexp.MustCompile(`-u (\S+)`).FindStringSubmatch(line)
			if topic == nil || message == nil || user == nil {
				t.Errorf("mosquitto_pub lacks a topic, a message or a user: %s", line)
				return
			}
			if err := tr.publish(user[1], user[1], password, topic[1], message[1]); err != nil {
				t.Error(err)
			}
		},
		"firmware-sim": served.firmwareSim,
		"ganlin accounts": func(args []string) {
			if !slices.Contains(args, "--config") {
				args = append(args, "--data", season)
			}
			served.command(append([]string{"accounts"}, inFolder(args, "ganlin.yaml", served.config)...)...)
		},
		"ganlin notify": served.notify,
		"curl":          signalsShown.curl,
		"receiver":      signalsShown.receiver,

		"ganlin webhooks": signalsShown.webhooks,
	}
	ran := 0
	for _, document := range documents(t) { // the first shows how the season is made that others ask
		for _, command := range commandsOf(t, document) {
			name, args := split(command)
			run, known := runs[name]
			if !known {
				t.Errorf("%s shows %q, and no test runs it", document, command)
				continue
			}
			run(args)
			ran++
		}
	}
	if ran < 10 {
		t.Errorf("only %d commands were found", ran)
	}
}

// inFolder puts the files of this run in place of those that are shown.
func inFolder(args []string, instead ...string) []string {
	all := slices.Clone(args)
	for i := range all {
		for k := 0; k < len(instead); k += 2 {
			if all[i] == instead[k] {
				all[i] = instead[k+1]
			}
		}
	}
	return all
}

// example is the file of rules, or of tests, that the page on rules shows.
func example(t *testing.T, of string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)```yaml\n(" + of + ":.*?)```").FindSubmatch(text)
	if m == nil {
		t.Fatalf("the page on rules shows no %s", of)
	}
	return string(m[1])
}

// documents are the pages that show commands.
func documents(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	return append(append([]string{"../../README.md", "../../README.zh-CN.md"}, all...), "../../docs/receiver/README.md")
}

var shown = regexp.MustCompile("(?m)^```[a-z]*\n(?s:(.*?))^```|`(ganlin [a-z][^`]*|make [a-z-]+)`")

// commandsOf returns the command lines in a document's blocks of code, and those in the text that begin with ganlin or make.
func commandsOf(t *testing.T, document string) (commands []string) {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	joined := strings.ReplaceAll(string(text), "\\\n", " ")
	for _, m := range shown.FindAllStringSubmatch(joined, -1) {
		if m[2] != "" {
			commands = append(commands, m[2])
		}
		for line := range strings.Lines(m[1]) {
			line, _, _ = strings.Cut(line, "   #")
			if line = strings.TrimSpace(line); isCommand(line) {
				commands = append(commands, line)
			}
		}
	}
	return commands
}

func isCommand(line string) bool {
	for _, start := range []string{"go run ./", "make ", "ganlin ", "mosquitto_", "curl ", "GANLIN_"} {
		if strings.HasPrefix(line, start) {
			return true
		}
	}
	return false
}

// split names a command and returns its arguments.
func split(command string) (name string, args []string) {
	command = strings.Replace(command, "go run ./cmd/ganlin", "ganlin", 1)
	command = strings.Replace(command, "go run ./firmware-sim", "firmware-sim", 1)
	command = strings.Replace(command, "go run ./docs/receiver", "receiver", 1)
	command, _, _ = strings.Cut(command, " > ")
	fields := strings.Fields(command)
	if fields[0] == "ganlin" && len(fields) > 1 {
		return "ganlin " + fields[1], fields[2:]
	}
	return fields[0], fields[1:]
}

// wouldMake asks make what it would run for a target.
func wouldMake(t *testing.T, args []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "make", append([]string{"--no-print-directory", "-C", "../..", "-n"}, args...)...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "MAKE") }) // of the make that runs the tests
	out, err := cmd.CombinedOutput()
	if err != nil || len(out) == 0 || bytes.HasPrefix(out, []byte("make: ")) { // such as nothing to be done
		t.Errorf("make %s runs nothing: %v: %s", strings.Join(args, " "), err, out)
	}
}

// firmwareSim runs the fleet as it is shown: to its end, or with a broker until
// readings of it are acknowledged, and then to the end that Ctrl-C gives it.
func (tr *trial) firmwareSim(args []string) {
	tr.t.Helper()
	program := filepath.Join(tr.t.TempDir(), "firmware-sim")
	if out, err := exec.CommandContext(tr.t.Context(), "go", "build", "-buildvcs=false", "-o", program, "../../firmware-sim").CombinedOutput(); err != nil {
		tr.t.Fatalf("building the fleet: %v: %s", err, out)
	}
	registry, credentials := filepath.Join(tr.folder, "registry.yaml"), filepath.Join(tr.folder, "credentials.json")
	own := strings.NewReplacer("registry.yaml", registry, "credentials.json", credentials, "127.0.0.1:1883", tr.mqtt)
	for i := range args {
		args[i] = own.Replace(args[i])
	}
	cmd := exec.CommandContext(tr.t.Context(), program, args...)
	out := &logged{}
	cmd.Stdout, cmd.Stderr = out, out
	if !slices.Contains(args, "--broker") {
		if err := cmd.Run(); err != nil {
			tr.t.Errorf("firmware-sim %v: %v: %s", args, err, out)
		}
		return
	}
	write(tr.t, credentials, string(tr.command("devices", "import", registry, "--config", tr.config, "--json")))
	tr.start()
	if err := cmd.Start(); err != nil {
		tr.t.Fatal(err)
	}
	waitFor(tr.t, time.Minute, "readings of the fleet", func() (bool, string) {
		s, err := tr.status()
		return err == nil && s.Accounting.Values.Stored >= 150, fmt.Sprint(s.Accounting, err, out)
	})
	_ = cmd.Process.Signal(os.Interrupt)
	if err := cmd.Wait(); err != nil || !strings.Contains(out.String(), "waiting 0\n") {
		tr.t.Errorf("the fleet ends with %v: %s", err, out)
	}
	if a := tr.settled(time.Minute); !a.Conserved() || a.Messages.DeadLettered > 0 {
		tr.t.Errorf("after the fleet the account is %+v", a)
	}
	tr.stop()
}

// notify runs a command about messages with the contacts that its page shows.
// Trying a contact out ends with what is wrong: nobody receives here.
func (tr *trial) notify(args []string) {
	tr.t.Helper()
	text, err := os.ReadFile("../../docs/messages.md")
	if err != nil {
		tr.t.Fatal(err)
	}
	rows := regexp.MustCompile("(?s)```(?:csv)?\n(id,.*?|[a-z_,]*channel[a-z_,]*\n.*?)```").FindSubmatch(text)
	if rows == nil {
		tr.t.Fatal("the page on messages shows no contacts")
	}
	contacts := filepath.Join(tr.folder, "contacts.csv")
	write(tr.t, contacts, strings.ReplaceAll(string(rows[1]), "…", strings.Repeat("0123456789abcdef", 4))) // what the page leaves out
	if !slices.Contains(args, "--config") {
		args = append(args, "--config", "ganlin.yaml")
	}
	args = append([]string{"notify"}, inFolder(args, "ganlin.yaml", tr.config, "contacts.csv", contacts)...)
	if id := slices.IndexFunc(args, func(a string) bool { return strings.HasPrefix(a, "c-") }); id >= 0 {
		listed := regexp.MustCompile(`c-[0-9a-f]{16}`).Find(tr.command("notify", "contacts", "list", "--config", tr.config))
		if listed == nil {
			tr.t.Fatal("there is no contact")
		}
		args[id] = string(listed)
	}
	if args[1] == "test" {
		if out, err := tr.try(args...); err == nil {
			tr.t.Errorf("ganlin %v says that it was received: %s", args, out)
		}
		return
	}
	tr.command(args...)
}
