package notify

import (
	"net/url"
	"time"
)

// WeComURL is where robots of WeCom 企业微信 answer.
const WeComURL = "https://qyapi.weixin.qq.com"

// maxWeComText is the most that a robot of WeCom takes, in bytes.
const maxWeComText = 2048

// NewWeCom returns the channel of WeCom's robots; their keys are the addresses.
func NewWeCom(base string) Channel {
	return &robot{
		base: base, client: newClient(),
		codes: robotCodes{busy: []int{45009, 45033}, gone: []int{93000, 93008}, hint: map[int]string{40058: "a part of the message is empty or too long"}},
		request: func(base string, m Message, _ time.Time) (string, any) {
			return base + "/cgi-bin/webhook/send?" + url.Values{"key": {m.To.place}}.Encode(), struct {
				Type string      `json:"msgtype"`
				Text textContent `json:"text"`
			}{"text", textContent{cut(robotText(m), maxWeComText)}}
		},
	}
}

// cut shortens a text to so many bytes, at a character.
func cut(text string, bytes int) string {
	const more = "…"
	if len(text) <= bytes {
		return text
	}
	end := 0
	for i := range text {
		if i > bytes-len(more) {
			break
		}
		end = i
	}
	return text[:end] + more
}
