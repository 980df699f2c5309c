package broker_test

import (
	"fmt"
	"strings"
	"testing"

	"ganlin/devices"
	"ganlin/internal/broker"

	"github.com/google/go-cmp/cmp"
)

func TestLogins(t *testing.T) {
	h := newHouse(t, setup{})
	victim := login(t, h.address(), "d1")

	long := strings.Repeat("x", 64)
	for name, tt := range map[string]struct {
		connect
		code   byte
		reason broker.Reason // empty: the server refuses it before the gate is asked
	}{
		"right":                   {connect: connect{id: "d2", user: "d2", secret: secretOf("d2")}},
		"right, longest id":       {connect: connect{id: long, user: long, secret: secretOf(long)}},
		"right, all characters":   {connect: connect{id: "aZ09_-", user: "aZ09_-", secret: secretOf("aZ09_-")}},
		"right, session kept":     {connect: connect{id: "d3", user: "d3", secret: secretOf("d3"), keep: true}},
		"wrong secret":            {connect{id: "d1", user: "d1", secret: "guess"}, 5, broker.WrongSecret},
		"secret of another":       {connect{id: "d1", user: "d1", secret: secretOf("d2")}, 5, broker.WrongSecret},
		"empty secret":            {connect{id: "d1", user: "d1"}, 5, broker.WrongSecret},
		"no secret":               {connect{id: "d1", user: "d1", noSecret: true}, 5, broker.WrongSecret},
		"client id of another":    {connect{id: "d1", user: "d2", secret: secretOf("d2")}, 5, broker.WrongClientID},
		"client id differs":       {connect{id: "D2", user: "d2", secret: secretOf("d2")}, 5, broker.WrongClientID},
		"no client id":            {connect{id: "", user: "d2", secret: secretOf("d2")}, 5, broker.WrongClientID},
		"no client id, to keep":   {connect{id: "", user: "d2", secret: secretOf("d2"), keep: true}, 2, ""},
		"anonymous":               {connect{id: "d1", noUser: true}, 5, broker.Anonymous},
		"anonymous, no client id": {connect{noUser: true}, 5, broker.Anonymous},
		"empty user name":         {connect{id: "d1", user: "", secret: "x"}, 4, ""},
		"too long":                {connect{id: long + "x", user: long + "x", secret: secretOf(long + "x")}, 5, broker.BadID},
		"slash":                   {connect{id: "d1/x", user: "d1/x", secret: secretOf("d1/x")}, 5, broker.BadID},
		"plus":                    {connect{id: "+", user: "+", secret: secretOf("+")}, 5, broker.BadID},
		"hash":                    {connect{id: "#", user: "#", secret: secretOf("#")}, 5, broker.BadID},
		"dot":                     {connect{id: "d1.x", user: "d1.x", secret: secretOf("d1.x")}, 2, ""},
		"star":                    {connect{id: "*", user: "*", secret: secretOf("*")}, 2, ""},
		"greater":                 {connect{id: ">", user: ">", secret: secretOf(">")}, 2, ""},
		"space":                   {connect{id: "d 1", user: "d 1", secret: secretOf("d 1")}, 2, ""},
		"quote":                   {connect{id: `d"1`, user: `d"1`, secret: secretOf(`d"1`)}, 5, broker.BadID},
		"percent":                 {connect{id: "%s%d", user: "%s%d", secret: secretOf("%s%d")}, 5, broker.BadID},
		"newline":                 {connect{id: "d\n1", user: "d\n1", secret: secretOf("d\n1")}, 2, ""},
		"control character":       {connect{id: "d\x011", user: "d\x011", secret: secretOf("d\x011")}, 5, broker.BadID},
		"NUL":                     {connect{id: "d\x001", user: "d\x001", secret: "x"}, 2, ""},
		"not UTF-8":               {connect{id: "d\xff", user: "d\xff", secret: "x"}, 2, ""},
		"not ASCII":               {connect{id: "设备", user: "设备", secret: secretOf("设备")}, 5, broker.BadID},
		"name of the program":     {connect{id: "program", user: "program", secret: "x"}, 5, broker.WrongSecret},
		"name of the system":      {connect{id: "system", user: "system", secret: ""}, 5, broker.WrongSecret},
		"name of the canary":      {connect{id: "~canary", user: "~canary", secret: ""}, 5, ""},
	} {
		t.Run(name, func(t *testing.T) {
			before := h.gate.Refused()
			c := dial(t, h.address())
			if code := c.connect(t, tt.connect); code != tt.code {
				t.Fatalf("CONNACK %d, want %d", code, tt.code)
			}
			if tt.code == 0 {
				c.publishQoS1(t, "ganlin/v1/"+tt.id+"/telemetry", "{}", 1)
				c.disconnect(t)
				return
			}
			c.wantClosed(t)
			want := before
			if tt.reason != "" {
				want[tt.reason]++
			}
			if diff := cmp.Diff(want, h.gate.Refused()); diff != "" {
				t.Error("counted", diff)
			}
		})
	}

	victim.publishQoS1(t, "ganlin/v1/d1/telemetry", "still here", 1)
	if !h.gate.Online("d1") {
		t.Error("after failed logins in its name d1 counts as offline")
	}
}

