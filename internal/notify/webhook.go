package notify

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"ganlin/internal/webhook"
)

// WebhookOptions say how messages are sent as JSON to a URL, the address.
type WebhookOptions struct {
	// Secret signs them, as Standard Webhooks does: base64, perhaps after
	// whsec_. The contact's own takes its place; without any nothing is signed.
	Secret string
	// Guard says where they may be posted to: the addresses are not the operator's own.
	Guard webhook.Guard
}

// NewWebhook returns the channel of generic JSON. A receiver that keeps the ids
// it has seen in webhook-id can drop what comes twice.
func NewWebhook(o WebhookOptions) (Channel, error) {
	if err := checkSecret(o.Secret); err != nil {
		return nil, err
	}
	return &hook{o, webhook.NewClient(o.Guard, maxTries)}, nil
}

// A hook is the channel of generic JSON.
type hook struct {
	o      WebhookOptions
	client *webhook.Client
}

func checkSecret(secret string) error {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || secret != "" && len(key) < 24 {
		return errors.New("the secret of a webhook is at least 24 bytes in base64, such as openssl rand -base64 32 makes")
	}
	return nil
}

func checkWebhook(to Address) error {
	if err := checkSecret(to.secret); err != nil {
		return err
	}
	return checkURL(to.place)
}

func (h *hook) Line(to Address) string { return hostOf(to.place) }
func (h *hook) Pace() time.Duration    { return 0 }

// Send posts a message. Its headers are those of Standard Webhooks 1.0. Of the
// answer the status alone is told on: who names an address is not to read by it
// what stands there.
func (h *hook) Send(ctx context.Context, m Message) error {
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
	header := http.Header{"Content-Type": {"application/json"}}
	var secrets []string
	if secret := cmp.Or(m.To.secret, h.o.Secret); secret != "" {
		secrets = append(secrets, secret)
	}
	if err := webhook.Sign(header, m.ID, time.Now(), body, secrets...); err != nil {
		return &Error{What: err.Error()}
	}
	_, err = post(ctx, h.client, m.To, http.MethodPost, m.To.place, header, string(body))
	if failed := asError(err); failed != nil {
		failed.Said = ""
		return failed
	}
	return nil
}
