package dashboards_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template/parse"

	"go.yaml.in/yaml/v3"

	"ganlin/devices"
)

// reasons are the codes of dead letters.
var reasons = []string{
	"bad_json", "bad_topic", "bad_time", "bad_key", "wrong_type", "unknown_quantity", "out_of_bounds", "unknown_device",
	"too_many", "too_large", "too_many_series", "no_values", "type_conflict", "unparsable", "beyond_retention",
}

// codes are what the rules, the engine and the registry say by name; each has its words.
var codes = map[string][]string{
	"reason": reasons,
	"rule":   append([]string{"fao56_balance", "lease", "household_exposure", "person"}, ruleIDs...),
	"advice": ruleIDs,
	"firing": {
		"drought", "drought_severe", "water_need", "heat", "frost", "waterlogging", "probe_silent", "station_silent", "probe_stuck",
		"probe_implausible", "valve_unconfirmed", "valve_unasked", "valve_leak", "low_battery", "soil_unknown",
	},
	"decided": {
		"irrigation_start", "irrigation_done", "irrigation_stop", "irrigation_hold", "irrigation_hold_no_need", "irrigation_hold_rain",
		"irrigation_hold_wind", "irrigation_hold_frost", "irrigation_hold_unknown_soil",
		"irrigation_advise", "irrigation_advise_over", "irrigation_kept_shut", "irrigation_kept_shut_over",
		"command_open", "command_close", "command_confirmed", "command_expired", "command_rejected", "command_failed", "command_unknown", "command_cancelled",
		"command_overdue", "command_not_closing", "command_open_by", "command_close_by", "valve_by_hand", "valve_closed_by_hand", "valve_found_open",
		"valve_late", "valve_leak", "valve_still_meter", "valve_failed", "act_stop", "act_resume", "act_clear", "alert_firing", "alert_regained", "alert_resolved", "alert_resolved_passed", "alert_resolved_removed", "alert_unknown", "clue_raised", "clue_updated", "clue_withdrawn", "clue_withdrawn_removed", "balance", "ledger", "response",
	},
	"because": {
		"no_need", "too_little", "rain", "window", "unknown_soil", "unknown_weather", "wind", "frost", "starts", "budget", "season_over", "locked", "stopped",
		"clock", "not_closed", "leaking", "minimum_off", "no_lease", "no_limit", "no_duration", "wrong_volume",
		"person", "left_open", "unheard", "unresponsive", "found_open", "late", "failed", "unanswered", "overdue", "not_closing", "leak",
		"rained", "watered", "opened", "changed", "removed",
	},
	"why": {"no_probe", "initial_moisture", "soil_moisture", "weather", "depletion_mm", "probe_silent", "probe_stuck", "probe_implausible", "station_silent"},
	"fact": {
		"grade", "depletion_mm", "depletion_least_mm", "depletion_most_mm", "deficit_pct", "raw_mm", "taw_mm", "ks", "eto_mm", "etc_mm", "eta_mm", "rain_mm", "irrigation_mm", "drainage_mm",
		"rsm_pct", "days_to_stress", "net_mm", "gross_mm", "volume_l", "max_volume_l", "max_duration_s", "commanded_l", "delivered_l", "metered_l", "most_l",
		"duration_s", "response_mm", "loss_low", "loss_mid", "loss_high", "rain_24h_mm", "soil_age_h", "wind_ms", "t_min_24h_c", "t_max_24h_c",
		"area_mu", "efficiency_pct", "reason", "valve", "crop", "stage",
		"depletion_balance_mm", "depletion_probe_mm", "depletion_share", "stress_share", "field_capacity", "rain_7d_mm", "irrigation_7d_mm",
		"weather_age_h", "soil_t_20_c", "crop_day", "season_days", "projected_loss_low", "projected_loss_high", "open_h", "leak_l", "failed_24h", "unasked_24h", "flow_lpm", "by",
		"silent_h", "stuck_h", "implausible_24h", "spikes_24h", "battery_v", "episode", "loss", "level", "confidence", "cause", "alert", "clue",
		"raised_at", "opened_at", "closed_at", "about", "error", "at", "irrigation",
	},
	"estimate": {
		"eto_of_last_known_day", "initial_moisture", "humidity_from_rh_max", "humidity_from_tmin", "radiation_from_range", "wind_2_ms",
		"wind_height_2_m", "delivered_as_commanded", "delivered_by_flow", "delivered_not_known", "meter_too_little", "meter_too_much", "balance_only", "probe_only", "rain_counter_jumped", "rain_of_part_of_the_day",
	},
	"way":     {"my", "village", "clues", "operations", "live"},
	"my_said": {"opened", "closed", "all_closed", "busy", "not_closed", "locked", "stopped", "leaking", "refused", "close_refused", "close_trouble", "stale", "trouble", "answered", "gone"},
	"answer":  {"seen", "watered", "will_water", "repaired", "false_alarm"},
	"told":    ruleIDs,
	"told_hint": {
		"drought", "drought_severe", "water_need", "heat", "waterlogging", "probe_silent", "probe_stuck", "probe_implausible", "valve_unconfirmed",
		"valve_unasked", "valve_leak", "soil_unknown", "valve_still",
	},
	"weekday":          {"0", "1", "2", "3", "4", "5", "6"},
	"unit":             {"mm", "l", "ms", "c", "mu", "pct", "h", "v", "lpm"},
	"cause":            {"drought"},
	"range":            {"7d", "30d", "season"},
	"kind":             {"balance", "alert", "irrigation", "command", "ledger", "response", "clue", "valve", "act"},
	"advise":           {"water", "waters_itself"},
	"looked":           {"done", "nothing", "trouble"},
	"mark":             {"unknown", "none", "light", "moderate", "severe", "extreme"},
	"grade":            {"unknown", "none", "light", "moderate", "severe", "extreme"},
	"faucet":           {"closed", "requested", "accepted", "open", "closing", "unknown"},
	"severity":         {"critical", "warning", "info"},
	"clue_level":       {"red", "orange", "yellow", "blue", "unknown"},
	"urgency":          {"red", "orange", "yellow", "blue", "unknown", "none"},
	"clue_stage":       {"open", "dispatched", "visited", "verified", "dismissed"},
	"errand_todo":      {"dispatch", "visit", "verify", "verified", "dismissed", "withdrawn"},
	"step":             {"dispatch", "visit", "finding"},
	"step_button":      {"dispatch", "visit", "finding"},
	"finding_group":    {"verify", "dismiss"},
	"finding":          {"crops_damaged", "no_water", "crops_fine", "already_watered", "not_farmed", "wrong_data"},
	"deed":             {"dispatched", "visited", "verified", "dismissed"},
	"confidence_means": {"low", "medium", "high"},
	"errand_said":      {"dispatch", "visit", "verify", "dismiss", "first", "reason", "long", "note", "old", "trouble"},
	"confidence":       {"low", "medium", "high"},
	"mode":             {"advise", "auto", "off"},
	"role":             {"operator", "agronomist", "farmer", "grid_worker", "monitor"},
	"stage":            {"before", "initial", "development", "mid", "late", "rest", "harvested"},
	"refused": {
		"anonymous", "bad_id", "wrong_client_id", "wrong_secret", "not_open", "foreign_topic", "too_large", "queue_full", "journal_refused", "closing", "door_lost",
	},
	"reader":      {"store", "now", "rules", "dead_letters"},
	"valve_state": {"closed", "requested", "accepted", "open", "closing", "unknown"},
	"commanded":   {"confirmed", "rejected", "expired", "failed", "superseded", "unanswered"},
	"channel":     {"webhook", "email", "ntfy", "wecom", "dingtalk", "feishu", "sms"},
	"halted":      {"closed", "closing", "asked", "out_of_reach", "refused", "opened"},
	"halt_said":   {"told", "stopped", "unkept", "resumed", "kept"},
	"crop": {
		"maize_grain", "maize_sweet", "rice", "potato", "sweet_potato", "tomato", "pepper", "cabbage", "soybean", "rapeseed", "tea",
		"tea_shaded", "berry", "citrus", "groundnut", "wheat_winter",
	},
}

