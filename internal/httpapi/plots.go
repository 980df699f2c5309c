package httpapi

import (
	"context"
	"fmt"
	"net/url"

	"ganlin/devices"
)

// Plots are the fields as they stand.
type Plots interface {
	// Plots returns plots by id, at most limit behind the one named, of those
	// that want holds for, and whether there are more.
	Plots(ctx context.Context, want func(devices.Plot, Grade) bool, after devices.PlotID, limit int) (page []Plot, more bool)
	// Declared returns a plot of the registry.
	Declared(id devices.PlotID) (devices.Plot, bool)
	// Watered returns the plots that a valve waters.
	Watered(valve devices.DeviceID) []devices.Plot
	Plot(ctx context.Context, id devices.PlotID) (PlotDetail, error)
	Outlook(ctx context.Context, id devices.PlotID) (Outlook, error)
}

// plot returns a plot within reach. Foreign and missing ones look the same.
func (a *api) plot(ctx context.Context, id devices.PlotID) (devices.Plot, error) {
	plot, ok := a.Plots.Declared(id)
	if !ok || !a.reach(ctx).SeesPlot(plot) {
		return devices.Plot{}, fmt.Errorf("%w: there is no plot %q", ErrNotFound, id)
	}
	return plot, nil
}

// ListPlots returns a page of the plots within reach.
func (a *api) ListPlots(ctx context.Context, in ListPlotsRequestObject) (ListPlotsResponseObject, error) {
	asked := url.Values{"site": {string(in.Params.Site)}, "place": {string(in.Params.Place)}, "grade": {string(in.Params.Grade)}}.Encode()
	var after devices.PlotID
	if err := readCursor(in.Params.After, "plots", asked, &after); err != nil {
		return nil, err
	}
	reach := a.reach(ctx)
	items, more := a.Plots.Plots(ctx, func(p devices.Plot, grade Grade) bool {
		return (in.Params.Site == "" || p.Site == in.Params.Site) &&
			(in.Params.Grade == "" || grade == in.Params.Grade) &&
			(in.Params.Place == "" || p.Place.Within(in.Params.Place)) && reach.SeesPlot(p)
	}, after, in.Params.Limit)
	page := PlotPage{Items: items}
	if more {
		var err error
		if page.Next, err = cursorOf("plots", asked, items[len(items)-1].ID); err != nil {
			return nil, err
		}
	}
	return ListPlots200JSONResponse(page), nil
}

// GetPlot returns a plot and what stands on it.
func (a *api) GetPlot(ctx context.Context, in GetPlotRequestObject) (GetPlotResponseObject, error) {
	if _, err := a.plot(ctx, in.ID); err != nil {
		return nil, err
	}
	detail, err := a.Plots.Plot(ctx, in.ID)
	return GetPlot200JSONResponse(detail), err
}

// GetOutlook returns what lies ahead of a plot.
func (a *api) GetOutlook(ctx context.Context, in GetOutlookRequestObject) (GetOutlookResponseObject, error) {
	if _, err := a.plot(ctx, in.ID); err != nil {
		return nil, err
	}
	outlook, err := a.Plots.Outlook(ctx, in.ID)
	return GetOutlook200JSONResponse(outlook), err
}
