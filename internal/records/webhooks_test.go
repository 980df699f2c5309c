package records_test

import (
	"errors"
	"testing"
	"time"

	"ganlin/internal/records"
)

func TestWebhooks(t *testing.T) { onBoth(t, testWebhooks) }

func testWebhooks(r run) {
	t, in := r.T, r.in
	s := openStore(t, in.place(t))
	w := records.Webhook{ID: "wh-1", Account: "town", URL: "https://town.example/ganlin", Secret: "whsec_a", Created: noon, Delivery: records.Delivery{Delivered: 4}}
	later := records.Webhook{ID: "wh-0", Account: "district", URL: "https://district.example", Secret: "whsec_b", Created: noon.Add(time.Hour)}
	for _, one := range []records.Webhook{later, w} {
		if err := s.AddWebhook(t.Context(), one); err != nil {
			t.Fatal(err)
		}
	}
	w.Secret, w.OldSecret, w.OldUntil, w.Disabled = "whsec_c", "whsec_a", noon.Add(time.Hour), "410"
	w.Delivery = records.Delivery{Delivered: 9, Attempts: 3, NextAt: noon.Add(time.Minute), FailingSince: noon, LastAt: noon, LastAnswer: "503"}
	if err := s.SaveWebhook(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	got, err := s.Webhooks(t.Context())
	same(t, "webhooks", []records.Webhook{w, later}, got, err)
	if err := s.DeleteWebhook(t.Context(), "wh-0"); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteWebhook(t.Context(), "wh-0"); !errors.Is(err, records.ErrNotFound) {
		t.Errorf("deleting it again: %v", err)
	}
	if err := s.SaveWebhook(t.Context(), later); !errors.Is(err, records.ErrNotFound) {
		t.Errorf("keeping a webhook that is gone: %v", err)
	}
	got, err = s.Webhooks(t.Context())
	same(t, "what is left", []records.Webhook{w}, got, err)
}
