package notify_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"ganlin/internal/notify"
)

func seal(t *testing.T, fill byte) *notify.Seal {
	t.Helper()
	s, err := notify.NewSeal(bytes.Repeat([]byte{fill}, notify.KeyBytes))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSeal(t *testing.T) {
	s, to := seal(t, 1), notify.NewAddress("+8613800138000", "SECcanary")
	id := s.ID("h-1", notify.SMS, to)
	box, err := s.Close(id, to)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := s.Close(id, to)
	if bytes.Contains(box, []byte("138")) || bytes.Equal(box, again) {
		t.Error("it can be read or recognised")
	}
	if got, err := s.Open(id, box); err != nil || got != to {
		t.Errorf("%v, %v", got, err)
	}
	box[len(box)-1]++
	for name, open := range map[string]func() (notify.Address, error){
		"changed":         func() (notify.Address, error) { return s.Open(id, box) },
		"another contact": func() (notify.Address, error) { return s.Open("c-other", again) },
		"another key":     func() (notify.Address, error) { return seal(t, 2).Open(id, again) },
		"too short":       func() (notify.Address, error) { return s.Open(id, again[:10]) },
	} {
		if to, err := open(); !errors.Is(err, notify.ErrSealed) || to != (notify.Address{}) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if same := s.ID("h-1", notify.SMS, to); same != id || strings.Contains(id, "138") || s.ID("h-2", notify.SMS, to) == id || seal(t, 2).ID("h-1", notify.SMS, to) == id {
		t.Error("ids are not what they should be")
	}
	if _, err := notify.NewSeal([]byte("short")); err == nil {
		t.Error("a short key is taken")
	}
}

// TestAnAddressDoesNotShowItself by any of the ways in which values get into logs.
func TestAnAddressDoesNotShowItself(t *testing.T) {
	c := notify.Contact{ID: "c-1", To: notify.NewAddress("canary-place", "canary-secret")}
	var log bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(handler).Info("x", "contact", c, "to", c.To)
	}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{fmt.Sprint(c), fmt.Sprintf("%v %+v %#v %s %q", c, c, c, c.To, c.To), string(text), log.String()} {
		if strings.Contains(shown, "canary") {
			t.Errorf("%s", shown)
		}
	}
}

func TestReadContacts(t *testing.T) {
	got, problems := notify.ReadContacts("c.csv", []byte("\ufeffHousehold, channel,address,secret,language,quiet,daily\r\n"+
		"h-1,sms,+8613800138000,,,,\r\nh-2,dingtalk,"+key+",SEC1,en,none,5\r\n\"h-3\",email,a@b.example.org,,zh,22:00-05:30,\r\n"), loopback)
	if len(problems) > 0 || len(got) != 3 {
		t.Fatalf("%v %v", got, problems)
	}
	if a, b := got[0], got[1]; a.Household != "h-1" || a.Language != "zh-CN" || a.To != notify.NewAddress("+8613800138000", "") ||
		b.Channel != notify.DingTalk || b.To != notify.NewAddress(key, "SEC1") || b.Language != "en" || b.Quiet != "none" || b.Daily != 5 || got[2].Quiet != "22:00-05:30" {
		t.Errorf("%+v", got)
	}
	for name, c := range map[string]struct{ text, want string }{
		"empty":       {"", "c.csv:1:1: error: there is no header"},
		"no column":   {"household,address\n", "c.csv:1:1: error: column channel is missing"},
		"odd column":  {"household,chanel,address\n", `c.csv:1:11: error: there is no column "chanel" (did you mean channel?)`},
		"twice":       {"household,channel,address,channel\n", "c.csv:1:27: error: column channel stands twice"},
		"GBK":         {"household,channel,address\n\xc4\xe3,sms,1\n", "c.csv: error: this is no UTF-8; save it as CSV UTF-8"},
		"short line":  {"household,channel,address\nh-1,sms\n", "c.csv:2:1: error: the line cannot be read: wrong number of fields"},
		"quote":       {"household,channel,address\nh-1,sms,\"canary\nx", "c.csv:3:2: error: the line cannot be read"},
		"channel":     {"household,channel,address\nh-1,pigeon,canary\n", `c.csv:2:5: error: channel "pigeon" is not known; it is one of webhook, email, ntfy, wecom, dingtalk, feishu, sms`},
		"address":     {"household,channel,address\nh-1,sms,canary\n", "c.csv:2:9: error: the address must be a phone number"},
		"household":   {"household,channel,address\n,sms,13800138000\n", "c.csv:2:1: error: household is empty"},
		"quiet":       {"household,channel,address,quiet\nh-1,sms,13800138000,night\n", `c.csv:2:21: error: "night" are no quiet hours`},
		"daily":       {"household,channel,address,daily\nh-1,sms,13800138000,0\n", `c.csv:2:21: error: daily "0" is no number from 1 to 50`},
		"language":    {"household,channel,address,language\nh-1,sms,13800138000,fr\n", `c.csv:2:21: error: language "fr" is not spoken here`},
		"all at once": {"household,channel,address\n,sms,canary\nh-1,email,canary\n", "c.csv:3:11"},
	} {
		got, problems := notify.ReadContacts("c.csv", []byte(c.text), loopback)
		all := ""
		for _, p := range problems {
			all += p.String() + "\n"
		}
		if got != nil || !strings.Contains(all, c.want) || strings.Contains(all, "canary") {
			t.Errorf("%s: %v\n%s", name, got, all)
		}
	}
}
