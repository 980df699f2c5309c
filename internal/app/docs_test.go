package app

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestCommandsOfTheDocuments runs the ganlin and mosquitto commands that documents
// show against one demo; of make it looks whether the target is there, and the
// fleet alone is run by its own tests. A command that it does not know fails it.
func TestCommandsOfTheDocuments(t *testing.T) {
	tr := &trial{t: t, kind: asItIs, folder: t.TempDir()}
	season := filepath.Join(tr.folder, "season")
	tr.demo()
	tr.waitReady()
	tr.mqtt = strings.TrimPrefix(tr.ready.MQTT, "tcp://")
	served := newTrial(t, asItIs, 2, "")
	registry := filepath.Join(served.folder, "registry.yaml")

	made := false // by devices add
	password := ""
	runs := map[string]func(args []string){
		"make":        func(args []string) { makeTarget(t, args[0]) },
		"ganlin demo": func([]string) {}, // it runs
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
		"ganlin deadletters": func(args []string) { tr.command(append(append([]string{"deadletters"}, args...), "--data", season)...) },
		"ganlin devices": func(args []string) {
			switch {
			case args[0] == "import":
				served.command("devices", "import", registry, "--config", served.config, "--json")
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
		"firmware-sim": func([]string) {}, // run by the tests of its own folder
	}
	ran := 0
	for _, document := range documents(t) {
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

// documents are the pages that show commands.
func documents(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	return append([]string{"../../README.md", "../../README.zh-CN.md"}, all...)
}

var shown = regexp.MustCompile("(?m)^(?:```[a-z]*\n(?s:(.*?))^```|.*?`(ganlin [a-z][^`]*|make [a-z-]+)`.*$)")

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
	for _, start := range []string{"go run ./", "make ", "ganlin ", "mosquitto_", "GANLIN_"} {
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
	command, _, _ = strings.Cut(command, " > ")
	fields := strings.Fields(command)
	if fields[0] == "ganlin" && len(fields) > 1 {
		return "ganlin " + fields[1], fields[2:]
	}
	return fields[0], fields[1:]
}

func makeTarget(t *testing.T, target string) {
	t.Helper()
	text, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "\n"+target+":") {
		t.Errorf("the Makefile has no target %s", target)
	}
}
