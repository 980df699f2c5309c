package records_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/internal/records"
	"ganlin/internal/records/postgrestest"
)

// The test binary started with these variables is a program that is killed.
const (
	childVariable = "GANLIN_RECORDS_CHILD" // what it does
	fileVariable  = "GANLIN_RECORDS_FILE"
)

// What a child keeps with each commit.
const (
	lettersPerCommit   = 40
	decisionsPerCommit = 40 // with a command, an alert and a clue for each tenth
)

func TestMain(m *testing.M) {
	if doing := os.Getenv(childVariable); doing != "" {
		if err := child(context.Background(), doing, os.Getenv(fileVariable)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	var err error
	if postgres, err = postgrestest.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = postgres.Close() }()
	return m.Run()
}

func child(ctx context.Context, doing, file string) error {
	s, err := records.Open(ctx, file)
	if err != nil {
		return err
	}
	if doing == "open" {
		return s.Close()
	}
	p, err := s.Progress(ctx, "child")
	if err != nil {
		return err
	}
	n, _ := strconv.Atoi(p.Position)
	for {
		n++
		next := records.Progress{Reader: "child", Position: strconv.Itoa(n)}
		switch doing {
		case "letters":
			err = s.Commit(ctx, next, lettersOf(n))
		case "letters now and then": // SQLite is not fair: who never pauses keeps others out
			time.Sleep(time.Millisecond)
			err = s.Commit(ctx, next, lettersOf(n))
		case "letters by two commits": // a control
			if err = s.Commit(ctx, next, nil); err == nil {
				err = s.Commit(ctx, next, lettersOf(n))
			}
		case "effects":
			err = s.CommitEffects(ctx, effectsOf(n, next))
		case "effects by two commits": // a control
			if err = s.Commit(ctx, next, nil); err == nil {
				err = s.CommitEffects(ctx, effectsOf(n, next))
			}
		}
		if err != nil {
			return err
		}
		fmt.Println(n)
	}
}

func lettersOf(n int) []records.DeadLetter {
	letters := make([]records.DeadLetter, lettersPerCommit)
	for i := range letters {
		letters[i] = letter(i)
		letters[i].ID = fmt.Sprintf("%d-%d", n, i)
	}
	return letters
}

func effectsOf(n int, next records.Progress) records.Effects {
	e := records.Effects{Progress: next, Decisions: seasonOf(n*decisionsPerCommit, (n+1)*decisionsPerCommit)}
	for i := range decisionsPerCommit / 10 {
		id := fmt.Sprintf("%d-%d", n, i)
		e.Commands = append(e.Commands, records.Command{ID: id})
		e.Alerts = append(e.Alerts, records.AlertRow{ID: id})
		e.Clues = append(e.Clues, records.ClueRow{ID: id, Household: devices.HouseholdID(id)})
		e.Signals = append(e.Signals, records.Signal{ID: id, Kind: "raised", Clue: id})
	}
	return e
}

func start(t *testing.T, doing, file string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childVariable+"="+doing, fileVariable+"="+file)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewScanner(out)
}

// killAndLook lets a child commit, kills it at some moment and returns what it
// said it had committed, what the store says, and what does not fit to that.
func killAndLook(t *testing.T, doing, file string) (said, kept int, torn string) {
	t.Helper()
	c, out := start(t, doing, file)
	kill := sync.OnceFunc(func() {
		time.AfterFunc(time.Duration(20+rand.IntN(60))*time.Millisecond, func() { _ = c.Process.Kill() })
	})
	if !records.IsPostgres(file) { // there it takes longer to open than that
		kill()
	}
	for out.Scan() {
		kill()
		said, _ = strconv.Atoi(out.Text())
	}
	if err := c.Wait(); err == nil || c.ProcessState.Exited() {
		t.Fatalf("the child ended by itself: %v", err)
	}
	s, err := records.Open(t.Context(), file)
	if err != nil {
		t.Fatalf("opening after the kill: %v", err)
	}
	defer func() { _ = s.Close() }()
	p, err := s.Progress(t.Context(), "child")
	if err != nil {
		t.Fatal(err)
	}
	kept, _ = strconv.Atoi(p.Position)
	rows, want := letterRows(t, s), []int{kept * lettersPerCommit, kept * lettersPerCommit}
	if strings.HasPrefix(doing, "effects") {
		few := kept * decisionsPerCommit / 10
		rows, want = effectRows(t, s), []int{kept * decisionsPerCommit, few, few, few, few}
	}
	if !slices.Equal(rows, want) {
		torn = fmt.Sprintf("after %d commits there are %d rows, not %d", kept, rows, want)
	}
	return said, kept, torn
}

