package httpapi

import "context"

// Webhooks are where signals are sent to: those of who asks, or all for an operator.
type Webhooks interface {
	Webhooks(ctx context.Context) ([]Webhook, error)
	AddWebhook(ctx context.Context, n NewWebhook) (WebhookWithSecret, error)
	DeleteWebhook(ctx context.Context, id string) error
	TestWebhook(ctx context.Context, id string) (WebhookTrial, error)
	ChangeWebhook
}

// ChangeWebhook is what can be changed of a webhook.
type ChangeWebhook interface {
	RotateWebhook(ctx context.Context, id string) (WebhookWithSecret, error)
	EnableWebhook(ctx context.Context, id string) (Webhook, error)
}

// ListWebhooks returns webhooks without their secrets.
func (a *api) ListWebhooks(ctx context.Context, _ ListWebhooksRequestObject) (ListWebhooksResponseObject, error) {
	list, err := a.Webhooks.Webhooks(ctx)
	return ListWebhooks200JSONResponse(list), err
}

// AddWebhook makes a webhook.
func (a *api) AddWebhook(ctx context.Context, in AddWebhookRequestObject) (AddWebhookResponseObject, error) {
	made, err := a.Webhooks.AddWebhook(ctx, *in.Body)
	return AddWebhook201JSONResponse(made), err
}

// DeleteWebhook ends a webhook.
func (a *api) DeleteWebhook(ctx context.Context, in DeleteWebhookRequestObject) (DeleteWebhookResponseObject, error) {
	return DeleteWebhook204Response{}, a.Webhooks.DeleteWebhook(ctx, in.ID)
}

// TestWebhook sends an event that tells nothing.
func (a *api) TestWebhook(ctx context.Context, in TestWebhookRequestObject) (TestWebhookResponseObject, error) {
	trial, err := a.Webhooks.TestWebhook(ctx, in.ID)
	return TestWebhook200JSONResponse(trial), err
}

// RotateWebhook gives a webhook a new secret.
func (a *api) RotateWebhook(ctx context.Context, in RotateWebhookRequestObject) (RotateWebhookResponseObject, error) {
	made, err := a.Webhooks.RotateWebhook(ctx, in.ID)
	return RotateWebhook200JSONResponse(made), err
}

// EnableWebhook puts a webhook into force again.
func (a *api) EnableWebhook(ctx context.Context, in EnableWebhookRequestObject) (EnableWebhookResponseObject, error) {
	hook, err := a.Webhooks.EnableWebhook(ctx, in.ID)
	return EnableWebhook200JSONResponse(hook), err
}
