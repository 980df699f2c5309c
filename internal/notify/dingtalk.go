package notify

import (
	"net/url"
	"strconv"
	"time"
)

// DingTalkURL is where robots of DingTalk 钉钉 answer.
const DingTalkURL = "https://oapi.dingtalk.com"

// NewDingTalk returns the channel of DingTalk's robots; their access tokens are
// the addresses, and the secret is that of their signature 加签.
func NewDingTalk(base string) Channel {
	return &robot{
		base: base, client: newClient(),
		codes: robotCodes{busy: []int{130101, 90018}, gone: []int{300005, 400101, 400102, 400106}, sign: []int{310000}},
		request: func(base string, m Message, at time.Time) (string, any) {
			q := url.Values{"access_token": {m.To.place}}
			if m.To.secret != "" {
				stamp := strconv.FormatInt(at.UnixMilli(), 10)
				q.Set("timestamp", stamp)
				q.Set("sign", robotSign(m.To.secret, stamp+"\n"+m.To.secret))
			}
			return base + "/robot/send?" + q.Encode(), struct {
				Type string      `json:"msgtype"`
				Text textContent `json:"text"`
			}{"text", textContent{robotText(m)}}
		},
	}
}