var ruleIDs = []string{
	"drought", "drought_severe", "water_need", "heat", "frost", "waterlogging", "probe_silent", "station_silent", "probe_stuck",
	"probe_implausible", "valve_unconfirmed", "valve_unasked", "valve_leak", "low_battery", "soil_unknown", "rule_broken", "valve_still",
}

// read returns the files of a pattern as one text, without tests.
func read(t *testing.T, pattern string) string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %d files, error %v", pattern, len(names), err)
	}
	var all strings.Builder
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(data)
	}
	return all.String()
}

func catalogueKeys(t *testing.T) []string {
	t.Helper()
	var keys []string
	for _, pattern := range []string{"words/zh-CN.yaml", "words/messages/*.zh-CN.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, error %v", pattern, len(files), err)
		}
		for _, file := range files {
			var raw map[string]any
			if err := yaml.Unmarshal([]byte(read(t, file)), &raw); err != nil {
				t.Fatal(err)
			}
			for group, node := range raw {
				if messages, ok := node.(map[string]any); ok {
					for key := range messages {
						keys = append(keys, group+"."+key)
					}
					continue
				}
				keys = append(keys, group)
			}
		}
	}
	slices.Sort(keys)
	return keys
}

// TestEveryMessageIsUsed looks for each key in templates and source: whole, or
// as a group and a name that the source joins.
func TestEveryMessageIsUsed(t *testing.T) {
	templates, source := read(t, "pages/*.html"), read(t, "*.go")+read(t, "words/*.go")
	quoted := func(s string) bool { return strings.Contains(source, `"`+s+`"`) }
	for _, key := range catalogueKeys(t) {
		group, name, _ := strings.Cut(key, ".")
		code, _ := withoutSuffix(name, "_full", "_most", "_some", "_since")
		used := strings.Contains(templates, `{{t "`+key+`"}}`) || quoted(key) || slices.Contains(codes[group], code) || slices.Contains(codes[group], name)
		switch group {
		case "quantity":
			_, used = devices.Quantity(name).Spec()
		case "state":
			used = devices.CommandReport{State: devices.CommandState(name)}.Validate() == nil
		default:
			base, suffix := withoutSuffix(name, "_since", "_steps", "_until", "_of", "_unit", "_mm", "_for")
			used = used || (quoted(group+".") && quoted(base) || quoted(group+"."+base)) && (suffix == "" || quoted(suffix))
		}
		if !used {
			t.Errorf("%s is used nowhere", key)
		}
	}
}

