package httpapi

import (
	"context"
	"fmt"
	"slices"

	"ganlin/devices"
)

// A Registrar keeps the devices and their credentials.
type Registrar interface {
	// List returns every device.
	List(ctx context.Context) ([]Device, error)
	// Add declares a device and makes its credentials, shown once.
	Add(ctx context.Context, d devices.Device) ([]Credential, error)
	// Import takes a registry file, YAML or CSV by its name, and makes credentials for every device that has none.
	Import(ctx context.Context, name string, content []byte, forget bool) ([]Credential, error)
	Revoke(ctx context.Context, id devices.DeviceID) error
	// Forget takes an imported file or an added device away again, and returns the devices that are undeclared by it.
	Forget(ctx context.Context, name string) ([]devices.DeviceID, error)
}

// ListDevices returns a page of the registry's devices.
func (a *api) ListDevices(ctx context.Context, in ListDevicesRequestObject) (ListDevicesResponseObject, error) {
	all, err := a.Registrar.List(ctx)
	if err != nil {
		return nil, err
	}
	page, next, err := pageOf(all, "devices", in.Params.After, in.Params.Limit, func(d Device) string { return string(d.Device) })
	return ListDevices200JSONResponse{Items: page, Next: next}, err
}

// GetDevice returns one device.
func (a *api) GetDevice(ctx context.Context, in GetDeviceRequestObject) (GetDeviceResponseObject, error) {
	all, err := a.Registrar.List(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(d Device) bool { return d.Device == in.ID })
	if i < 0 {
		return nil, fmt.Errorf("%w: there is no device %q", ErrNotFound, in.ID)
	}
	return GetDevice200JSONResponse(all[i]), nil
}

// AddDevice declares one device.
func (a *api) AddDevice(ctx context.Context, in AddDeviceRequestObject) (AddDeviceResponseObject, error) {
	d := in.Body
	made, err := a.Registrar.Add(ctx, devices.Device{
		ID: d.ID, Model: d.Model, Plot: d.Plot, Station: d.Station, MaxDurationS: d.MaxDurationS, MaxVolumeL: d.MaxVolumeL, FlowLPM: d.FlowLPM,
	})
	return AddDevice200JSONResponse(made), err
}

// ImportDevices takes a registry file.
func (a *api) ImportDevices(ctx context.Context, in ImportDevicesRequestObject) (ImportDevicesResponseObject, error) {
	made, err := a.Registrar.Import(ctx, in.Body.Name, []byte(in.Body.Content), in.Body.Forget)
	return ImportDevices200JSONResponse(made), err
}

// ForgetDevices takes a file or a device away again.
func (a *api) ForgetDevices(ctx context.Context, in ForgetDevicesRequestObject) (ForgetDevicesResponseObject, error) {
	ids, err := a.Registrar.Forget(ctx, in.Body.Name)
	return ForgetDevices200JSONResponse(ids), err
}

// RevokeDevice makes a device's password let nobody in.
func (a *api) RevokeDevice(ctx context.Context, in RevokeDeviceRequestObject) (RevokeDeviceResponseObject, error) {
	return RevokeDevice204Response{}, a.Registrar.Revoke(ctx, in.ID)
}
