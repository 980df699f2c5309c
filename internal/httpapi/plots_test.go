package httpapi_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"ganlin/devices"
	"ganlin/internal/httpapi"
)

func TestPagesOfPlots(t *testing.T) {
	s := serve(t, all{}, nil)
	seen := map[devices.PlotID]int{}
	after, pages := "", 0
	for {
		a := ask(t, "GET", s.URL+"/api/v1/plots?limit=60&after="+url.QueryEscape(after), "")
		var page httpapi.PlotPage
		if err := json.Unmarshal(a.body, &page); err != nil || a.StatusCode != http.StatusOK {
			t.Fatalf("a page answers %d %s", a.StatusCode, a.body)
		}
		for _, p := range page.Items {
			seen[p.ID]++
		}
		pages++
		if after = page.Next; after == "" {
			break
		}
	}
	if len(seen) != 250 || pages != 5 {
		t.Errorf("%d plots in %d pages, want 250 in 5", len(seen), pages)
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%s is there %d times", id, n)
		}
	}
}

// Lists of the parts behind the API that come whole, in no order.
type (
	devicesOf  struct{ httpapi.Registrar }
	accountsOf struct{ httpapi.Accounts }
	contactsOf struct{ httpapi.Notices }
)

func (contactsOf) Contacts(context.Context) (all []httpapi.Contact, _ error) {
	for i := range 250 {
		all = append(all, httpapi.Contact{ID: fmt.Sprint("c-", i), Household: devices.HouseholdID(fmt.Sprintf("h-%d", i*7%10)), Channel: "sms"})
	}
	return all, nil
}

func (devicesOf) List(context.Context) (all []httpapi.Device, _ error) {
	for i := range 250 {
		all = append(all, httpapi.Device{Device: devices.DeviceID(fmt.Sprint("s-", i*7%250))})
	}
	return all, nil
}

func (accountsOf) List(context.Context) (all []httpapi.Account, _ error) {
	for i := range 250 {
		all = append(all, httpapi.Account{ID: fmt.Sprint("a-", i*7%250)})
	}
	return all, nil
}

// Lists that come whole are told in pages, each item once and in order; one that is asked for alone is found.
func TestPagesOfWholeLists(t *testing.T) {
	s := serve(t, all{}, func(o *httpapi.Options) { o.Registrar, o.Accounts, o.Notices = devicesOf{}, accountsOf{}, contactsOf{} })
	for path, key := range map[string]string{"/api/v1/devices": "device", "/api/v1/accounts": "id", "/api/v1/contacts": "id"} {
		seen, pages, before := map[string]int{}, 0, ""
		for after := ""; pages == 0 || after != ""; pages++ {
			var page struct {
				Items []map[string]any
				Next  string
			}
			a := ask(t, "GET", s.URL+path+"?limit=60&after="+after, "")
			if err := json.Unmarshal(a.body, &page); err != nil || a.StatusCode != http.StatusOK {
				t.Fatalf("%s answers %d %s", path, a.StatusCode, a.body)
			}
			for _, one := range page.Items {
				id := fmt.Sprint(one[key])
				if household, ok := one["household"]; ok {
					id = fmt.Sprint(household, id)
				}
				seen[id]++
				if id <= before {
					t.Errorf("%s: %s comes behind %s", path, id, before)
				}
				before = id
			}
			after = page.Next
		}
		if len(seen) != 250 || pages != 5 {
			t.Errorf("%s: %d items in %d pages, want 250 in 5", path, len(seen), pages)
		}
	}
	for id, want := range map[string]int{"s-7": 200, "s-250": 404} {
		if a := ask(t, "GET", s.URL+"/api/v1/devices/"+id, ""); a.StatusCode != want || want == 200 && !bytes.Contains(a.body, []byte(`"`+id+`"`)) {
			t.Errorf("%s answers %d %s", id, a.StatusCode, a.body)
		}
	}
}

func TestACursorBelongsToItsQuestion(t *testing.T) {
	s := serve(t, all{}, nil)
	var page httpapi.PlotPage
	if err := json.Unmarshal(ask(t, "GET", s.URL+"/api/v1/plots?limit=10&site=sanquan", "").body, &page); err != nil || page.Next == "" {
		t.Fatalf("no next page: %v", err)
	}
	for path, status := range map[string]int{
		"/api/v1/plots?site=sanquan&after=" + page.Next:         200,
		"/api/v1/plots?after=" + page.Next:                      400,
		"/api/v1/plots?site=other&after=" + page.Next:           400,
		"/api/v1/plots?site=sanquan&after=x" + page.Next:        400,
		"/api/v1/plots?site=sanquan&after=" + page.Next[:9]:     400,
		"/api/v1/plots?after=" + coded(`{"l":"plots","a":7}`):   400,
		"/api/v1/plots?after=" + coded(`{"l":"alerts","a":""}`): 400,
	} {
		if a := ask(t, "GET", s.URL+path, ""); a.StatusCode != status {
			t.Errorf("%s answers %d, want %d", path, a.StatusCode, status)
		}
	}
}

func coded(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// TestForeignAndMissingLookTheSame asks for a neighbour's plot and for none.
func TestForeignAndMissingLookTheSame(t *testing.T) {
	s := serve(t, household("h-3"), nil)
	for _, tail := range []string{"", "/outlook"} {
		own := ask(t, "GET", s.URL+"/api/v1/plots/p-0003"+tail, "")
		foreign := ask(t, "GET", s.URL+"/api/v1/plots/p-0004"+tail, "")
		missing := ask(t, "GET", s.URL+"/api/v1/plots/p-9999"+tail, "")
		if own.StatusCode != http.StatusOK || foreign.StatusCode != http.StatusNotFound || missing.StatusCode != http.StatusNotFound {
			t.Errorf("own, foreign and missing answer %d, %d, %d", own.StatusCode, foreign.StatusCode, missing.StatusCode)
		}
		if !bytes.Equal(bytes.ReplaceAll(foreign.body, []byte("p-0004"), nil), bytes.ReplaceAll(missing.body, []byte("p-9999"), nil)) {
			t.Errorf("foreign says %s and missing %s", foreign.body, missing.body)
		}
	}
	var page httpapi.PlotPage
	if err := json.Unmarshal(ask(t, "GET", s.URL+"/api/v1/plots", "").body, &page); err != nil || len(page.Items) != 25 {
		t.Errorf("a household sees %d plots, %v; want 25", len(page.Items), err)
	}
	nobody := serve(t, nil, nil)
	if err := json.Unmarshal(ask(t, "GET", nobody.URL+"/api/v1/plots", "").body, &page); err != nil || len(page.Items) != 0 {
		t.Errorf("nobody sees %d plots, %v", len(page.Items), err)
	}
}