// withoutSuffix takes off the first of the suffixes that name has.
func withoutSuffix(name string, suffixes ...string) (base, suffix string) {
	for _, s := range suffixes {
		if base, ok := strings.CutSuffix(name, s); ok {
			return base, s
		}
	}
	return name, ""
}

func TestEveryUseHasItsMessage(t *testing.T) {
	keys := catalogueKeys(t)
	var used []string
	for _, m := range regexp.MustCompile(`\{\{t "([^"]+)"\}\}`).FindAllStringSubmatch(read(t, "pages/*.html"), -1) {
		used = append(used, m[1])
	}
	for _, m := range regexp.MustCompile(`text\("(\w+\.\w+)"`).FindAllStringSubmatch(read(t, "*.go"), -1) {
		used = append(used, m[1])
	}
	for _, m := range regexp.MustCompile(`(?:say|Text)\((?:l, )?"(\w+\.\w+)"`).FindAllStringSubmatch(read(t, "words/*.go"), -1) {
		used = append(used, m[1])
	}
	for _, m := range regexp.MustCompile(`ConditionKind = "(\w+)"`).FindAllStringSubmatch(read(t, "source.go"), -1) {
		used = append(used, "condition."+m[1])
	}
	for _, m := range regexp.MustCompile(`PartName = "(\w+)"`).FindAllStringSubmatch(read(t, "source.go"), -1) {
		used = append(used, "part."+m[1])
	}
	for _, spec := range devices.Quantities() {
		used = append(used, "quantity."+string(spec.Quantity))
	}
	for group, names := range codes {
		for _, name := range names {
			used = append(used, group+"."+name)
		}
	}
	if len(used) < 350 {
		t.Fatalf("only %d uses were found", len(used))
	}
	for _, key := range used {
		if !slices.Contains(keys, key) && !slices.Contains(keys, key+"_some") && !slices.Contains(keys, key+"_full") {
			t.Errorf("%s has no message", key)
		}
	}
}

