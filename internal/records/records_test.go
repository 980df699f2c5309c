package records_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ganlin/devices"
	"ganlin/internal/records"
)

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

func openStore(tb testing.TB, file string) *records.Store {
	tb.Helper()
	s, err := records.Open(tb.Context(), file)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

func TestCredentials(t *testing.T) { onBoth(t, testCredentials) }

func testCredentials(r run) {
	t, in := r.T, r.in
	file := in.place(t)
	s := openStore(t, file)
	made, err := s.CreateCredentials(t.Context(), []devices.DeviceID{"s-1", "s-2", "s-1"}, noon)
	if err != nil || len(made) != 2 || made[0].Device != "s-1" || made[1].Device != "s-2" || made[0].Secret == made[1].Secret || len(made[0].Secret) != 43 {
		t.Fatalf("made %d credentials, %v", len(made), err)
	}
	again, err := s.CreateCredentials(t.Context(), []devices.DeviceID{"s-2", "s-3"}, noon)
	if err != nil || len(again) != 1 || again[0].Device != "s-3" {
		t.Fatalf("made again %v, %v", again, err)
	}
	if _, err := s.CreateCredentials(t.Context(), []devices.DeviceID{"s-4", "s 5"}, noon); err == nil {
		t.Error("a credential for an impossible id")
	}
	if err := s.RevokeCredential(t.Context(), "s-1", noon.Add(time.Hour)); err != nil {
		t.Error(err)
	}
	for _, id := range []devices.DeviceID{"s-1", "s-9"} {
		if err := s.RevokeCredential(t.Context(), id, noon); !errors.Is(err, records.ErrNotFound) {
			t.Errorf("revoking %s: %v", id, err)
		}
	}
	want := map[devices.DeviceID]records.CredentialState{
		"s-1": {Created: noon, Revoked: noon.Add(time.Hour)}, "s-2": {Created: noon}, "s-3": {Created: noon},
	}
	got, err := s.Credentials(t.Context())
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	secrets, err := s.Secrets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	anew, err := s.CreateCredentials(t.Context(), []devices.DeviceID{"s-1"}, noon)
	if err != nil || len(anew) != 1 || anew[0].Secret == made[0].Secret {
		t.Fatalf("made anew %v, %v", anew, err)
	}
	check := func(id devices.DeviceID, secret string, want bool) {
		t.Helper()
		if got := secrets.Check(id, secret); got != want {
			t.Errorf("Check(%s) = %v, want %v", id, got, want)
		}
	}
	check("s-1", anew[0].Secret, false) // not loaded yet
	if err := s.LoadSecrets(t.Context(), secrets); err != nil {
		t.Fatal(err)
	}
	check("s-1", anew[0].Secret, true)
	check("s-1", made[0].Secret, false) // revoked
	check("s-2", made[1].Secret, true)
	check("s-2", made[1].Secret+"x", false)
	check("s-3", made[1].Secret, false)
	check("s-9", "", false)

	// A store that is gone, or broken, keeps nobody out.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.LoadSecrets(t.Context(), secrets); err == nil {
		t.Error("a closed store has secrets")
	}
	check("s-2", made[1].Secret, true)
	for _, name := range []string{file, file + "-wal"} {
		content, err := os.ReadFile(name)
		if err == nil && bytes.Contains(content, []byte(made[1].Secret)) {
			t.Errorf("%s holds a secret in the clear", name)
		}
	}
}

func TestCredentialsHideTheirSecret(t *testing.T) {
	var log bytes.Buffer
	c := records.Credential{Device: "s-1", Secret: "hidden"}
	slog.New(slog.NewTextHandler(&log, nil)).Info("made", "credential", c)
	if text := log.String() + fmt.Sprintf("%v %+v", c, []records.Credential{c}); strings.Contains(text, "hidden") || !strings.Contains(text, "s-1") {
		t.Error(text)
	}
}

func TestImported(t *testing.T) { onBoth(t, testImported) }

