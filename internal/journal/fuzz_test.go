package journal_test

import (
	"bytes"
	"os"
	"testing"

	"ganlin/internal/journal"
)

// No body, however strange, stops a reader.
func FuzzRecord(f *testing.F) {
	n := newNode(f, f.TempDir(), nil)
	n.append(f, message("a", 1, probeQuantities...))
	var lines []byte
	for line := range n.read(f, journal.Position{})[0].Lines() {
		lines = append(lines, line...)
	}
	n.close(f)
	f.Add(append([]byte("#reading a 1783010400123 - device\n"), lines...))
	f.Add([]byte("#version {\"version\":{}}\n#act {\"act\":{}}\n#decision {\"at\":1}\n#decision {}\nbalance,plot=a b=1,c=\"x,y=2i\" 5\nalert x=1i\n"))
	f.Add([]byte("#presence {}\n#report {\"report\":{}}\n#tick {\"at\":1}\n#dead {\"dead\":{}}\n#reading \n#\n,=,=\nx y=1,y_q=2i,, z\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		raw := journal.WithBody(body)
		r, err := journal.NewRecord(raw)
		if err != nil {
			t.Fatal(err)
		}
		r.Values()
		journal.Replay(r)
		for range r.Facts() {
			continue
		}
		for range r.Decisions() {
			continue
		}
		for range r.DeadLetters() {
			continue
		}
		raw[len(raw)/2] ^= 1
		if _, err := journal.NewRecord(raw); err == nil {
			t.Error("a flipped bit is taken for right")
		}
	})
}

// No block, however damaged, stops Prepare.
func FuzzBlock(f *testing.F) {
	n := newNode(f, f.TempDir(), nil)
	for s := range 3 {
		n.append(f, message("a", s))
	}
	block, err := os.ReadFile(n.blocks(f)[0])
	if err != nil {
		f.Fatal(err)
	}
	n.close(f)
	f.Add(block)
	f.Add(block[:len(block)-9])
	f.Add(append(bytes.Repeat([]byte{0}, 50), block[100:]...))
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := journal.ScanBlock(b); err != nil {
			t.Fatal(err)
		}
	})
}
