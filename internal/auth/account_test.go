package auth_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"ganlin/devices"
	"ganlin/internal/auth"
)

func TestReach(t *testing.T) {
	agro := auth.Access{Role: auth.Agronomist, Sites: []devices.SiteID{"sanquan"}, Places: []devices.PlaceCode{"500120000000", "500121101010"}}
	grid := agro
	grid.Role = auth.GridWorker
	monitor := agro
	monitor.Role = auth.Monitor
	farmer := auth.Access{Role: auth.Farmer, Household: "h-001"}
	operator := auth.Access{Role: auth.Operator}
	whoever := map[string]auth.Access{
		"agronomist": agro, "grid_worker": grid, "monitor": monitor, "farmer": farmer, "operator": operator,
		"nobody": {}, "no household": {Role: auth.Farmer}, "invented": {Role: "king", Sites: agro.Sites, Places: agro.Places, Household: "h-001"},
	}
	for name, x := range map[string]struct {
		plot             devices.Plot
		plotSeen, siteOf string // who sees the plot; who sees its site
	}{
		"own":               {devices.Plot{Site: "sanquan", Place: "500119101001", Household: "h-001"}, "operator agronomist grid_worker farmer", "operator agronomist grid_worker monitor"},
		"neighbour's":       {devices.Plot{Site: "sanquan", Place: "500119101001", Household: "h-002"}, "operator agronomist grid_worker", "operator agronomist grid_worker monitor"},
		"nobody's":          {devices.Plot{Site: "sanquan", Place: "500119101001"}, "operator agronomist grid_worker", "operator agronomist grid_worker monitor"},
		"in the county":     {devices.Plot{Site: "far", Place: "500120101001"}, "operator agronomist grid_worker", "operator agronomist grid_worker monitor"},
		"the village":       {devices.Plot{Site: "far", Place: "500121101010"}, "operator agronomist grid_worker", "operator agronomist grid_worker monitor"},
		"a village like it": {devices.Plot{Site: "far", Place: "500121101011"}, "operator", "operator"},
		"foreign":           {devices.Plot{Site: "far", Place: "500119101001", Household: "h-009"}, "operator", "operator"},
		"own, far away":     {devices.Plot{Site: "far", Place: "500119101001", Household: "h-001"}, "operator farmer", "operator"},
		"nowhere":           {devices.Plot{}, "operator", "operator"},
	} {
		site := devices.Site{ID: x.plot.Site, Place: x.plot.Place}
		for who, a := range whoever {
			has := func(list string) bool { return strings.Contains(" "+list+" ", " "+who+" ") }
			if got := a.SeesPlot(x.plot); got != has(x.plotSeen) {
				t.Errorf("%s sees the plot %s: %t", who, name, got)
			}
			if got := a.ActsOn(x.plot); got != (has(x.plotSeen) && who != "grid_worker") {
				t.Errorf("%s acts on the plot %s: %t", who, name, got)
			}
			if got := a.SeesSite(site); got != has(x.siteOf) {
				t.Errorf("%s sees the site %s: %t", who, name, got)
			}
			if got := a.SeesHousehold(x.plot.Household, site); x.plot.Household != "" && got != has(x.plotSeen) {
				t.Errorf("%s sees the household %s: %t", who, name, got)
			}
		}
	}
}

func TestAPlaceCoversWhatLiesInIt(t *testing.T) {
	for _, x := range []struct {
		outer, inner devices.PlaceCode
		want         bool
	}{
		{"50", "500119101001", true},
		{"500000000000", "500119101001", true},
		{"500119", "500119101001", true},
		{"500119000000", "500119101001", true},
		{"500119101", "500119101001", true},
		{"500119101000", "500119101001", true},
		{"500119101001", "500119101001", true},
		{"500119101010", "500119101010", true},
		{"500119101010", "500119101011", false},
		{"500119100000", "500119101001", false},
		{"500110", "500119101001", false},
		{"500119101001", "500119101000", false},
		{"500119101001", "500119", false},
		{"", "500119101001", false},
		{"50", "", false},
	} {
		a := auth.Access{Role: auth.GridWorker, Places: []devices.PlaceCode{x.outer}}
		if got := a.SeesPlace(x.inner); got != x.want {
			t.Errorf("%q covers %q: %t", x.outer, x.inner, got)
		}
	}
}

