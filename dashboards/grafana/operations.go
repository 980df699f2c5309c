package grafana

// operations answers: is everything on disk and in the database, and who has fallen silent?
func operations() Dashboard {
	s := newSheet("ganlin-operations", text{"运行", "Operations"},
		text{"数据是否一条不少，哪个部分或设备出了问题。", "Whether nothing is lost, and which part or device is in trouble."}, 1, instanceVariable(), siteVariable(), plotVariable(true))
	health(s)
	flows(s)
	machine(s)
	return s.Dashboard
}

func health(s *sheet) {
	s.number(pane{
		title: text{"各部分", "Parts"}, width: 8, height: 4, unit: none, words: readiness(), steps: steps(bad, from(1, good)), empty: "连不上 out of reach",
		about: about{
			shows: text{"代理、日志、数据库、记录库此刻是否正常。", "Whether broker, journal, database and records work right now."},
			unit:  text{"正常或有故障。", "Ok or not working."},
			do:    text{"有故障：运行 ganlin doctor，它会说怎么修；处置步骤见 docs/runbooks.md。", "Not working: run ganlin doctor, it says how to mend it; steps are in docs/runbooks.md."},
		},
		queries: []Target{look("{{part}}", `min by (part) (ganlin_part_ready{`+ofInstance+`})`)},
	})
	s.number(pane{
		title: text{"守恒差额", "Missing from the account"}, width: 8, height: 4, unit: none, empty: "?", steps: steps(bad, from(0, good), from(1, bad)),
		about: about{
			shows: text{"消息：收到−解出−死信；数值：解出−入库−重复−拒绝−等待。", "Messages: received - decoded - dead letters. Values: decoded - stored - duplicate - rejected - waiting."},
			unit:  text{"条、个；应当是 0，正忙时数值可以短暂不为 0。", "Messages, values; 0, but for moments while values are on their way."},
			do:    text{"静下来还不是 0 就是丢了数据：按 docs/runbooks.md 的 GanlinValuesNotConserved 处理。", "Not 0 while nothing moves means a loss: follow GanlinValuesNotConserved in docs/runbooks.md."},
		},
		queries: []Target{
			look("消息 messages", `sum(ganlin_ingest_messages_received_total{`+ofInstance+`}) - sum(ganlin_ingest_messages_total{`+ofInstance+`, result=~"decoded|dead_lettered"})`),
			look("数值 values", `sum(ganlin_ingest_values_total{`+ofInstance+`, result="decoded"}) - sum(ganlin_ingest_values_total{`+ofInstance+`, result!="decoded"}) - sum(ganlin_ingest_values_waiting{`+ofInstance+`})`),
		},
	})
	s.number(pane{
		title: text{"规则落后", "Rules behind"}, width: 4, height: 4, unit: second, empty: "?", steps: steps(good, from(1200, watch), from(1800, bad)),
		about: about{
			shows: text{"规则判到的时刻离现在多久，取最落后的村。", "How far behind now the rules have decided, of the village that is furthest behind."},
			unit:  text{"秒；平时约 10 分钟，是留给迟到数据的。", "Seconds; about ten minutes are usual, they are left for late readings."},
			do:    text{"超过 30 分钟：看日志里 rules 的报错，再看处理器和磁盘。", "Beyond 30 minutes: look in the log for rules, then at processor and disk."},
		},
		queries: []Target{look("rules", `max(ganlin_rules_watermark_delay_seconds{`+ofInstance+`})`)},
	})
	s.number(pane{
		title: text{"一天里的死信", "Dead letters of a day"}, width: 4, height: 4, unit: none, empty: "?", steps: steps(good, from(1, watch), from(100, bad)),
		about: about{
			shows: text{"近 24 小时里读不懂、不合格而留存待查的部分。", "What could not be read in the last 24 hours and was kept."},
			unit:  text{"条。", "Letters."},
			do:    text{"ganlin deadletters list 看原因；修好设备或解码后可以重放。", "ganlin deadletters list shows why; mend the device or the codec."},
		},
		queries: []Target{look("dead letters", `sum(increase(ganlin_deadletters_total{`+ofInstance+`}[24h])) or vector(0)`)},
	})
	s.stacked(pane{
		title: text{"设备", "Devices"}, width: 12, height: 8, unit: none, least: new(0.0),
		about: about{
			shows: text{"登记的设备按联网状态。", "The registry's devices by connection."},
			unit:  text{"台。", "Devices."},
			do:    text{"离线（offline）超过两成：先看网络和代理，再看电源。", "More than a fifth offline: look at network and broker first, then at power."},
		},
		queries: []Target{follow("{{state}}", `sum by (state) (ganlin_devices{`+ofInstance+`})`)},
	})
	s.stacked(pane{
		title: text{"告警", "Alerts"}, width: 12, height: 8, unit: none, least: new(0.0),
		about: about{
			shows: text{"规则此刻的告警，按轻重和状态。", "The rules' alerts right now, by severity and state."},
			unit:  text{"条。", "Alerts."},
			do:    text{"严重（critical）的多半是阀门：先看“灌溉与水账”。", "Critical ones are mostly valves: look at Irrigation and ledger first."},
		},
		queries: []Target{follow("{{severity}} {{state}}", `sum by (severity, state) (ganlin_alerts{`+ofInstance+`})`)},
	})
}

