package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// WebhookOptions say how messages are sent as JSON to a URL, the address.
type WebhookOptions struct {
	// Secret signs them, as Standard Webhooks does: base64, perhaps after
	// whsec_. The contact's own takes its place; without any nothing is signed.
	Secret string
}

// NewWebhook returns the channel of generic JSON. A receiver that keeps the ids
// it has seen in webhook-id can drop what comes twice.
func NewWebhook(o WebhookOptions) (Channel, error) {
	if _, err := webhookKey(o.Secret); err != nil {
		return nil, err
	}
	return &webhook{o, newClient()}, nil
}

type webhook struct {
	o      WebhookOptions
	client *http.Client
}

func webhookKey(secret string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || secret != "" && len(key) < 24 {
		return nil, errors.New("the secret of a webhook is at least 24 bytes in base64, such as openssl rand -base64 32 makes")
	}
	return key, nil
}

func checkWebhook(to Address) error {
	if _, err := webhookKey(to.secret); err != nil {
		return err
	}
	return checkURL(to.place)
}

func (w *webhook) Line(to Address) string { return hostOf(to.place) }
func (w *webhook) Pace() time.Duration    { return 0 }

// Send posts a message. Its headers are those of Standard Webhooks 1.0.
func (w *webhook) Send(ctx context.Context, m Message) error {
	body, err := json.Marshal(struct {
		Type string    `json:"type"`
		At   time.Time `json:"timestamp"`
		Data any       `json:"data"`
	}{"ganlin.notice", m.At.UTC(), struct {
		ID     string `json:"id"`
		Title  string `json:"title"`
		Text   string `json:"text"`
		Short  string `json:"short"`
		Link   string `json:"link,omitempty"`
		Urgent bool   `json:"urgent"`
		Facts
	}{m.ID, m.Title, m.Text, m.Short, m.Link, m.Urgent, m.Facts}})
	if err != nil {
		return &Error{What: "the message has no JSON"}
	}
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	header := map[string]string{"Content-Type": "application/json", "webhook-id": m.ID, "webhook-timestamp": stamp}
	secret := w.o.Secret
	if m.To.secret != "" {
		secret = m.To.secret
	}
	if key, err := webhookKey(secret); err == nil && len(key) > 0 {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(m.ID + "." + stamp + "."))
		h.Write(body)
		header["webhook-signature"] = "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil))
	}
	_, err = post(ctx, w.client, m.To, http.MethodPost, m.To.place, header, string(body))
	return err
}