func TestNothingButLoginsBeforeLogin(t *testing.T) {
	h := newHouse(t, setup{})
	for name, first := range map[string][]byte{
		"publish":      message{topic: "ganlin/v1/d1/telemetry", qos: 1, id: 1}.packet(),
		"subscribe":    packet(0x82, append(appendText([]byte{0, 9}, "ganlin/v1/d1/command"), 0)),
		"ping":         {0xc0, 0},
		"http":         []byte("GET / HTTP/1.1\r\n\r\n"),
		"nats":         []byte("CONNECT {}\r\nPING\r\n"),
		"mqtt 5":       packet(0x10, append(appendText(nil, "MQTT"), 5, 0xc2, 0, 60, 0, 0, 0)),
		"mqtt 3.1":     packet(0x10, append(appendText(nil, "MQIsdp"), 3, 0xc2, 0, 60, 0, 0)),
		"endless size": {0x10, 0xff, 0xff, 0xff, 0xff, 0xff},
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, h.address())
			c.write(t, first)
			kind, body, err := c.read()
			if name == "mqtt 5" && kind == 0x20 && body[1] == 1 { // unacceptable protocol version
				kind, body, err = c.read()
			}
			if !closed(err) {
				t.Errorf("got %#x %#x, %v", kind, body, err)
			}
		})
	}
	if n := len(h.desk.messages()); n != 0 {
		t.Errorf("%d messages from strangers", n)
	}
}

func TestKickAfterRevoking(t *testing.T) {
	h := newHouse(t, setup{})
	c, other := login(t, h.address(), "d1"), login(t, h.address(), "d2")
	h.revoke("d1")
	h.door.Kick("d1")
	c.wantClosed(t)
	again := dial(t, h.address())
	if code := again.connect(t, connect{id: "d1", user: "d1", secret: secretOf("d1")}); code != 5 {
		t.Errorf("login with a revoked secret: CONNACK %d, want 5", code)
	}
	other.publishQoS1(t, "ganlin/v1/d2/telemetry", "{}", 1)
}

// A secret that is revoked while logins with it go on never leaves a connection behind.
func TestKickRacesWithLogin(t *testing.T) {
	h := newHouse(t, setup{})
	for i := range 20 {
		id := fmt.Sprintf("r%d", i)
		c := dial(t, h.address())
		c.write(t, connect{id: id, user: id, secret: secretOf(id)}.packet())
		h.revoke(devices.DeviceID(id))
		h.door.Kick(devices.DeviceID(id))
		for {
			if _, _, err := c.read(); closed(err) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
	waitFor(t, "all to be offline", func() bool { return h.gate.Connected() == 0 })
}

// Refusals are counted each and logged once a minute, without what was tried.
func TestRefusalsInTheLog(t *testing.T) {
	var log syncBuffer
	h := newHouse(t, setup{log: &log})
	for range 30 {
		c := dial(t, h.address())
		if code := c.connect(t, connect{id: "d1", user: "d1", secret: "a-secret-that-was-tried"}); code != 5 {
			t.Fatalf("CONNACK %d, want 5", code)
		}
	}
	login(t, h.address(), "d1")
	if n := h.gate.Refused()[broker.WrongSecret]; n != 30 {
		t.Errorf("%d counted, want 30", n)
	}
	text := log.String()
	if n := strings.Count(text, "refused at the door"); n != 1 {
		t.Errorf("logged %d times, want once:\n%s", n, text)
	}
	for _, secret := range []string{"a-secret-that-was-tried", secretOf("d1")} {
		if strings.Contains(text, secret) {
			t.Errorf("a secret is in the log:\n%s", text)
		}
	}
}
