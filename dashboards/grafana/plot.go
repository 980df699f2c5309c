package grafana

// plot answers: how much water does this field hold, where did it come from, and when is it short?
func plot() Dashboard {
	s := newSheet("ganlin-plot", text{"地块水分", "Plot water"},
		text{"一块地里还有多少水、从哪来、什么时候缺。", "How much water one field holds, where it came from, and when it is short."}, 30, siteVariable(), plotVariable(false))
	s.number(pane{
		title: text{"旱情", "Grade"}, width: 6, height: 4, unit: none, words: grades(), steps: gradeSteps(), empty: "未知 unknown", back: "3d",
		about: about{
			shows: text{"近三天最新的旱情等级。没有数据就是未知。", "The latest drought grade of the last three days. No data means unknown."},
			unit:  text{"等级：无、轻、中、重、特（GB/T 32136-2015，按土质）。", "Grade: none, light, moderate, severe, extreme (GB/T 32136-2015, by soil texture)."},
			do:    text{"中旱及以上就浇水；未知就先查探头和气象站。", "From moderate upwards, water; if unknown, look at probe and station first."},
		},
		queries: []Target{ask("grade", `SELECT last("grade") FROM "balance" WHERE `+ofPlot)},
	})
	s.number(pane{
		title: text{"根区还剩的水", "Water left in the root zone"}, width: 6, height: 4, unit: percent, empty: "未知 unknown", back: "3d",
		steps: steps(bad, from(30, watch), from(50, good)),
		about: about{
			shows: text{"根区可用水（TAW）还剩百分之几。", "How much of the total available water (TAW) is left."},
			unit:  text{"%；100 % 是浇透，0 % 是萎蔫。", "%; 100 % is field capacity, 0 % is wilting."},
			do:    text{"低于 50 % 安排浇水，低于 30 % 马上浇。", "Below 50 % plan to water, below 30 % water at once."},
		},
		queries: []Target{ask("left", `SELECT 100 - 100 * last("depletion_mm") / last("taw_mm") FROM "balance" WHERE `+ofPlot)},
	})
	s.number(pane{
		title: text{"下的雨", "Rain"}, width: 6, height: 4, unit: millimetre, empty: "未知 unknown",
		about: about{
			shows: text{"所选时间里的总雨量。", "All rain of the chosen time."},
			unit:  text{"毫米；1 毫米一亩约 667 升。", "Millimetres; one on a mu is 667 litres."},
			do:    text{"和村里的雨量筒对一对；差得多就检查气象站的雨量计。", "Compare with the village's gauge; if far apart, clean the station's rain sensor."},
		},
		queries: []Target{ask("rain", `SELECT sum("rain_mm") FROM "balance" WHERE `+ofPlot)},
	})
	s.number(pane{
		title: text{"浇进土里的水", "Irrigation"}, width: 6, height: 4, unit: millimetre, empty: "0",
		about: about{
			shows: text{"所选时间里浇进土里的净水量（扣除损失）。", "The net irrigation of the chosen time, losses taken off."},
			unit:  text{"毫米。", "Millimetres."},
			do:    text{"一直为零却旱：看下面有没有开阀，或到地块页看为什么没浇。", "Zero while it is dry: see below whether the valve opened, or read why not on the plot's page."},
		},
		queries: []Target{ask("irrigation", `SELECT sum("irrigation_mm") FROM "balance" WHERE `+ofPlot)},
	})
	s.lines(pane{
		title: text{"土壤水分", "Soil moisture"}, width: 24, height: 9, unit: moisture, decimals: 3, gap: 8 * hour,
		about: about{
			shows: text{"每个探头各深度的体积含水量；线断开表示没有数据。", "Volumetric soil moisture by probe and depth; a gap means no data."},
			unit:  text{"立方米水／立方米土；0.25 即 25 %。", "Cubic metres of water in one of soil; 0.25 is 25 %."},
			do:    text{"浇水或下雨后应当跳高；不动的可能没浇到或探头坏了，为负是探头露在空气里。", "It should jump after rain or watering; if not, water missed it or the probe is broken. Below zero the probe hangs in air."},
		},
		queries: []Target{ask("$tag_device $tag_depth_cm cm", `SELECT mean("soil_moisture") FROM "soil" WHERE `+ofPlot+` `+byStretch+`, "device", "depth_cm" fill(none)`)},
	})
	s.lines(pane{
		title: text{"缺水与界限", "Depletion against its limits"}, width: 12, height: 9, unit: millimetre, decimals: 1, least: new(0.0), gap: 36 * hour,
		about: about{
			shows: text{"根区缺的水，和两条界限：好吸收的水（RAW）、全部可用的水（TAW）。", "What the root zone lacks, with its limits: readily (RAW) and totally (TAW) available water."},
			unit:  text{"毫米。", "Millimetres."},
			do:    text{"缺水线碰到 RAW 线之前要浇上；过了 RAW 就开始减产。", "Water before depletion touches RAW; beyond it yield is lost."},
		},
		queries: []Target{
			ask("缺水 depletion", `SELECT "depletion_mm" FROM "balance" WHERE `+ofPlot),
			ask("好吸收的 RAW", `SELECT "raw_mm" FROM "balance" WHERE `+ofPlot),
			ask("全部 TAW", `SELECT "taw_mm" FROM "balance" WHERE `+ofPlot),
		},
		exceptions: []Override{painted("缺水 depletion", severe), painted("好吸收的 RAW", watch), painted("全部 TAW", "#8d9a98")},
	})
	s.bars(pane{
		title: text{"每天进来的水", "Water that came, by day"}, width: 12, height: 9, unit: millimetre, decimals: 1, least: new(0.0),
		about: about{
			shows: text{"每天的雨和浇进土里的水。", "Rain and net irrigation of each day."},
			unit:  text{"毫米／天。", "Millimetres a day."},
			do:    text{"刚下过透雨还在浇，就检查雨量计和浇水设置。", "Watering right after a soaking rain: look at the rain sensor and the plot's settings."},
		},
		queries: []Target{
			ask("雨 rain", `SELECT "rain_mm" FROM "balance" WHERE `+ofPlot),
			ask("浇 irrigation", `SELECT "irrigation_mm" FROM "balance" WHERE `+ofPlot),
		},
		exceptions: []Override{painted("雨 rain", "#7fb7c9"), painted("浇 irrigation", "#14667f")},
	})
	s.lines(pane{
		title: text{"蒸散", "Evapotranspiration"}, width: 12, height: 8, unit: millimetre, decimals: 1, least: new(0.0), gap: 36 * hour,
		about: about{
			shows: text{"每天的参考蒸散（ET₀）、庄稼不缺水时的需水（ETc）和实际蒸散（ETa）。", "Reference (ETo), crop (ETc) and actual (ETa) evapotranspiration of each day."},
			unit:  text{"毫米／天。", "Millimetres a day."},
			do:    text{"ETa 明显低于 ETc 就是在受旱：尽快浇。", "ETa well below ETc is drought stress: water soon."},
		},
		queries: []Target{
			ask("参考 ETo", `SELECT "eto_mm" FROM "balance" WHERE `+ofPlot),
			ask("需水 ETc", `SELECT "etc_mm" FROM "balance" WHERE `+ofPlot),
			ask("实际 ETa", `SELECT "eta_mm" FROM "balance" WHERE `+ofPlot),
		},
	})
	s.lines(pane{
		title: text{"受旱系数", "Stress factor"}, width: 12, height: 8, unit: none, decimals: 2, least: new(0.0), most: new(1.0), gap: 36 * hour,
		about: about{
			shows: text{"庄稼能吸到水的程度（FAO-56 的 Ks）。", "How freely the crop can take water (Ks of FAO-56)."},
			unit:  text{"0 到 1；1 为不受旱。", "0 to 1; 1 means no stress."},
			do:    text{"低于 1 的天数越多减产越多；扬花、灌浆期尤其要保住。", "The more days below 1, the more yield is lost; guard flowering and grain filling above all."},
		},
		queries: []Target{ask("Ks", `SELECT "ks" FROM "balance" WHERE `+ofPlot)},
	})
	s.lines(pane{
		title: text{"土温", "Soil temperature"}, width: 12, height: 8, unit: celsius, decimals: 1, gap: 8 * hour,
		about: about{
			shows: text{"每个探头各深度的土壤温度。", "Soil temperature by probe and depth."},
			unit:  text{"°C。", "°C."},
			do:    text{"播种前看是否稳定过了作物要求的温度；忽高忽低的深度可能埋浅了。", "Before sowing see whether it stays above what the crop needs; a depth that swings with the day lies too shallow."},
		},
		queries: []Target{ask("$tag_device $tag_depth_cm cm", `SELECT mean("soil_temperature") FROM "soil" WHERE `+ofPlot+` `+byStretch+`, "device", "depth_cm" fill(none)`)},
	})
	s.table(alertTable(ofPlot, 12))
	return s.Dashboard
}
