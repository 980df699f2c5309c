package water_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ganlin/devices"
	"ganlin/rules/water"
)

// registered reads the strings of a function of the registry, which may not be imported here.
func registered(t *testing.T, function string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../internal/registry/crop.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Name.Name != function {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				name, err := strconv.Unquote(l.Value)
				if err != nil {
					t.Fatal(err)
				}
				names = append(names, name)
			}
			return true
		})
	}
	return names
}

func cropOf(t *testing.T, name string) water.Crop {
	t.Helper()
	c, err := water.CropOf(name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEveryCropOfTheRegistryGrows(t *testing.T) {
	names := registered(t, "crops")
	if len(names) != 96 {
		t.Errorf("the registry has %d crops", len(names))
	}
	for _, name := range names {
		c := cropOf(t, name)
		for i, days := range c.LengthsDays {
			if days < 0 || days == 0 && i < 3 {
				t.Errorf("%s: stage %d has %d days", name, i, days)
			}
		}
		if c.Perennial && c.SeasonDays() != 365 || c.SeasonDays() < 35 {
			t.Errorf("%s: a season of %d days", name, c.SeasonDays())
		}
		if !(c.Ky >= 0.7 && c.Ky <= 1.3) || !(c.DepletionFraction >= 0.1 && c.DepletionFraction <= 0.8) || c.HeightM <= 0 {
			t.Errorf("%s: %+v", name, c)
		}
		last, lastRoot, _ := c.Stage(1)
		for day := 1; day <= 2*c.SeasonDays(); day++ {
			kc, root, stage := c.Stage(day)
			if kc < 0.2 || kc > 1.3 || stage == "" || root < c.RootMinM-1e-9 || root > c.RootMaxM+1e-9 {
				t.Fatalf("%s, day %d: Kc %g, root %g m, %s", name, day, kc, root, stage)
			}
			if stage == water.Initial || stage == water.Harvested || stage == water.Rest {
				last, lastRoot = kc, root
				continue
			}
			if math.Abs(kc-last) > 0.2 || root < lastRoot && day <= c.SeasonDays() {
				t.Fatalf("%s, day %d, %s: Kc jumps from %g to %g, roots from %g to %g m", name, day, stage, last, kc, lastRoot, root)
			}
			last, lastRoot = kc, root
		}
	}
	if _, err := water.CropOf("waxy_maize"); err == nil {
		t.Error("a crop that nobody knows is known")
	}
	if c := cropOf(t, "rapeseed"); c.Ky != 1 || !strings.Contains(c.Note, "Ky 1") || !strings.Contains(c.Note, "table 11 has no row") {
		t.Errorf("rapeseed has Ky %g and the note %q", c.Ky, c.Note)
	}
	if c := cropOf(t, "maize_sweet"); !strings.Contains(c.Note, "waxy") {
		t.Errorf("sweet maize has the note %q", c.Note)
	}
}

// FAO-56, p. 133.
func TestExample28DryBean(t *testing.T) {
	bean := water.Crop{LengthsDays: [4]int{25, 25, 30, 20}, KcIni: 0.15, KcMid: 1.19, KcEnd: 0.35, RootMinM: 0.3, RootMaxM: 0.6}
	for _, c := range []struct {
		day   int
		kc    float64
		stage string
	}{
		{0, 0.15, water.BeforePlanting},
		{1, 0.15, water.Initial},
		{25, 0.15, water.Initial},
		{40, 0.774, water.Development},
		{50, 1.19, water.Development},
		{70, 1.19, water.MidSeason},
		{95, 0.56, water.LateSeason},
		{100, 0.35, water.LateSeason},
		{101, 0.15, water.Harvested},
	} {
		kc, _, stage := bean.Stage(c.day)
		near(t, "Kc", kc, c.kc, 1e-9)
		if stage != c.stage {
			t.Errorf("day %d is %s, want %s", c.day, stage, c.stage)
		}
	}
	if bean.DaysLeft(100) != 1 || bean.DaysLeft(101) != 0 || bean.DaysLeft(1) != 100 {
		t.Errorf("days left: %d on the last, %d after it, %d on the first", bean.DaysLeft(100), bean.DaysLeft(101), bean.DaysLeft(1))
	}
}

func TestPerennialBeginsAnew(t *testing.T) {
	tea, vine := cropOf(t, "tea"), cropOf(t, "grape_wine")
	for _, day := range []int{1, 100, 364} {
		kc, root, stage := vine.Stage(day)
		laterKc, laterRoot, laterStage := vine.Stage(day + 10*365)
		if kc != laterKc || root != laterRoot || stage != laterStage {
			t.Errorf("day %d is %s with Kc %g, ten years later %s with %g", day, stage, kc, laterStage, laterKc)
		}
	}
	if _, _, stage := vine.Stage(300); stage != water.Rest {
		t.Errorf("a vine is in stage %s in winter", stage)
	}
	if kc, root, _ := tea.Stage(4000); kc < 0.95 || root != 0.9 {
		t.Errorf("old tea has Kc %g and roots of %g m", kc, root)
	}
}

// A bean harvested green has no late stage.
func TestStageOfNoDays(t *testing.T) {
	bean := cropOf(t, "broad_bean_fresh")
	_, _, last := bean.Stage(175)
	_, _, after := bean.Stage(176)
	if last != water.MidSeason || after != water.Harvested {
		t.Errorf("day 175 is %s, day 176 %s", last, after)
	}
}

func TestEveryTextureOfTheRegistry(t *testing.T) {
	names := registered(t, "textures")
	if len(names) != 12 {
		t.Errorf("the registry has %d textures", len(names))
	}
	for _, name := range names {
		s, err := water.SoilOf(devices.Soil{Texture: name})
		if err != nil {
			t.Error(err)
		}
		numbers, err := water.SoilOf(devices.Soil{FieldCapacity: s.FieldCapacity, WiltingPoint: s.WiltingPoint})
		if err != nil {
			t.Error(err)
		}
		if numbers.Class != s.Class && name != "clay_loam" {
			t.Errorf("%s is %s by name and %s by its numbers", name, s.Class, numbers.Class)
		}
	}
	for _, s := range []devices.Soil{
		{},
		{Texture: "mud"},
		{FieldCapacity: 0.1, WiltingPoint: 0.2},
		{FieldCapacity: 32, WiltingPoint: 15},
		{FieldCapacity: math.NaN(), WiltingPoint: 0.1},
	} {
		if got, err := water.SoilOf(s); err == nil {
			t.Errorf("SoilOf(%+v) = %+v", s, got)
		}
	}
}

// The textures of FAO-56, table 19, lie in the middle of its ranges.
func TestTable19(t *testing.T) {
	for name, want := range map[string][4]float64{
		"sand": {0.07, 0.17, 0.02, 0.07}, "loamy_sand": {0.11, 0.19, 0.03, 0.10}, "sandy_loam": {0.18, 0.28, 0.06, 0.16},
		"loam": {0.20, 0.30, 0.07, 0.17}, "silt_loam": {0.22, 0.36, 0.09, 0.21}, "silt": {0.28, 0.36, 0.12, 0.22},
		"silt_clay_loam": {0.30, 0.37, 0.17, 0.24}, "silty_clay": {0.30, 0.42, 0.17, 0.29}, "clay": {0.32, 0.40, 0.20, 0.24},
	} {
		s, err := water.SoilOf(devices.Soil{Texture: name})
		if err != nil {
			t.Fatal(err)
		}
		near(t, name+" field capacity", s.FieldCapacity, (want[0]+want[1])/2, 1e-9)
		near(t, name+" wilting point", s.WiltingPoint, (want[2]+want[3])/2, 1e-9)
	}
}

// Every number of the crop table stands in the row of FAO-56 that cropSources
// names for it; the numbers of table 24 are in cropSources themselves.
func TestCropsAgreeWithTheTables(t *testing.T) {
	lengths := rows(t, reference(t, "fao56/table11.csv"), ',')
	byCrop := func(name string) map[string][]string {
		m := map[string][]string{}
		for _, r := range rows(t, reference(t, name), ',') {
			m[r[0]] = r[1:]
		}
		return m
	}
	kc, roots := byCrop("fao56/table12.csv"), byCrop("fao56/table22.csv")
	for _, s := range cropSources {
		c := cropOf(t, s.crop)
		if s.table11 != "" {
			if !slices.ContainsFunc(lengths, func(r []string) bool {
				season := strings.TrimPrefix(r[6]+", "+r[7], ", ")
				return r[0] == s.table11 && season == s.season && slices.Equal(r[1:5], []string{
					strconv.Itoa(c.LengthsDays[0]), strconv.Itoa(c.LengthsDays[1]), strconv.Itoa(c.LengthsDays[2]), strconv.Itoa(c.LengthsDays[3]),
				})
			}) {
				t.Errorf("%s: table 11 has no %s (%s) with %v", s.crop, s.table11, s.season, c.LengthsDays)
			}
		} else if days := c.LengthsDays; days[0]+days[1]+days[2]+days[3] != 365 {
			t.Errorf("%s: an open season of %v", s.crop, c.LengthsDays)
		}
		row := kc[s.table12]
		if row == nil || number(t, row[0]) != c.KcIni || number(t, row[1]) != c.KcMid || number(t, row[2]) != c.KcEnd || number(t, row[3]) != c.HeightM {
			t.Errorf("%s: table 12 has %v, not %+v", s.crop, row, c)
		}
		row = roots[s.table22]
		if row == nil || number(t, row[0]) != c.RootMaxM || number(t, row[2]) != c.DepletionFraction {
			t.Errorf("%s: table 22 has %v, not %+v", s.crop, row, c)
		}
		if s.ky != c.Ky && (s.ky != 0 || c.Ky != 1) {
			t.Errorf("%s: table 24 has %g, not %g", s.crop, s.ky, c.Ky)
		}
	}
	if len(cropSources) != 96 {
		t.Errorf("%d crops were compared", len(cropSources))
	}
}

// A season of cotton in pyfao56, which counts the day of planting as 0, has
// the same single coefficient and the same growth of roots.
func TestCottonOfPyfao56(t *testing.T) {
	cotton := water.Crop{LengthsDays: [4]int{31, 52, 50, 21}, KcIni: 0.35, KcMid: 1.15, KcEnd: 0.60, HeightM: 1.2, RootMinM: 0.6, RootMaxM: 1.7}
	var kcColumn, rootColumn, compared int
	season := -1
	for line := range strings.Lines(reference(t, "soil_water/pyfao56_test01/cottondry2013.out")) {
		f := strings.Fields(line)
		switch {
		case len(f) > 40 && f[0] == "Year-DOY":
			kcColumn, rootColumn = slices.Index(f, "Kcm"), slices.Index(f, "Zr")
			continue
		case len(f) < 40 || kcColumn == 0:
			continue
		}
		season++
		if season == 0 || season > cotton.SeasonDays() {
			continue
		}
		kc, root, _ := cotton.Stage(season)
		near(t, "Kc of day "+strconv.Itoa(season), kc, number(t, f[kcColumn]), 0.0006)
		near(t, "root of day "+strconv.Itoa(season), root, number(t, f[rootColumn]), 0.0006)
		compared++
	}
	if compared != 154 {
		t.Errorf("%d days were compared", compared)
	}
}
