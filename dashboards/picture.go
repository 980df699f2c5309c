package dashboards

import (
	"cmp"
	"math"
	"slices"

	"ganlin/dashboards/words"
	"ganlin/devices"
)

// A picture shows the numbers of a decision. Its places are units of the drawing.
type picture struct {
	Title string // all of it in words
	Soil  *soilPicture
	Loss  *lossPicture
	Bars  []pictureBar
}

// A soilPicture is the root zone as a tank: full at field capacity, empty at the wilting point.
type soilPicture struct {
	Top, Bottom, Level, Easy int // heights in the drawing, downwards
	Fill                     int // Bottom - Level
	Tone                     string
	Labels                   []pictureLabel
}

type pictureLabel struct {
	At, Y int // what it names, and where it stands
	Text  string
	Tone  string
}

// A lossPicture is a range of the yield, in percent of it.
type lossPicture struct {
	From, Width, Middle int // Middle: -1 where it is not known
	Text                string
}

// A pictureBar is one amount among others.
type pictureBar struct {
	Label, Text, Tone string
	Width             int // of 100
}

const (
	soilTop    = 24
	soilHeight = 220
	labelPitch = 22
)

// soilPicture draws a depletion against what is easy to take up and all that the root zone holds.
func (s speaker) soilPicture(depletion, raw, taw float64) *picture {
	if taw <= 0 || math.IsNaN(depletion+raw+taw) {
		return nil
	}
	depletion = min(max(depletion, 0), taw)
	at := func(mm float64) int { return soilTop + int(math.Round(soilHeight*min(mm, taw)/taw)) }
	p := &soilPicture{Top: soilTop, Bottom: soilTop + soilHeight, Level: at(depletion), Easy: at(raw)}
	p.Fill = p.Bottom - p.Level
	if depletion > raw {
		p.Tone = "dry"
	}
	mm := func(key string, x float64) string {
		return s.text("picture."+key, words.Args{"mm": words.Decimal(x, 1)})
	}
	p.Labels = []pictureLabel{
		{At: p.Top, Text: s.text("picture.full", nil)},
		{At: p.Level, Text: mm("lacks", depletion), Tone: cmp.Or(p.Tone, "water")},
		{At: p.Easy, Text: mm("easy", raw)},
		{At: p.Bottom, Text: mm("empty", taw)},
	}
	slices.SortStableFunc(p.Labels, func(a, b pictureLabel) int { return cmp.Compare(a.At, b.At) })
	place(p.Labels, soilTop-10, soilTop+soilHeight+10)
	args := words.Args{"lacks": words.Decimal(depletion, 1), "easy": words.Decimal(raw, 1), "all": words.Decimal(taw, 1)}
	return &picture{Title: s.text("picture.soil", args), Soil: p}
}

// place sets labels beside what they name, at least a line apart and between two heights.
func place(labels []pictureLabel, top, bottom int) {
	for i := range labels {
		labels[i].Y = max(labels[i].At, top)
		if i > 0 {
			labels[i].Y = max(labels[i].Y, labels[i-1].Y+labelPitch)
		}
	}
	for i := len(labels) - 1; i >= 0; i-- {
		labels[i].Y = min(labels[i].Y, bottom)
		bottom = labels[i].Y - labelPitch
	}
}

// picture draws a decision, as far as its numbers make a picture.
func (s speaker) picture(d devices.Decision) *picture {
	n := d.Numbers
	depletion, okDepletion := n["depletion_mm"]
	low, okLow := n["loss_low"]
	high, okHigh := n["loss_high"]
	switch {
	case okDepletion && n["taw_mm"] > 0:
		return s.soilPicture(depletion, n["raw_mm"], n["taw_mm"])
	case okLow && okHigh:
		return s.lossPicture(low, n["loss_mid"], high)
	case n["commanded_l"] > 0 || n["delivered_l"] > 0:
		return s.waterPicture(n)
	}
	return nil
}

func (s speaker) lossPicture(low, mid, high float64) *picture {
	percent := func(x float64) int { return int(math.Round(100 * min(max(x, 0), 1))) }
	p := &lossPicture{From: percent(low), Middle: -1}
	p.Width = max(percent(high)-p.From, 1)
	if mid > 0 {
		p.Middle = percent(mid)
	}
	p.Text = s.text("picture.loss", words.Args{"low": percent(low), "high": percent(high)})
	return &picture{Title: p.Text, Loss: p}
}

func (s speaker) waterPicture(n map[string]float64) *picture {
	most := max(n["commanded_l"], n["delivered_l"])
	p := &picture{}
	for _, key := range []string{"commanded_l", "delivered_l"} {
		litres, ok := n[key]
		label, text := s.catalogue.Number(s.language, key, litres)
		bar := pictureBar{Label: label, Text: text, Width: int(math.Round(100 * litres / most)), Tone: key[:len(key)-2]}
		if !ok {
			bar.Text = s.text("table.unknown", nil)
		}
		p.Bars = append(p.Bars, bar)
	}
	p.Title = s.text("picture.water", nil)
	return p
}
