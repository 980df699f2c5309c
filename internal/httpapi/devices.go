package httpapi

import (
	"context"
	"net/http"

	"ganlin/devices"
)

// A Registrar keeps the devices and their credentials.
type Registrar interface {
	List(ctx context.Context) ([]Device, error)
	// Add declares a device and makes its credentials, shown once.
	Add(ctx context.Context, d devices.Device) ([]Credential, error)
	// Import takes a registry file, YAML or CSV by its name, and makes credentials for every device that has none.
	Import(ctx context.Context, name string, content []byte) ([]Credential, error)
	Revoke(ctx context.Context, id devices.DeviceID) error
}

// A Device is an entry of the list of devices.
type Device struct {
	Device      devices.DeviceID  `json:"device"`
	Model       string            `json:"model"`
	Plot        devices.PlotID    `json:"plot,omitempty"`
	Station     devices.StationID `json:"station,omitempty"`
	Credentials string            `json:"credentials"` // active, revoked or none
	Online      bool              `json:"online"`
}

// A Credential is what a device logs in with. Its password is kept as a hash only.
type Credential struct {
	Device   devices.DeviceID `json:"device"`
	ClientID string           `json:"client_id"`
	Username string           `json:"username"`
	Password string           `json:"password"`
}

// A NewDevice is the body of an addition.
type NewDevice struct {
	ID           devices.DeviceID  `json:"id"`
	Model        string            `json:"model"`
	Plot         devices.PlotID    `json:"plot,omitempty"`
	Station      devices.StationID `json:"station,omitempty"`
	MaxDurationS int               `json:"max_duration_s,omitempty"`
	MaxVolumeL   float64           `json:"max_volume_l,omitempty"`
}

// A RegistryFile is the body of an import.
type RegistryFile struct {
	Name    string `json:"name"`
	Content string `json:"content"`
}

func (a api) listDevices(w http.ResponseWriter, r *http.Request) {
	list, err := a.Registrar.List(r.Context())
	a.answer(w, r, list, err)
}

func (a api) addDevice(w http.ResponseWriter, r *http.Request) {
	var d NewDevice
	if err := readJSON(w, r, &d); err != nil {
		a.fail(w, r, err)
		return
	}
	made, err := a.Registrar.Add(r.Context(), devices.Device(d))
	a.answer(w, r, made, err)
}

func (a api) importDevices(w http.ResponseWriter, r *http.Request) {
	var f RegistryFile
	if err := readJSON(w, r, &f); err != nil {
		a.fail(w, r, err)
		return
	}
	made, err := a.Registrar.Import(r.Context(), f.Name, []byte(f.Content))
	a.answer(w, r, made, err)
}

func (a api) revokeDevice(w http.ResponseWriter, r *http.Request) {
	a.done(w, r, a.Registrar.Revoke(r.Context(), devices.DeviceID(r.PathValue("id"))))
}

// answer writes v, or the problem that kept it from being made.
func (a api) answer(w http.ResponseWriter, r *http.Request, v any, err error) {
	if err != nil {
		a.fail(w, r, err)
		return
	}
	writeJSON(w, v)
}