func TestAnAccountFitsItsRole(t *testing.T) {
	sites, places := []devices.SiteID{"a"}, []devices.PlaceCode{"500119"}
	for name, x := range map[string]struct {
		account auth.Account
		wrong   string // empty: it is right
	}{
		"operator":            {auth.Account{ID: "a", Role: auth.Operator}, ""},
		"agronomist":          {auth.Account{ID: "a", Role: auth.Agronomist, Sites: sites, Language: "zh"}, ""},
		"grid worker":         {auth.Account{ID: "a", Role: auth.GridWorker, Places: places}, ""},
		"farmer":              {auth.Account{ID: "a", Role: auth.Farmer, Household: "h-1"}, ""},
		"monitor":             {auth.Account{ID: "a", Role: auth.Monitor, Places: places, Receiver: "county"}, ""},
		"scraper":             {auth.Account{ID: "a", Role: auth.Monitor}, ""},
		"no id":               {auth.Account{Role: auth.Operator}, "id is empty"},
		"a name":              {auth.Account{ID: "王五", Role: auth.Operator}, `id "王五" holds`},
		"no role":             {auth.Account{ID: "a"}, `role "" is none of`},
		"another role":        {auth.Account{ID: "a", Role: "root"}, `role "root" is none of`},
		"language":            {auth.Account{ID: "a", Role: auth.Operator, Language: "fr"}, "neither zh nor en"},
		"bounded operator":    {auth.Account{ID: "a", Role: auth.Operator, Sites: sites}, "serves the whole program"},
		"blind agronomist":    {auth.Account{ID: "a", Role: auth.Agronomist}, "sees nothing"},
		"blind grid worker":   {auth.Account{ID: "a", Role: auth.GridWorker}, "sees nothing"},
		"homeless farmer":     {auth.Account{ID: "a", Role: auth.Farmer}, "--household"},
		"wide farmer":         {auth.Account{ID: "a", Role: auth.Farmer, Household: "h", Places: places}, "leave --site and --place out"},
		"agronomist's house":  {auth.Account{ID: "a", Role: auth.Agronomist, Sites: sites, Household: "h"}, "is of a farmer"},
		"farmer's receiver":   {auth.Account{ID: "a", Role: auth.Farmer, Household: "h", Receiver: "r"}, "is of a monitor"},
		"half a place":        {auth.Account{ID: "a", Role: auth.GridWorker, Places: []devices.PlaceCode{"5001191"}}, "has 7 digits"},
		"no place":            {auth.Account{ID: "a", Role: auth.GridWorker, Places: []devices.PlaceCode{"x"}}, "is not 2 to 12 digits"},
		"no site":             {auth.Account{ID: "a", Role: auth.GridWorker, Sites: []devices.SiteID{"a b"}}, `id "a b" holds`},
		"an address receives": {auth.Account{ID: "a", Role: auth.Monitor, Receiver: "a@b"}, `id "a@b" holds`},
	} {
		err := x.account.Validate()
		if (err == nil) != (x.wrong == "") || err != nil && !strings.Contains(err.Error(), x.wrong) {
			t.Errorf("%s: %v, want %q", name, err, x.wrong)
		}
	}
}

func TestASecretDoesNotShowItself(t *testing.T) {
	secret := auth.NewSecret()
	if text := secret.Reveal(); !strings.HasPrefix(text, "gl_") || len(text) != 46 || text == auth.NewSecret().Reveal() {
		t.Errorf("a token of %d characters", len(text))
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("made", "secret", secret, "in", struct{ S auth.Secret }{secret})
	encoded, err := json.Marshal(map[string]any{"secret": secret})
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprintf("%v %+v %#v %s %s %s", secret, secret, struct{ S auth.Secret }{secret}, secret, encoded, log.String())
	if strings.Contains(all, "gl_") {
		t.Errorf("it shows itself: %s", all)
	}
	if sum, err := auth.ParseSum(secret.Sum().String()); err != nil || sum != secret.Sum() {
		t.Errorf("%v, %v", sum, err)
	}
	for _, bad := range []string{"", "xy", strings.Repeat("0", 63), strings.Repeat("z", 64)} {
		if _, err := auth.ParseSum(bad); err == nil {
			t.Errorf("%q is a sum", bad)
		}
	}
}
