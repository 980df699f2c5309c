package grafana

// irrigation answers: what was asked of the valves, what came, and what did the soil say to it?
func irrigation() Dashboard {
	s := newSheet("ganlin-irrigation", text{"灌溉与水账", "Irrigation and ledger"},
		text{"叫阀门放多少水、实际放了多少、地里怎么样。", "What was asked of the valves, what came, and what the soil said to it."}, 30, siteVariable(), plotVariable(true), instanceVariable())
	share := text{"放出占要求", "Delivered of asked"}
	s.number(pane{
		title: text{"放出的水", "Water delivered"}, width: 6, height: 4, unit: cubicMetre, decimals: 1, empty: "0",
		about: about{
			shows: text{"所选时间里各阀门水表走过的水。", "What the meters of the valves counted in the chosen time."},
			unit:  text{"立方米。", "Cubic metres."},
			do:    text{"和水源、泵站的总表对一对；差得多说明有漏或有表坏了。", "Compare with the meter of the source; far apart means a leak or a broken meter."},
		},
		queries: []Target{ask("delivered", `SELECT sum("delivered_l") / 1000 FROM "ledger" WHERE `+ofPlot)},
	})
	s.number(pane{
		title: text{"开阀次数", "Openings"}, width: 6, height: 4, unit: none, empty: "0",
		about: about{
			shows: text{"所选时间里结束的开阀次数。", "Openings that ended in the chosen time."},
			unit:  text{"次。", "Openings."},
			do:    text{"旱着却是零：看阀门是否连得上，或浇水被什么挡住。", "Zero while it is dry: see whether valves answer, or what holds the watering back."},
		},
		queries: []Target{ask("openings", `SELECT count("duration_s") FROM "ledger" WHERE `+ofPlot)},
	})
	s.number(pane{
		title: text{"放出占要求", "Delivered of what was asked"}, width: 6, height: 4, unit: percent, decimals: 0, empty: "未知 unknown",
		steps: steps(bad, from(80, watch), from(95, good), from(105, watch), from(120, bad)),
		about: about{
			shows: text{"实际放出的水占要求的百分数。", "Water delivered as a share of what was asked for."},
			unit:  text{"%。", "%."},
			do:    text{"低于 80 %：堵、水压低或表不转。高于 120 %：关不严或爆管。看下面哪个阀门。", "Below 80 %: clogged, low pressure or a stuck meter. Above 120 %: leaking or burst. See below which valve."},
		},
		queries: []Target{ask("share", `SELECT 100 * sum("delivered_l") / sum("commanded_l") FROM "ledger" WHERE `+ofPlot)},
	})
	s.number(pane{
		title: text{"说不准状态的阀门", "Valves that nobody is sure of"}, width: 6, height: 4, unit: none, empty: "?", steps: steps(good, from(1, bad)),
		about: about{
			shows: text{"此刻没按命令动作或还没听到回报的阀门数，按开着对待。", "Valves that did not do as they were told or were not heard of, right now. They count as open."},
			unit:  text{"个。", "Valves."},
			do:    text{"马上派人看阀门；租约到期设备会自己关，但要有人看过才算数。", "Send somebody to look at once; the device closes by itself when its lease ends, but it counts only when seen."},
		},
		queries: []Target{look("unknown", `sum(ganlin_valves{`+ofInstance+`, state="unknown"})`)},
	})
	s.bars(pane{
		title: text{"每天要求与放出的水", "Asked and delivered, by day"}, width: 12, height: 9, unit: litre, least: new(0.0),
		about: about{
			shows: text{"所选地块每天要求的水和实际放出的水。", "What was asked of the valves of the chosen plots each day, and what came."},
			unit:  text{"升／天；1 毫米一亩约 667 升。", "Litres a day; one millimetre on a mu is 667 litres."},
			do:    text{"两根柱应当一样高；不一样就看下面的表。", "The bars should be equally high; where not, see the table."},
		},
		queries: []Target{
			ask("要求 asked", `SELECT sum("commanded_l") FROM "ledger" WHERE `+ofPlot+` `+byDay+` fill(none)`),
			ask("放出 delivered", `SELECT sum("delivered_l") FROM "ledger" WHERE `+ofPlot+` `+byDay+` fill(none)`),
		},
		exceptions: []Override{painted("要求 asked", "#7fb7c9"), painted("放出 delivered", "#14667f")},
	})
	s.table(pane{
		title: text{"各阀门的水账", "Ledger by valve"}, width: 12, height: 9, unit: none,
		about: about{
			shows: text{"每个阀门要求、放出的水，次数和最长一次。", "By valve: water asked and delivered, openings, and the longest of them."},
			unit:  text{"升、%、次、时间。", "Litres, %, openings, time."},
			do:    text{"占比低于 80 % 或高于 120 % 的去现场看；最长一次超过登记的上限要查。", "Visit those below 80 % or above 120 %; look into a longest opening above the registry's limit."},
		},
		queries: []Target{list(`SELECT sum("commanded_l") AS "commanded", sum("delivered_l") AS "delivered", 100 * sum("delivered_l") / sum("commanded_l") AS "share", ` +
			`count("duration_s") AS "openings", max("duration_s") AS "longest" FROM "ledger" WHERE ` + ofPlot + ` GROUP BY "plot", "valve"`)},
		exceptions: []Override{
			hidden("Time"), named("plot", text{"地块", "Plot"}), named("valve", text{"阀门", "Valve"}),
			column("commanded", text{"要求", "Asked"}, litre, 0), column("delivered", text{"放出", "Delivered"}, litre, 0),
			coloured("share", share, percent, nil, steps(bad, from(80, watch), from(95, good), from(105, watch), from(120, bad))),
			column("openings", text{"次数", "Openings"}, none, 0), column("longest", text{"最长", "Longest"}, second, 0),
		},
		sort: []Sort{{share.line(), false}},
	})
	s.lines(pane{
		title: text{"流量", "Flow"}, width: 12, height: 8, unit: litreMin, decimals: 1, least: new(0.0), gap: 3 * hour,
		about: about{
			shows: text{"每个阀门水表的平均流量。", "Mean flow at the meter of each valve."},
			unit:  text{"升／分。", "Litres a minute."},
			do:    text{"关着还有流量是漏；开着没有流量是堵或没水。", "Flow while closed is a leak; none while open is a clog or an empty source."},
		},
		queries: []Target{ask("$tag_device", `SELECT mean("flow") FROM "valve" WHERE `+ofPlot+` `+byStretch+`, "device" fill(none)`+notAll)},
	})
	s.cells(pane{
		title: text{"阀门开着的时候", "When valves were open"}, width: 12, height: 8, unit: none, finest: "1h",
		words: words([]Word{{Text: "关 closed", Color: "#8d9a98"}, {Text: "开 open", Color: "#14667f"}}), steps: steps("#8d9a98", from(1, "#14667f")),
		about: about{
			shows: text{"每一段时间里阀门有没有开过；空格是没有回报。", "Whether a valve was open in each stretch of time; an empty cell is no report."},
			unit:  text{"开或关。", "Open or closed."},
			do:    text{"夜里以外开着、或连着很久开着，要问一问是谁开的。", "Open by day, or for very long: ask who opened it."},
		},
		queries: []Target{ask("$tag_device", `SELECT max("valve_open") FROM "valve" WHERE `+ofPlot+` `+byStretch+`, "device" fill(none)`+notAll)},
	})
	s.bars(pane{
		title: text{"土壤的反应", "Soil response"}, width: 12, height: 8, unit: millimetre, decimals: 1,
		about: about{
			shows: text{"浇完之后探头看到土里多了多少水；同时下了雨或探头没数的不算。", "By how much the probes saw the root zone rise after each opening; not told where it rained too or probes were silent."},
			unit:  text{"毫米。", "Millimetres."},
			do:    text{"放了水而土里没反应：阀门接错了地块、管子漏了，或探头不在浇到的地方。", "Water without a response: the valve is mapped to another plot, a pipe leaks, or the probe stands where no water comes."},
		},
		queries: []Target{ask("$tag_plot", `SELECT "response_mm" FROM "ledger" WHERE `+ofPlot+` GROUP BY "plot"`+notAll)},
	})
	s.stacked(pane{
		title: text{"阀门此刻的状态", "Valves by state"}, width: 12, height: 8, unit: none, least: new(0.0),
		about: about{
			shows: text{"每种状态的阀门数；说不准（unknown）按开着对待。", "How many valves are in each state; unknown counts as open."},
			unit:  text{"个。", "Valves."},
			do:    text{"停在 closing 或 unknown 不走，派人去看。", "Where closing or unknown does not pass, send somebody."},
		},
		queries: []Target{follow("{{state}}", `sum by (state) (ganlin_valves{`+ofInstance+`})`)},
	})
	s.bars(pane{
		title: text{"发给阀门的命令", "Commands to valves"}, width: 12, height: 8, unit: none, decimals: 1, least: new(0.0),
		about: about{
			shows: text{"每段时间的命令，按结果。", "Commands in each stretch of time, by what became of them."},
			unit:  text{"条。", "Commands."},
			do:    text{"过期（expired）和失败（failed）多：看阀门的信号和电池。", "Many expired or failed: look at the signal and battery of the valves."},
		},
		queries: []Target{follow("{{result}}", `sum by (result) (increase(ganlin_valve_commands_total{`+ofInstance+`}[$__rate_interval]))`)},
	})
	s.table(pane{
		title: text{"每次开阀", "Openings one by one"}, width: 12, height: 8, unit: none,
		about: about{
			shows: text{"每次开阀的时间、要求、放出和时长，新的在前，最多 500 次。", "Each opening with what was asked, what came and how long, the newest first, 500 at the most."},
			unit:  text{"升、时间。", "Litres, time."},
			do:    text{"没有“放出”的是水表没有数，按要求估算；连续几次都这样就修表。", "Without a delivered amount the meter said nothing; if that repeats, mend the meter."},
		},
		queries: []Target{list(`SELECT "plot", "valve", "commanded_l", "delivered_l", "duration_s" FROM "ledger" WHERE ` + ofPlot + ` ORDER BY time DESC LIMIT 500`)},
		exceptions: []Override{
			named("plot", text{"地块", "Plot"}), named("valve", text{"阀门", "Valve"}), column("commanded_l", text{"要求", "Asked"}, litre, 0),
			column("delivered_l", text{"放出", "Delivered"}, litre, 0), column("duration_s", text{"时长", "Duration"}, second, 0),
		},
	})
	return s.Dashboard
}