func flows(s *sheet) {
	s.lines(pane{
		title: text{"消息", "Messages"}, width: 12, height: 8, unit: perSecond, decimals: 1, least: new(0.0),
		about: about{
			shows: text{"每秒的消息，按结果；拒收的没有确认，设备会再发。", "Messages a second by what became of them; refused ones were not acknowledged and come again."},
			unit:  text{"条／秒。", "A second."},
			do:    text{"掉到零：看代理。拒收上升：看磁盘和日志。", "Down to zero: look at the broker. Refusals rise: look at the disk and the log."},
		},
		queries: []Target{follow("{{result}}", `sum by (result) (rate(ganlin_ingest_messages_total{`+ofInstance+`}[$__rate_interval]))`)},
	})
	s.lines(pane{
		title: text{"数值", "Values"}, width: 12, height: 8, unit: perSecond, decimals: 1, least: new(0.0),
		about: about{
			shows: text{"每秒的数值，按结果。", "Values a second by what became of them."},
			unit:  text{"个／秒。", "A second."},
			do:    text{"拒绝（rejected）上升：看死信的原因，多半是单位或型号登记错了。", "Rejections rise: look at the dead letters, mostly a unit or a model is wrong in the registry."},
		},
		queries: []Target{follow("{{result}}", `sum by (result) (rate(ganlin_ingest_values_total{`+ofInstance+`}[$__rate_interval]))`)},
	})
	s.lines(pane{
		title: text{"等着入库的数值", "Values that wait for the database"}, width: 12, height: 8, unit: count, least: new(0.0),
		about: about{
			shows: text{"已在日志里、还没进数据库的数值。", "Values in the journal that the database does not have yet."},
			unit:  text{"个。", "Values."},
			do:    text{"一直涨：数据库停了或太慢。不会丢，修好后自己补上。", "Ever more: the database is down or too slow. Nothing is lost, it catches up by itself."},
		},
		queries: []Target{follow("等待 waiting", `sum(ganlin_ingest_values_waiting{`+ofInstance+`})`)},
	})
	s.lines(pane{
		title: text{"各读者落后的记录", "Journal lag by reader"}, width: 12, height: 8, unit: count, least: new(0.0),
		about: about{
			shows: text{"入库（store）、规则（rules）、实时页（now）、死信各还有多少条日志没读。", "How many journal records each reader has not handled: store, rules, now, dead letters."},
			unit:  text{"条记录。", "Records."},
			do:    text{"只有 store 涨：看数据库。只有 rules 涨：看处理器。都涨：看磁盘。", "Only store grows: the database. Only rules: the processor. All: the disk."},
		},
		queries: []Target{follow("{{reader}}", `max by (reader) (ganlin_journal_lag_records{`+ofInstance+`})`)},
	})
	s.lines(pane{
		title: text{"落盘与入库用时", "Time to disk and to the database"}, width: 12, height: 8, unit: second, decimals: 3, least: new(0.0),
		about: about{
			shows: text{"99 % 的日志落盘和数据库写入在多久内完成。", "Within what time 99 % of journal commits and database writes were done."},
			unit:  text{"秒。", "Seconds."},
			do:    text{"落盘超过 0.1 秒：磁盘慢，设备要等确认。", "A commit above 0.1 s: the disk is slow, and devices wait for their acknowledgement."},
		},
		queries: []Target{
			follow("落盘 journal", `histogram_quantile(0.99, sum by (le) (rate(ganlin_journal_fsync_seconds_bucket{`+ofInstance+`}[$__rate_interval])))`),
			follow("入库 database", `histogram_quantile(0.99, sum by (le) (rate(ganlin_store_write_seconds_bucket{`+ofInstance+`}[$__rate_interval])))`),
		},
	})
	s.lines(pane{
		title: text{"死信与被挡的登录", "Dead letters and refusals"}, width: 12, height: 8, unit: none, decimals: 1, least: new(0.0),
		about: about{
			shows: text{"每段时间新增的死信和内置代理拒绝的登录、发布，按原因。", "New dead letters, and logins and publishes that the embedded broker refused, by reason."},
			unit:  text{"条、次。", "Letters, refusals."},
			do:    text{"同一原因成串：一台设备配错了，或有人在试口令。", "Many of one reason: a device is set up wrongly, or somebody guesses passwords."},
		},
		queries: []Target{
			follow("死信 {{reason}}", `sum by (reason) (increase(ganlin_deadletters_total{`+ofInstance+`}[$__rate_interval]))`),
			follow("拒绝 {{reason}}", `sum by (reason) (increase(ganlin_door_refused_total{`+ofInstance+`}[$__rate_interval]))`),
		},
	})
	s.lines(pane{
		title: text{"等着发出的消息与信号", "Messages and signals to be sent"}, width: 12, height: 8, unit: count, least: new(0.0),
		about: about{
			shows: text{"给农户的消息和给监测系统的信号，还没送到的。", "Messages to farmers and signals to monitoring systems that are not delivered yet."},
			unit:  text{"条。", "Messages, signals."},
			do:    text{"夜里的消息会等到早上；白天一直不降就看渠道的口令和对方服务。", "At night messages wait for the morning; by day look at the channel's password and the receiver."},
		},
		queries: []Target{
			follow("消息 messages", `sum(ganlin_notices_pending{`+ofInstance+`}) or vector(0)`),
			follow("信号 signals", `sum(ganlin_signals_pending{`+ofInstance+`})`),
		},
	})
	s.lines(pane{
		title: text{"规则判得多快", "Rule evaluations"}, width: 12, height: 8, unit: perSecond, decimals: 1, least: new(0.0),
		about: about{
			shows: text{"每秒判定的规则次数。", "Evaluations of rules a second."},
			unit:  text{"次／秒。", "A second."},
			do:    text{"为零就是规则停了：没有告警，也不会自动浇水。", "Zero means that the rules stand still: no alert, and nothing is watered by itself."},
		},
		queries: []Target{follow("规则 rules", `sum(rate(ganlin_rules_evaluations_total{`+ofInstance+`}[$__rate_interval]))`)},
	})
}

