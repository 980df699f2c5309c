package httpapi

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"ganlin/devices"
)

// Alerts are what somebody should look at, and what people said about it.
type Alerts interface {
	// Alerts returns alerts within reach behind a place in the list, at most limit, and whether there are more.
	Alerts(ctx context.Context, reach Reach, which AlertFilter, after *Place, limit int) (page []Alert, more bool, err error)
	Alert(ctx context.Context, reach Reach, id string) (Alert, error)
	// Act takes down what somebody said. An act whose id is there already changes nothing.
	Act(ctx context.Context, alert, id string, act AlertAct) error
}

// An AlertFilter says which alerts are asked for; what is empty asks for all.
type AlertFilter struct {
	Plot devices.PlotID
	Open bool
}

// A Place is where a page of a list by time ended: the last first, of one time by id.
type Place struct {
	At time.Time `json:"t"`
	ID string    `json:"i"`
}

// ListAlerts returns a page of alerts.
func (a *api) ListAlerts(ctx context.Context, in ListAlertsRequestObject) (ListAlertsResponseObject, error) {
	which := AlertFilter{Plot: in.Params.Plot, Open: in.Params.Open}
	asked := url.Values{"plot": {string(which.Plot)}, "open": {strconv.FormatBool(which.Open)}}.Encode()
	var after *Place
	if err := readCursor(in.Params.After, "alerts", asked, &after); err != nil {
		return nil, err
	}
	if which.Plot != "" {
		if _, err := a.plot(ctx, which.Plot); err != nil {
			return nil, err
		}
	}
	items, more, err := a.Alerts.Alerts(ctx, a.reach(ctx), which, after, in.Params.Limit)
	if err != nil {
		return nil, err
	}
	page := AlertPage{Items: items}
	if more {
		last := items[len(items)-1]
		page.Next, err = cursorOf("alerts", asked, Place{last.RaisedAt, last.ID})
	}
	return ListAlerts200JSONResponse(page), err
}

// GetAlert returns one alert.
func (a *api) GetAlert(ctx context.Context, in GetAlertRequestObject) (GetAlertResponseObject, error) {
	alert, err := a.Alerts.Alert(ctx, a.reach(ctx), in.ID)
	return GetAlert200JSONResponse(alert), err
}

// AcknowledgeAlert says that somebody has seen it: once for each account.
func (a *api) AcknowledgeAlert(ctx context.Context, in AcknowledgeAlertRequestObject) (AcknowledgeAlertResponseObject, error) {
	access, _ := a.Access(ctx)
	alert, err := a.said(ctx, in.ID, fmt.Sprintf("seen-%s-%s", in.ID, access.Account), AlertAct{Act: AlertActActAcknowledged, By: access.Account})
	return AcknowledgeAlert200JSONResponse(alert), err
}

// AnswerAlert says what somebody does about it.
func (a *api) AnswerAlert(ctx context.Context, in AnswerAlertRequestObject) (AnswerAlertResponseObject, error) {
	access, _ := a.Access(ctx)
	alert, err := a.said(ctx, in.ID, ActID(ctx), AlertAct{Act: AlertActActAnswered, Answer: string(in.Body.Answer), By: access.Account})
	return AnswerAlert200JSONResponse(alert), err
}

// said takes down what somebody said about an alert that is theirs to act on, and returns it with that.
func (a *api) said(ctx context.Context, id, actID string, act AlertAct) (Alert, error) {
	alert, err := a.Alerts.Alert(ctx, a.reach(ctx), id)
	if err != nil {
		return Alert{}, err
	}
	if plot, ok := a.Plots.Declared(alert.Plot); ok && !a.reach(ctx).ActsOn(plot) {
		return Alert{}, fmt.Errorf("%w: there is no alert %q", ErrNotFound, id)
	}
	if err := a.Alerts.Act(ctx, id, actID, act); err != nil {
		return Alert{}, err
	}
	return a.Alerts.Alert(ctx, a.reach(ctx), id)
}