func testImported(r run) {
	t, in := r.T, r.in
	file := in.place(t)
	s := openStore(t, file)
	for i, f := range []records.Imported{{"a.yaml", "one"}, {"b.csv", "two"}, {"a.yaml", "三泉村"}} {
		if err := s.Import(t.Context(), f, noon.Add(time.Duration(i)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := openStore(t, file).Imported(t.Context())
	if diff := cmp.Diff([]records.Imported{{"b.csv", "two"}, {"a.yaml", "三泉村"}}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func letter(n int) records.DeadLetter {
	return records.DeadLetter{
		ID: fmt.Sprintf("1-%d", n), Received: noon.Add(time.Duration(n%7) * time.Millisecond), Device: "s-1", Topic: "ganlin/v1/s-1/telemetry",
		Reason: []string{"bad_json", "bad_time"}[n%2], Detail: "第 3 个字节: \xff \x00", Codec: "native/1", Part: n%3 == 0, Length: 300_000,
		SHA256: "ab", Payload: bytes.Repeat([]byte{0, 0xff, byte(n)}, n),
	}
}

func TestDeadLetters(t *testing.T) { onBoth(t, testDeadLetters) }

func testDeadLetters(r run) {
	t, in := r.T, r.in
	s := openStore(t, in.place(t))
	var all []records.DeadLetter
	for n := range 25 {
		all = append(all, letter(n))
	}
	all[0].Payload = nil
	for _, part := range [][]records.DeadLetter{all[:10], all[5:25], all[3:4]} { // some come twice
		if err := s.Commit(t.Context(), records.Progress{Reader: "dead", Position: part[len(part)-1].ID}, part); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range all {
		if in == inPostgres { // it takes no such text
			want.Detail = "第 3 个字节: \uFFFD \uFFFD"
		}
		got, err := s.DeadLetter(t.Context(), want.ID)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	}
	if _, err := s.DeadLetter(t.Context(), "1-99"); !errors.Is(err, records.ErrNotFound) {
		t.Errorf("a letter that is not there: %v", err)
	}
	var paged []string
	for before := ""; ; before = paged[len(paged)-1] {
		page, err := s.DeadLetters(t.Context(), before, 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, l := range page {
			if l.Payload != nil {
				t.Errorf("the page holds the payload of %s", l.ID)
			}
			paged = append(paged, l.ID)
		}
	}
	var want []string
	size := map[string]int64{}
	for n := 24; n >= 0; n-- {
		want = append(want, all[n].ID)
		size[all[n].Reason] += int64(len(all[n].Payload))
	}
	if diff := cmp.Diff(want, paged); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	counts, err := s.DeadLetterCounts(t.Context())
	if diff := cmp.Diff(map[string]records.LetterCount{"bad_json": {Came: 13, Bytes: size["bad_json"]}, "bad_time": {Came: 12, Bytes: size["bad_time"]}}, counts); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestProgress(t *testing.T) { onBoth(t, testProgress) }

func testProgress(r run) {
	t, in := r.T, r.in
	s := openStore(t, in.place(t))
	check := func(want records.Progress) {
		t.Helper()
		got, err := s.Progress(t.Context(), want.Reader)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	}
	check(records.Progress{Reader: "store", Counts: map[string]int64{}})
	first := records.Progress{Reader: "store", Position: "1:7:abc", Counts: map[string]int64{"stored": 1 << 62, "rejected": -1}}
	other := records.Progress{Reader: "dead", Position: "1:9:def", Counts: map[string]int64{}}
	for _, p := range []records.Progress{first, {Reader: "dead", Position: "1:9:def"}} {
		if err := s.Commit(t.Context(), p, nil); err != nil {
			t.Fatal(err)
		}
	}
	check(first)
	check(other)

	// What cannot be kept whole is not kept at all.
	bad := []records.DeadLetter{letter(1), {Reason: "without an id"}}
	if err := s.Commit(t.Context(), records.Progress{Reader: "store", Position: "1:8:xyz"}, bad); err == nil {
		t.Error("a letter without an id was kept")
	}
	check(first)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Commit(ctx, records.Progress{Reader: "store", Position: "1:8:xyz"}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled commit: %v", err)
	}
	check(first)
	if counts, err := s.DeadLetterCounts(t.Context()); err != nil || len(counts) > 0 {
		t.Errorf("%v letters were kept, %v", counts, err)
	}
}

func TestOthersCannotReadTheFile(t *testing.T) {
	file := inFile.place(t)
	s := openStore(t, file)
	if err := s.Commit(t.Context(), records.Progress{Reader: "r"}, nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{file, file + "-wal", file + "-shm"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
}

// A page, a count or a health check does not wait for a commit that is going on.
func TestReadersDoNotWaitForTheWriter(t *testing.T) { onBoth(t, testReadersDoNotWaitForTheWriter) }

func testReadersDoNotWaitForTheWriter(r run) {
	t, in := r.T, r.in
	file := in.place(t)
	s := openStore(t, file)
	tx, err := beside(t, file).BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if in == inPostgres { // SQLite lets one write, whatever
		if _, err := tx.ExecContext(t.Context(), `LOCK TABLE progress IN EXCLUSIVE MODE`); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	written := make(chan error, 1)
	go func() { written <- s.Commit(ctx, records.Progress{Reader: "r", Position: "1"}, nil) }()
	if err := s.Ping(ctx); err != nil {
		t.Error(err)
	}
	if _, err := s.DeadLetters(ctx, "", 10); err != nil {
		t.Error(err)
	}
	select {
	case err := <-written:
		t.Errorf("the commit went past another's: %v", err)
	default:
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-written; err != nil {
		t.Errorf("the commit after another's: %v", err)
	}
}

func TestManyAtOnce(t *testing.T) { onBoth(t, testManyAtOnce) }

func testManyAtOnce(r run) {
	t, in := r.T, r.in
	s := openStore(t, in.place(t))
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() {
			for n := range 10 {
				reader := fmt.Sprintf("r%d", w)
				if err := s.Commit(t.Context(), records.Progress{Reader: reader, Position: fmt.Sprint(n)}, []records.DeadLetter{letter(w*10 + n)}); err != nil {
					t.Error(err)
				}
				if p, err := s.Progress(t.Context(), reader); err != nil || p.Position != fmt.Sprint(n) {
					t.Errorf("%v %v", p, err)
				}
			}
		})
	}
	all.Wait()
	if counts, err := s.DeadLetterCounts(t.Context()); err != nil || counts["bad_json"].Came+counts["bad_time"].Came != 80 {
		t.Errorf("%v, %v", counts, err)
	}
}

func BenchmarkCommit10000DeadLetters(b *testing.B) {
	s := openStore(b, inFile.place(b))
	n := 0
	for b.Loop() {
		letters := make([]records.DeadLetter, 10_000)
		for i := range letters {
			letters[i] = letter(i)
			letters[i].ID, letters[i].Payload = fmt.Sprintf("%d-%d", n, i), bytes.Repeat([]byte("x"), 200)
		}
		n++
		if err := s.Commit(b.Context(), records.Progress{Reader: "dead", Position: fmt.Sprint(n)}, letters); err != nil {
			b.Fatal(err)
		}
	}
}
