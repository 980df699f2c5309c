package influx_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganlin/internal/influx"
	"ganlin/internal/influx/influxtest"
)

// Lines of what was derived hold no values. They are stored beside readings,
// a bad one among them is found alone, and neither counts as a value.
func TestLinesWithoutValuesReal(t *testing.T) {
	e := influxtest.Start(t)
	w := newWriter(t, e)
	const text = `id="a \"b\" c\\d=1,e=2i 三 "`
	derived := func(i int) influx.Line {
		return influx.Line{Text: fmt.Appendf(nil, `alert,plot=p-1,rule=drought,severity=warning,site=s %s,state=%di %d`, text, i%4, base+i)}
	}
	mustWrite(t, w, []influx.Line{derived(0)})
	var lines []influx.Line
	for i := range 60 {
		lines = append(lines, derived(i), influx.Line{Text: fmt.Appendf(nil, `soil,device=a soil_moisture=0.2 %d`, base+i), Values: 1})
	}
	const bad = 42
	lines[bad] = influx.Line{Text: fmt.Appendf(nil, `alert,plot=p-1,rule=drought,severity=warning,site=s state=1.5 %d`, base+bad/2)}
	r := mustWrite(t, w, lines)
	if r.Stored != 60 || len(r.Dead) != 1 || r.Dead[0].Index != bad || r.Dead[0].Reason != influx.TypeConflict {
		t.Errorf("%+v", r)
	}
	if n := values(t, e); n != 60 {
		t.Errorf("%d values are stored, want 60", n)
	}
	got, err := newClient(t, e).Query(t.Context(), `SELECT count("state") FROM "alert"; SELECT last("id") FROM "alert"`)
	if err != nil {
		t.Fatal(err)
	}
	var cells []any
	for _, s := range got {
		cells = append(cells, s.Values[0][1])
	}
	if diff := cmp.Diff([]any{json.Number("59"), `a "b" c\d=1,e=2i 三 `}, cells); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