// letterRows counts the letters in two ways.
func letterRows(t *testing.T, s *records.Store) []int {
	t.Helper()
	counts, err := s.DeadLetterCounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	page, err := s.DeadLetters(t.Context(), "", 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	return []int{len(page), int(counts["bad_json"].Came + counts["bad_time"].Came)}
}

// effectRows counts decisions, commands, alerts, clues and signals.
func effectRows(t *testing.T, s *records.Store) []int {
	t.Helper()
	decisions, err := s.Decisions(t.Context(), records.DecisionFilter{})
	if err != nil {
		t.Fatal(err)
	}
	commands, err := s.PendingCommands(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	alerts, err := s.Alerts(t.Context(), records.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	clues, err := s.Clues(t.Context(), records.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	signals, err := s.Signals(t.Context(), 0, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	return []int{len(decisions), len(commands), len(alerts), len(clues), len(signals)}
}

func kills() int {
	if os.Getenv("GANLIN_LONG") != "" {
		return 200
	}
	return 15
}

func TestKilledInTheMiddleOfCommits(t *testing.T) { onBoth(t, testKilledInTheMiddleOfCommits) }

func testKilledInTheMiddleOfCommits(r run) {
	t, in := r.T, r.in
	for _, doing := range []string{"letters", "effects"} {
		t.Run(doing, func(t *testing.T) {
			file := in.place(t)
			last := 0
			for range kills() {
				said, kept, torn := killAndLook(t, doing, file)
				if torn != "" {
					t.Error(torn)
				}
				if kept < max(said, last) {
					t.Errorf("commit %d was lost: the store is at %d", max(said, last), kept)
				}
				last = kept
			}
			if last == 0 {
				t.Error("nothing was ever committed")
			}
			t.Logf("%d kills, %d commits", kills(), last)
		})
	}
}

// The control keeps progress and rows by two commits; killing must show it.
func TestKillingShowsTwoCommits(t *testing.T) { onBoth(t, testKillingShowsTwoCommits) }

func testKillingShowsTwoCommits(r run) {
	t, in := r.T, r.in
	for _, doing := range []string{"letters by two commits", "effects by two commits"} {
		t.Run(doing, func(t *testing.T) {
			where := in.place(t)
			for tries := range 200 {
				if _, _, torn := killAndLook(t, doing, where); torn != "" {
					t.Logf("seen after %d kills: %s", tries+1, torn)
					return
				}
			}
			t.Error("200 kills never came between the two commits: the test sees nothing")
		})
	}
}

func TestProcessesOpenANewFileAtOnce(t *testing.T) { onBoth(t, testProcessesOpenANewFileAtOnce) }

func testProcessesOpenANewFileAtOnce(r run) {
	t, in := r.T, r.in
	for range 5 {
		file := in.place(t)
		var children []*exec.Cmd
		for range 4 {
			c, _ := start(t, "open", file)
			children = append(children, c)
		}
		for _, c := range children {
			if err := c.Wait(); err != nil {
				t.Errorf("a program that opens the file: %v", err)
			}
		}
	}
}

func TestTwoProcessesWrite(t *testing.T) {
	file := inFile.place(t)
	c, out := start(t, "letters now and then", file)
	s := openStore(t, file)
	for n := range 20 {
		if err := s.Commit(t.Context(), records.Progress{Reader: "other", Position: strconv.Itoa(n)}, nil); err != nil {
			t.Errorf("beside another program: %v", err)
		}
		out.Scan() // it goes on as well
	}
	_ = c.Process.Kill()
	var ended *exec.ExitError
	if err := c.Wait(); !errors.As(err, &ended) || ended.Exited() {
		t.Errorf("the other program ended by itself: %v", err)
	}
	if p, err := s.Progress(t.Context(), "child"); err != nil || p.Position == "" {
		t.Errorf("the other program kept nothing: %v, %v", p, err)
	}
}