// TestTemplatesHoldNoWords: what people read comes from the catalogue, but for the name.
func TestTemplatesHoldNoWords(t *testing.T) {
	tag := regexp.MustCompile(`<[^>]*>`)
	spoken := regexp.MustCompile(`(?:aria-label|title|alt|placeholder|content|data-text|data-live|data-lost)="([^"]*)"`)
	letters := regexp.MustCompile(`\pL+`)
	technical := []string{"width", "device", "initial", "scale", "light", "dark", "c"} // viewport, colour scheme, theme colour
	names, err := filepath.Glob("pages/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		trees, err := parse.Parse(name, string(data), "", "", map[string]any{"t": 0, "asset": 0, "act": 0, "not": 0, "or": 0, "eq": 0, "ge": 0, "len": 0})
		if err != nil {
			t.Fatal(err)
		}
		for _, tree := range trees {
			var markup strings.Builder // the template without its actions
			walk(tree.Root, func(n *parse.TextNode) { markup.Write(n.Text) })
			for _, word := range letters.FindAllString(tag.ReplaceAllString(markup.String(), " "), -1) {
				if word != "甘霖" && word != "Ganlin" {
					t.Errorf("%s, %s says %q by itself", name, tree.Name, word)
				}
			}
			for _, m := range spoken.FindAllStringSubmatch(markup.String(), -1) {
				for _, word := range letters.FindAllString(m[1], -1) {
					if !slices.Contains(technical, word) {
						t.Errorf("%s, %s says %q by itself", name, tree.Name, word)
					}
				}
			}
		}
	}
}

func walk(node parse.Node, visit func(*parse.TextNode)) {
	list := func(l *parse.ListNode) {
		if l != nil {
			for _, n := range l.Nodes {
				walk(n, visit)
			}
		}
	}
	switch n := node.(type) {
	case *parse.TextNode:
		visit(n)
	case *parse.ListNode:
		list(n)
	case *parse.IfNode:
		list(n.List)
		list(n.ElseList)
	case *parse.WithNode:
		list(n.List)
		list(n.ElseList)
	case *parse.RangeNode:
		list(n.List)
		list(n.ElseList)
	}
}

// TestAPageSpeaksOneLanguage looks for foreign words and for bare keys in what is read.
func TestAPageSpeaksOneLanguage(t *testing.T) {
	for name, view := range states() {
		view.Name = ""
		for i := range view.Plots {
			view.Plots[i].Name = ""
		}
		for i := range view.Alerts {
			view.Alerts[i].PlotName = ""
		}
		for i := range view.Clues {
			view.Clues[i].Plots = []string{"p-1"}
		}
		speaksOne(t, name, func(lang string) string { return body(t, ask(t, serve(t, newVillage(view)), "/?lang="+lang)) })
	}
}

// speaksOne looks through a page in both languages.
func speaksOne(t *testing.T, name string, page func(lang string) string) {
	t.Helper()
	tag := regexp.MustCompile(`(?s)<(?:pre|code|style|script).*?</(?:pre|code|style|script)>|<[^>]*>`)
	latin, han, key := regexp.MustCompile(`[A-Za-z]{3,}`), regexp.MustCompile(`\p{Han}+`), regexp.MustCompile(`\b[a-z]+\.[a-z_]{3,}\b`)
	shared := []string{"Ganlin", "English", "InfluxDB", "JSON", "hPa", "dBm", "min", "tcp", "registry", "yaml", "QoS", "SHA", "ntfy"}
	for _, lang := range []string{"zh", "en"} {
		text := tag.ReplaceAllString(page(lang), "\n")
		for _, id := range codes["rule"] { // rules are named by their ids beside their names
			text = strings.ReplaceAll(text, "（"+id+"）", "")
		}
		for _, word := range latin.FindAllString(text, -1) {
			if lang == "zh" && !slices.Contains(shared, word) {
				t.Errorf("the Chinese page of %s says %q", name, word)
			}
		}
		for _, word := range han.FindAllString(text, -1) {
			if lang == "en" && word != "甘霖" && word != "中文" {
				t.Errorf("the English page of %s says %q", name, word)
			}
		}
		for _, word := range key.FindAllString(text, -1) {
			if word != "registry.yaml" {
				t.Errorf("the page of %s in %s shows the key %q", name, lang, word)
			}
		}
	}
}
