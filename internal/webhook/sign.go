package webhook

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// Sign gives a request the headers of Standard Webhooks 1.0: its id, its time,
// and the signatures of its body with each secret. Without secrets there are none.
func Sign(header http.Header, id string, at time.Time, body []byte, secrets ...string) error {
	var all []string
	for _, secret := range secrets {
		key, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			return errors.New("the secret cannot be read") // the library's error would show it
		}
		one, err := key.Sign(id, at, body)
		if err != nil {
			return errors.New("the message cannot be signed")
		}
		all = append(all, one)
	}
	header.Set(standardwebhooks.HeaderWebhookID, id)
	header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	if len(all) > 0 {
		header.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(all, " "))
	}
	return nil
}

// RetryAfter reads the header of that name, seconds or a date, as how long the
// other side wants to be left alone: not below 0 and not above most.
func RetryAfter(text string, now time.Time, most time.Duration) time.Duration {
	var d time.Duration
	if seconds, err := strconv.Atoi(text); err == nil {
		d = time.Duration(min(seconds, int(most.Seconds()))) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		d = at.Sub(now)
	}
	return min(max(d, 0), most)
}
