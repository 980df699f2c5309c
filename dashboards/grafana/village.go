package grafana

// village answers: where is it dry, since when, and whom does it touch?
func village() Dashboard {
	s := newSheet("ganlin-village", text{"村庄与旱情", "Village and drought"},
		text{"哪里旱、旱了多久、影响到谁。", "Where it is dry, since when, and whom it touches."}, 90, siteVariable(), plotVariable(true))
	depleted := text{"缺水", "Depletion"}
	s.number(pane{
		title: text{"最重的旱情", "Worst grade"}, width: 6, height: 4, unit: none, words: grades(), steps: gradeSteps(), empty: "未知 unknown", back: "3d",
		about: about{
			shows: text{"近三天所选地块中最重的旱情等级。没有数据就是未知，不等于不旱。", "The worst drought grade of the chosen plots in the last three days. No data means unknown, which is not the same as no drought."},
			unit:  text{"等级：无、轻、中、重、特（GB/T 32136-2015，按土质）。", "Grade: none, light, moderate, severe, extreme (GB/T 32136-2015, by soil texture)."},
			do:    text{"中旱及以上：在下面的图里找到地块，看能不能浇、为什么没浇。", "From moderate upwards: find the plot below, and see whether it can be watered and why it was not."},
		},
		queries: []Target{ask("grade", `SELECT max("grade") FROM (SELECT last("grade") AS "grade" FROM "balance" WHERE `+ofPlot+` GROUP BY "plot")`)},
	})
	s.number(pane{
		title: text{"判得出旱情的地块", "Plots with a known grade"}, width: 6, height: 4, unit: none, empty: "0", back: "3d", steps: steps(bad, from(1, good)),
		about: about{
			shows: text{"近三天算得出水分平衡的地块数。", "How many plots had a water balance in the last three days."},
			unit:  text{"块。", "Plots."},
			do:    text{"比实有地块少，就去“运行”面板看是探头还是气象站断了。", "Fewer than there are: look at the Operations dashboard for a silent probe or station."},
		},
		queries: []Target{ask("plots", `SELECT count("grade") FROM (SELECT last("grade") AS "grade" FROM "balance" WHERE `+ofPlot+` GROUP BY "plot")`)},
	})
	s.number(pane{
		title: text{"还没解除的告警", "Alerts not resolved"}, width: 6, height: 4, unit: none, empty: "0", steps: steps(good, from(1, watch), from(10, bad)),
		about: about{
			shows: text{"所选时间里发生、至今没有解除的告警，按地块和规则各算一条。", "Alerts of the chosen time that are not resolved yet, one for each plot and rule."},
			unit:  text{"条。", "Alerts."},
			do:    text{"在下面的告警表里看是哪块地、哪条规则，再到甘霖的地块页看原因。", "See in the table below which plot and rule, then open the plot's page in Ganlin for the reason."},
		},
		queries: []Target{ask("alerts", `SELECT count("state") FROM (SELECT last("state") AS "state" FROM "alert" WHERE `+ofSite+` GROUP BY "plot", "rule", "severity") WHERE "state" > 0`)},
	})
	s.number(pane{
		title: text{"等人核实的线索", "Clues that wait for people"}, width: 6, height: 4, unit: none, empty: "0", steps: steps(good, from(1, watch)),
		about: about{
			shows: text{"因旱可能有困难、还开着的农户线索数。只有村一级的数字，没有任何个人信息。", "Open clues that a household may be in trouble from drought. Numbers of the village only, no personal data."},
			unit:  text{"条。", "Clues."},
			do:    text{"请网格员在甘霖的线索页按轻重缓急上门；机器只提线索，由人核实。", "Let grid workers visit by urgency from Ganlin's page of clues; the machine raises a clue, a person verifies."},
		},
		queries: []Target{ask("clues", `SELECT sum("open") FROM (SELECT last("open") AS "open" FROM "clue" WHERE `+ofSite+` GROUP BY "place")`)},
	})
	s.cells(pane{
		title: text{"各地块的旱情", "Drought grade by plot"}, width: 24, height: 10, unit: none, words: grades(), steps: gradeSteps(),
		about: about{
			shows: text{"每块地每天的旱情等级，一天一格；空格是未知，不是不旱。最多画 200 块，多了请先选村。", "The drought grade of every plot, a cell a day; an empty cell is unknown, not no drought. At most 200 plots: choose a village first where there are more."},
			unit:  text{"等级：无、轻、中、重、特。", "Grade: none, light, moderate, severe, extreme."},
			do:    text{"先看颜色最深、连得最长的行；用上面的地块选项只看这几块。", "Begin with the darkest and longest rows; choose those plots above to see them alone."},
		},
		queries: []Target{ask("$tag_plot", `SELECT "grade" FROM "balance" WHERE `+ofPlot+` GROUP BY "plot"`+notAll)},
	})
	s.lines(pane{
		title: text{"好吸收的水用去多少", "Share of the easily taken water used"}, width: 12, height: 9, unit: percent, least: new(0.0), gap: 36 * hour,
		steps: steps(plain, from(100, bad)),
		about: about{
			shows: text{"根区耗水占“好吸收的水”（RAW）的百分数，最多 200 块。", "Root-zone depletion as a share of the readily available water (RAW), of at most 200 plots."},
			unit:  text{"%；到 100 % 庄稼开始受旱减产。", "%; at 100 % the crop begins to suffer and lose yield."},
			do:    text{"接近 100 % 就该浇；有阀门的会自己浇，没浇的看地块页写的原因。", "Near 100 % it is time to water; plots with a valve water themselves, and their page says why one did not."},
		},
		queries: []Target{ask("$tag_plot", `SELECT 100 * "depletion_mm" / "raw_mm" FROM "balance" WHERE `+ofPlot+` GROUP BY "plot"`+notAll)},
	})
	s.table(pane{
		title: text{"地块现状", "Plots as they stand"}, width: 12, height: 9, unit: none, steps: gradeSteps(),
		about: about{
			shows: text{"每块地最近一天的水分平衡。缺水、易取水、全部可用水见各列。", "The latest day of every plot's water balance: depletion, readily and totally available water."},
			unit:  text{"毫米水深；受旱系数 1 为不受旱。", "Millimetres of water; a stress factor of 1 means none."},
			do:    text{"按缺水排序，先处理排在前面的；时间不是最近一天的，先查设备。", "Sorted by depletion: begin at the top; where the time is not the last day, look at the devices first."},
		},
		queries: []Target{list(`SELECT last("grade") AS "grade", "depletion_mm", "raw_mm", "taw_mm", "ks" FROM "balance" WHERE ` + ofPlot + ` GROUP BY "plot"`)},
		exceptions: []Override{
			named("plot", text{"地块", "Plot"}),
			coloured("grade", text{"旱情", "Grade"}, none, grades(), gradeSteps()),
			column("depletion_mm", depleted, millimetre, 0), column("raw_mm", text{"易取水", "RAW"}, millimetre, 0),
			column("taw_mm", text{"全部可用水", "TAW"}, millimetre, 0), column("ks", text{"受旱系数", "Stress factor"}, none, 2),
		},
		sort: []Sort{{depleted.line(), true}},
	})
	s.bars(pane{
		title: text{"雨量与蒸散", "Rain and evapotranspiration"}, width: 12, height: 8, unit: millimetre, decimals: 1, least: new(0.0),
		about: about{
			shows: text{"所选地块每天的平均雨量和参考蒸散量（ET₀）。", "Mean rain and reference evapotranspiration (ETo) of the chosen plots, by day."},
			unit:  text{"毫米／天。", "Millimetres a day."},
			do:    text{"蒸散一直高过雨量，土就在变干：看旱情图和浇水安排。", "While evapotranspiration stays above rain the soil dries out: look at the grades and at what is watered."},
		},
		queries: []Target{
			ask("雨 rain", `SELECT mean("rain_mm") FROM "balance" WHERE `+ofPlot+` `+byDay+` fill(none)`),
			ask("参考蒸散 ETo", `SELECT mean("eto_mm") FROM "balance" WHERE `+ofPlot+` `+byDay+` fill(none)`),
		},
		exceptions: []Override{painted("雨 rain", "#3f93ab"), painted("参考蒸散 ETo", "#e0a030")},
	})
	s.lines(pane{
		title: text{"气温与湿度", "Air temperature and humidity"}, width: 12, height: 8, unit: celsius, decimals: 1, gap: 3 * hour,
		about: about{
			shows: text{"各气象站的气温和相对湿度。", "Air temperature and relative humidity of each station."},
			unit:  text{"气温 °C（左），湿度 %（右）。", "Temperature in °C (left), humidity in % (right)."},
			do:    text{"35 °C 以上注意热害；线断开说明气象站没有数据，请检修。", "Above 35 °C mind heat; a gap in the line is a silent station: mend it."},
		},
		queries: []Target{
			ask("$tag_device °C", `SELECT mean("air_temperature") FROM "weather" WHERE `+ofSite+` `+byStretch+`, "device" fill(none)`),
			ask("$tag_device %", `SELECT mean("relative_humidity") FROM "weather" WHERE `+ofSite+` `+byStretch+`, "device" fill(none)`),
		},
		exceptions: []Override{{Matcher: Matcher{"byFrameRefID", "B"}, Properties: []Property{{"unit", humidity}, {"custom.axisPlacement", "right"}}}},
	})
	s.lines(pane{
		title: text{"线索", "Clues"}, width: 12, height: 8, unit: none, least: new(0.0),
		about: about{
			shows: text{"按村统计：还开着、提出过、撤回的农户线索数。", "By place: clues that are open, that were raised, and that were withdrawn."},
			unit:  text{"条。", "Clues."},
			do:    text{"开着的一直增加而没有核实，说明人手不够：请乡镇安排。", "Open ones that grow and are not verified mean too few people: ask the township."},
		},
		queries: []Target{
			ask("开着 open $tag_place", `SELECT "open" FROM "clue" WHERE `+ofSite+` GROUP BY "place"`),
			ask("提出 raised $tag_place", `SELECT "raised" FROM "clue" WHERE `+ofSite+` GROUP BY "place"`),
			ask("撤回 withdrawn $tag_place", `SELECT "withdrawn" FROM "clue" WHERE `+ofSite+` GROUP BY "place"`),
		},
	})
	s.table(alertTable(ofSite, 12))
	return s.Dashboard
}

// alertTable lists what became of alerts, the newest first.
func alertTable(where string, width int) pane {
	return pane{
		title: text{"告警经过", "Alerts"}, width: width, height: 8, unit: none,
		about: about{
			shows: text{"告警何时开始、解除或断了数据，新的在前，最多 200 条。", "When alerts began, were resolved or lost their data, the newest first, 200 at the most."},
			unit:  text{"时间为浏览器所在时区。", "Times are in the browser's zone."},
			do:    text{"编号可交给 ganlin explain，说明当时看到了什么、为什么报。", "Give the id to ganlin explain: it says what was seen and why it was raised."},
		},
		queries: []Target{list(`SELECT "state", "rule", "severity", "plot", "id" FROM "alert" WHERE ` + where + ` ORDER BY time DESC LIMIT 200`)},
		exceptions: []Override{
			coloured("state", text{"状态", "State"}, none, alertStates(), steps(good, from(1, bad), from(2, watch))),
			named("rule", text{"规则", "Rule"}), named("severity", text{"轻重", "Severity"}), named("plot", text{"地块", "Plot"}), named("id", text{"编号", "Id"}),
		},
	}
}
