package seal_test

import (
	"bytes"
	"errors"
	"testing"

	"ganlin/internal/seal"
)

func newSeal(fill byte) *seal.Seal { return seal.New(bytes.Repeat([]byte{fill}, seal.KeyBytes)) }

func TestSeal(t *testing.T) {
	s, other := newSeal(1), newSeal(2)
	boxes := map[string]string{}
	for _, c := range []struct{ of, text string }{
		{"act-1", "井干了"}, {"act-2", "井干了"}, {"act-1", "井干了。"}, {"act-1", ""}, {"act-11", "x"}, {"act-1", "1x"}, {"", "act-1"},
	} {
		box := s.Close(c.of, c.text)
		if before, ok := boxes[string(box[:24])]; ok {
			t.Errorf("%q has the nonce of %q", c, before)
		}
		boxes[string(box[:24])] = c.of + " " + c.text
		if c.text != "" && bytes.Contains(box, []byte(c.text)) {
			t.Errorf("%q lies open", c)
		}
		if !bytes.Equal(box, s.Close(c.of, c.text)) {
			t.Errorf("%q is sealed otherwise again", c)
		}
		if got, err := s.Open(c.of, box); err != nil || got != c.text {
			t.Errorf("%q opens as %q, %v", c, got, err)
		}
		broken := bytes.Clone(box)
		broken[len(broken)-1] ^= 1
		for name, open := range map[string]func() (string, error){
			"another key":   func() (string, error) { return other.Open(c.of, box) },
			"another thing": func() (string, error) { return s.Open(c.of+"x", box) },
			"a broken box":  func() (string, error) { return s.Open(c.of, broken) },
			"a short box":   func() (string, error) { return s.Open(c.of, box[:20]) },
			"no box":        func() (string, error) { return s.Open(c.of, nil) },
		} {
			if got, err := open(); !errors.Is(err, seal.ErrKey) {
				t.Errorf("%q with %s opens as %q, %v", c, name, got, err)
			}
		}
	}
}
