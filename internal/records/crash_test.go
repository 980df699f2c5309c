package records_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"ganlin/internal/records"
)

// The test binary started with these variables is a program that is killed.
const (
	childVariable = "GANLIN_RECORDS_CHILD" // what it does
	fileVariable  = "GANLIN_RECORDS_FILE"
)

const lettersPerCommit = 40

func TestMain(m *testing.M) {
	if doing := os.Getenv(childVariable); doing != "" {
		if err := child(context.Background(), doing, os.Getenv(fileVariable)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(ctx context.Context, doing, file string) error {
	s, err := records.Open(ctx, file)
	if err != nil {
		return err
	}
	if doing == "open" {
		return s.Close()
	}
	p, err := s.Progress(ctx, "dead")
	if err != nil {
		return err
	}
	n, _ := strconv.Atoi(p.Position)
	for {
		n++
		letters := make([]records.DeadLetter, lettersPerCommit)
		for i := range letters {
			letters[i] = letter(i)
			letters[i].ID = fmt.Sprintf("%d-%d", n, i)
		}
		next := records.Progress{Reader: "dead", Position: strconv.Itoa(n)}
		if doing == "split" { // the control: progress and letters by two commits
			if err := s.Commit(ctx, next, nil); err != nil {
				return err
			}
		}
		if err := s.Commit(ctx, next, letters); err != nil {
			return err
		}
		fmt.Println(n)
	}
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
// said it had committed, what the store says, and how many letters there are.
func killAndLook(t *testing.T, doing, file string) (said, kept, letters int) {
	t.Helper()
	c, out := start(t, doing, file)
	killed := time.AfterFunc(time.Duration(20+rand.IntN(60))*time.Millisecond, func() { _ = c.Process.Kill() })
	defer killed.Stop()
	for out.Scan() {
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
	p, err := s.Progress(t.Context(), "dead")
	if err != nil {
		t.Fatal(err)
	}
	counts, err := s.DeadLetterCounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	page, err := s.DeadLetters(t.Context(), "", 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	letters = int(counts["bad_json"] + counts["bad_time"])
	if len(page) != letters {
		t.Errorf("%d letters and a count of %d", len(page), letters)
	}
	kept, _ = strconv.Atoi(p.Position)
	return said, kept, letters
}

func kills() int {
	if os.Getenv("GANLIN_LONG") != "" {
		return 200
	}
	return 15
}

func TestKilledInTheMiddleOfCommits(t *testing.T) {
	file := newFile(t)
	last := 0
	for range kills() {
		said, kept, letters := killAndLook(t, "commit", file)
		if letters != kept*lettersPerCommit {
			t.Errorf("%d commits and %d letters of %d", kept, letters, kept*lettersPerCommit)
		}
		if kept < max(said, last) {
			t.Errorf("commit %d was lost: the store is at %d", max(said, last), kept)
		}
		last = kept
	}
	if last == 0 {
		t.Error("nothing was ever committed")
	}
	t.Logf("%d kills, %d commits of %d letters", kills(), last, lettersPerCommit)
}

// The control keeps progress and letters by two commits; killing must show it.
func TestKillingShowsTwoCommits(t *testing.T) {
	for tries := range 200 {
		_, kept, letters := killAndLook(t, "split", newFile(t))
		if letters != kept*lettersPerCommit {
			t.Logf("seen after %d kills: progress %d with %d letters", tries+1, kept, letters)
			return
		}
	}
	t.Error("200 kills never came between the two commits: the test sees nothing")
}

func TestProcessesOpenANewFileAtOnce(t *testing.T) {
	for range 5 {
		file := newFile(t)
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
	file := newFile(t)
	c, out := start(t, "commit", file)
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
	if p, err := s.Progress(t.Context(), "dead"); err != nil || p.Position == "" {
		t.Errorf("the other program kept nothing: %v, %v", p, err)
	}
}