func machine(s *sheet) {
	s.lines(pane{
		title: text{"磁盘余量", "Room on the disk"}, width: 8, height: 8, unit: bytes, decimals: 1, least: new(0.0),
		about: about{
			shows: text{"数据目录所在磁盘还剩多少。", "Room left on the disk of the data folder."},
			unit:  text{"字节。", "Bytes."},
			do:    text{"太少时什么都不确认，设备自己留着数据：腾出空间即可，不用重启。", "With too little nothing is acknowledged and devices keep their readings: make room, no restart is needed."},
		},
		queries: []Target{follow("余量 free", `min by (instance) (ganlin_data_free_bytes{`+ofInstance+`})`)},
	})
	s.lines(pane{
		title: text{"程序的内存", "Memory of the program"}, width: 8, height: 8, unit: bytes, decimals: 1, least: new(0.0),
		about: about{
			shows: text{"程序占用的内存。", "Memory that the program holds."},
			unit:  text{"字节。", "Bytes."},
			do:    text{"几天里一直涨就记下来报给维护者。", "Ever more over days: note it and tell the maintainers."},
		},
		queries: []Target{follow("内存 memory", `max by (instance) (process_resident_memory_bytes{`+ofInstance+`, job="ganlin"})`)},
	})
	s.lines(pane{
		title: text{"程序的处理器", "Processor of the program"}, width: 8, height: 8, unit: processors, decimals: 2, least: new(0.0),
		about: about{
			shows: text{"程序用了几个处理器核。", "How many processor cores the program uses."},
			unit:  text{"核。", "Cores."},
			do:    text{"长时间用满：看消息是否突然增多，或换大一点的机器。", "All of them for long: see whether messages have multiplied, or take a larger machine."},
		},
		queries: []Target{follow("处理器 CPU", `sum by (instance) (rate(process_cpu_seconds_total{`+ofInstance+`, job="ganlin"}[$__rate_interval]))`)},
	})
	s.lines(pane{
		title: text{"设备电池", "Batteries"}, width: 12, height: 8, unit: volt, decimals: 2, gap: 48 * hour, steps: steps(bad, from(3.2, plain)),
		about: about{
			shows: text{"每台设备的电池电压。", "Battery voltage of each device."},
			unit:  text{"伏。", "Volts."},
			do:    text{"3.2 伏以下快没电了：安排换电池；线断了就是没有数据。", "Below 3.2 V it is nearly empty: plan a change. A gap is silence."},
		},
		queries: []Target{ask("$tag_device", `SELECT min("battery_voltage") FROM "device" WHERE `+ofPlot+` `+byStretch+`, "device" fill(none)`+notAll)},
	})
	s.cells(pane{
		title: text{"探头来数", "Readings by probe"}, width: 12, height: 8, unit: none, finest: "1h", steps: steps(bad, from(1, good)),
		about: about{
			shows: text{"每段时间里每个探头有没有土壤水分数据；空格或红格是没有。", "Whether each probe gave soil moisture in each stretch of time; an empty or red cell is none."},
			unit:  text{"个数据。", "Readings."},
			do:    text{"一行里空得多：信号差。整列都空：网络或代理断过。", "Many gaps in a row: a weak signal. A whole column: network or broker were away."},
		},
		queries: []Target{ask("$tag_device", `SELECT count("soil_moisture") FROM "soil" WHERE `+ofPlot+` `+byStretch+`, "device"`+notAll)},
	})
}
