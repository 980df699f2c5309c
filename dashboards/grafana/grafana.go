package grafana

import (
	"encoding/json"
	"fmt"
)

// All returns the dashboards, in the order in which they are read.
func All() []Dashboard {
	return []Dashboard{village(), plot(), irrigation(), operations()}
}

// JSON is a dashboard as Grafana loads it, one line a field so that changes can be read.
func (d Dashboard) JSON() ([]byte, error) {
	b, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing dashboard %s: %w", d.UID, err)
	}
	return append(b, '\n'), nil
}

// tag marks our dashboards, so that each has a menu to the others.
const tag = "ganlin"

// newSheet begins a dashboard that shows the days up to now.
func newSheet(uid string, title, description text, days int, variables ...Variable) *sheet {
	return &sheet{Dashboard: Dashboard{
		UID: uid, Title: title.line(), Description: description.line(), Tags: []string{tag}, SchemaVersion: 39,
		GraphTooltip: 1, Timezone: "browser", Refresh: "5m",
		Time:       TimeRange{fmt.Sprintf("now-%dd", days), "now"},
		Templating: Templating{variables},
		Links: []Link{{
			Type: "dashboards", Title: "甘霖 Ganlin", Tooltip: "其他面板 The other dashboards", Icon: "external link",
			Tags: []string{tag}, AsDropdown: true, IncludeVars: true, KeepTime: true,
		}},
	}}
}
