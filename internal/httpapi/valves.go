package httpapi

import (
	"context"
	"fmt"

	"ganlin/devices"
	"ganlin/rules/valve"
)

// Valves carries out what a person wants of them. by is an account.
type Valves interface {
	// Open opens a valve by a lease, as far as its limits allow.
	Open(ctx context.Context, by string, id devices.DeviceID, ask valve.Ask, reason string) (devices.Command, error)
	Close(ctx context.Context, by string, id devices.DeviceID, reason string) (devices.Command, error)
	// Clear takes down that somebody has looked at a valve and says that it is shut.
	Clear(ctx context.Context, by string, id devices.DeviceID, reason string) error
	// Stop closes every valve, and lets nothing open until Resume. It tells of each valve how that ended.
	Stop(ctx context.Context, by string) (map[devices.DeviceID]string, error)
	Resume(ctx context.Context, by string) error
}

// mayAct returns who wants to act on a valve of a plot within reach.
func (a *api) mayAct(ctx context.Context, id devices.DeviceID) (by string, err error) {
	access, _ := a.Access(ctx)
	for _, plot := range a.Plots.Watered(id) {
		if a.reach(ctx).ActsOn(plot) {
			return access.Account, nil
		}
	}
	return "", fmt.Errorf("%w: there is no valve %q", ErrNotFound, id)
}

// OpenValve opens a valve.
func (a *api) OpenValve(ctx context.Context, in OpenValveRequestObject) (OpenValveResponseObject, error) {
	by, err := a.mayAct(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	command, err := a.Valves.Open(ctx, by, in.ID, valve.Ask{DurationS: in.Body.DurationS, VolumeL: in.Body.VolumeL}, in.Body.Reason)
	return OpenValve202JSONResponse(given(in.ID, command)), err
}

// CloseValve closes a valve.
func (a *api) CloseValve(ctx context.Context, in CloseValveRequestObject) (CloseValveResponseObject, error) {
	by, err := a.mayAct(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	reason := ""
	if in.Body != nil {
		reason = in.Body.Reason
	}
	command, err := a.Valves.Close(ctx, by, in.ID, reason)
	return CloseValve202JSONResponse(given(in.ID, command)), err
}

// ClearValve takes the word of whoever has looked at a valve.
func (a *api) ClearValve(ctx context.Context, in ClearValveRequestObject) (ClearValveResponseObject, error) {
	by, err := a.mayAct(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	reason := ""
	if in.Body != nil {
		reason = in.Body.Reason
	}
	return ClearValve204Response{}, a.Valves.Clear(ctx, by, in.ID, reason)
}

func given(id devices.DeviceID, c devices.Command) Command {
	return Command{
		ID: c.ID, Valve: id, Action: CommandAction(c.Action), MaxDurationS: c.MaxDurationS, MaxVolumeL: c.MaxVolumeL, ExpiresAt: c.ExpiresAt,
	}
}

// StopValves is the emergency stop.
func (a *api) StopValves(ctx context.Context, _ StopValvesRequestObject) (StopValvesResponseObject, error) {
	access, _ := a.Access(ctx)
	results, err := a.Valves.Stop(ctx, access.Account)
	if results == nil && err != nil {
		return nil, err
	}
	stopped := Stopped{Valves: map[string]string{}}
	if err != nil {
		stopped.Warning = err.Error()
	}
	for id, result := range results {
		stopped.Valves[string(id)] = result
	}
	return StopValves200JSONResponse(stopped), nil
}

// ResumeValves ends the emergency stop.
func (a *api) ResumeValves(ctx context.Context, _ ResumeValvesRequestObject) (ResumeValvesResponseObject, error) {
	access, _ := a.Access(ctx)
	return ResumeValves204Response{}, a.Valves.Resume(ctx, access.Account)
}
