package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A robot posts into a chat. The three makers differ in where its key stands,
// how it is signed, what it is told and how it answers; HTTP says 200 to everything.
type robot struct {
	base   string // of the maker
	client *http.Client
	// request returns where and what to post at a time.
	request func(base string, m Message, at time.Time) (address string, body any)
	codes   robotCodes
}

// robotCodes are what a maker's error codes mean.
type robotCodes struct {
	busy []int          // too many messages
	gone []int          // there is no such robot
	sign []int          // it was not signed as it wants
	hint map[int]string // what else is known
}

// robotPace is at most 20 messages a minute, as the makers allow.
const robotPace = 3100 * time.Millisecond

// busyPause is how long a robot that has had enough is left alone.
const busyPause = time.Minute

var robotKey = regexp.MustCompile(`^[-A-Za-z0-9]{16,128}$`)

// keyOf returns the key of a robot, which may be given with the address around it.
func keyOf(to Address) string {
	u, err := url.Parse(to.place)
	if err != nil || u.Host == "" {
		return to.place
	}
	q := u.Query()
	if key := q.Get("key") + q.Get("access_token"); key != "" {
		return key
	}
	return u.Path[strings.LastIndex(u.Path, "/")+1:]
}

func checkRobot(to Address) error {
	if !robotKey.MatchString(keyOf(to)) {
		return errors.New("the address must be the robot's webhook address, or the key in it")
	}
	return nil
}

func (r *robot) Line(to Address) string { return keyOf(to) }
func (r *robot) Pace() time.Duration    { return robotPace }

// Send posts a message and reads the code of the answer.
func (r *robot) Send(ctx context.Context, m Message) error {
	plain := m
	plain.To.place = keyOf(m.To)
	address, content := r.request(r.base, plain, time.Now())
	body, err := json.Marshal(content)
	if err != nil {
		return &Error{What: "the message has no JSON"}
	}
	answer, err := post(ctx, r.client, plain.To, http.MethodPost, address, http.Header{"Content-Type": {"application/json; charset=utf-8"}}, string(body))
	failed := asError(err)
	if failed != nil && failed.answer == nil {
		return failed
	}
	if failed != nil { // Feishu says some of its codes with a status of 400
		answer = failed.answer
	}
	var said struct {
		ErrCode *int   `json:"errcode"` // of WeCom and DingTalk
		ErrMsg  string `json:"errmsg"`
		Code    *int   `json:"code"` // of Feishu
		Msg     string `json:"msg"`
	}
	if err := json.Unmarshal(answer, &said); err != nil || said.ErrCode == nil && said.Code == nil {
		if failed != nil {
			return failed
		}
		return &Error{What: "it answers, but not as a robot does", Hint: "check the address of the channel", Again: true, Shared: true, Doubt: true}
	}
	code, text := said.ErrCode, said.ErrMsg
	if code == nil {
		code, text = said.Code, said.Msg
	}
	if *code == 0 {
		return nil
	}
	e := &Error{What: fmt.Sprintf("the robot answers with code %d", *code), Hint: r.codes.hint[*code], Said: plain.To.scrub(text), Shared: true}
	switch {
	case slices.Contains(r.codes.busy, *code):
		e.Again, e.After, e.Hint = true, busyPause, "it has had too many messages and is left alone for a while"
	case slices.Contains(r.codes.gone, *code):
		e.Hint = "there is no such robot any more: make one and import its address"
	case slices.Contains(r.codes.sign, *code):
		e.Hint = "its safety setting refuses the message: import the secret that stands there; see whether key words or addresses are asked for, and whether this machine's clock is right"
	case *code == -1:
		e.Again, e.Doubt = true, true
	}
	return e
}

// robotText is what a robot says.
func robotText(m Message) string { return m.Title + "\n" + m.Text }

// robotSign signs as DingTalk and Feishu do.
func robotSign(key, message string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(message))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

type textContent struct {
	Content string `json:"content"`
}
