package notify

import (
	"net/url"
	"strconv"
	"time"
)

// FeishuURL is where robots of Feishu 飞书 answer.
const FeishuURL = "https://open.feishu.cn"

// NewFeishu returns the channel of Feishu's robots; their keys are the
// addresses, and the secret is that of their signature 签名校验.
func NewFeishu(base string) Channel {
	return &robot{
		base: base, client: newClient(),
		codes: robotCodes{busy: []int{9499, 11232}, gone: []int{19001}, sign: []int{19021, 19022, 19024}, hint: map[int]string{19002: "the message has a part that it does not know"}},
		request: func(base string, m Message, at time.Time) (string, any) {
			body := struct {
				Timestamp string `json:"timestamp,omitempty"`
				Sign      string `json:"sign,omitempty"`
				Type      string `json:"msg_type"`
				Content   any    `json:"content"`
			}{Type: "text", Content: struct {
				Text string `json:"text"`
			}{robotText(m)}}
			if m.To.secret != "" { // the text is the key here, and nothing is hashed
				body.Timestamp = strconv.FormatInt(at.Unix(), 10)
				body.Sign = robotSign(body.Timestamp+"\n"+m.To.secret, "")
			}
			return base + "/open-apis/bot/v2/hook/" + url.PathEscape(m.To.place), body
		},
	}
}
