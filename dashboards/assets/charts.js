// Draws the charts of a plot from the numbers in the page. Without it the same numbers stand in a table.
(() => {
  'use strict';
  const data = JSON.parse(document.getElementById('series').textContent);
  const box = document.getElementById('charts');
  box.hidden = false;

  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue('--' + name).trim();
  const local = (ts) => uPlot.tzDate(new Date(ts * 1e3), data.zone);
  const day = new Intl.DateTimeFormat(data.words.lang, {timeZone: data.zone, month: 'short', day: 'numeric'});
  const clock = new Intl.DateTimeFormat(data.words.lang, {timeZone: data.zone, hour: '2-digit', minute: '2-digit', hour12: false});
  const both = (ts) => ts === null || ts === undefined ? '' : day.format(ts * 1e3) + ' ' + clock.format(ts * 1e3);

  // A lone null is a gap; where only another curve has a point, the line goes on.
  const table = (curves) => uPlot.join(curves.map((c) => [c.t, c.v]), curves.map(() => [0, 2]));

  const axes = (decimals) => [
    {
      stroke: colour('soft'), grid: {stroke: colour('grid'), width: 1}, ticks: {show: false}, space: 70, gap: 9, font: '13px system-ui, sans-serif',
      incrs: [21600, 43200, 86400, 2 * 86400, 5 * 86400, 7 * 86400, 14 * 86400, 30 * 86400],
      values: (u, splits, axis, space, incr) => splits.map((s) => {
        const at = local(s);
        return at.getHours() === 0 ? day.format(s * 1e3) : incr < 86400 ? clock.format(s * 1e3) : '';
      }),
    },
    {stroke: colour('soft'), grid: {stroke: colour('grid'), width: 1}, ticks: {show: false}, size: 52, font: '13px system-ui, sans-serif', values: (u, splits) => splits.map((v) => v.toFixed(decimals))},
  ];

  const number = (decimals, unit) => (u, v) => v === null || v === undefined ? '–' : v.toFixed(decimals).replace('-', '−') + ' ' + unit;

  const draw = (id, rows, series, more) => {
    const target = document.getElementById(id);
    if (!rows || rows[0].length === 0) { target.closest('figure').hidden = true; return null; }
    const newest = rows[1].findLastIndex((v) => v !== null && v !== undefined); // is told until somebody points at another
    return new uPlot(Object.assign({
      width: Math.max(target.clientWidth, 200), height: 210, tzDate: local, padding: [10, 28, 0, 0],
      cursor: {sync: {key: 'plot'}, points: {size: 7}, drag: {x: false, y: false}}, legend: {markers: {width: 2, dash: (u, i) => (u.series[i].dash || []).length ? 'dashed' : 'solid'}},
      axes: axes(id === 'chart-moisture' ? 2 : 0), series: [{label: data.words.time, value: (u, v) => both(v)}].concat(series),
      hooks: {ready: [(u) => newest >= 0 && u.setLegend({idx: newest})]},
    }, more), rows, target);
  };

  const time = {time: true, range: () => [data.from, data.to]};
  const dashes = [[], [9, 4], [3, 3], [12, 3, 3, 3]];
  const charts = [];

  // Moisture: a line for each depth, told apart by colour and by dashes; the two limits are flat lines.
  const ends = [data.from, data.to];
  const moisture = data.moisture.concat(data.limits.map((l) => ({t: ends, v: [l.value, l.value]})));
  charts.push(draw('chart-moisture', data.moisture.length ? table(moisture) : null, data.moisture.map((c, i) => ({
    label: c.label, stroke: colour('c' + (i % 4 + 1)), width: 2, dash: dashes[i % 4], value: number(3, data.words.m3), points: {show: false},
  })).concat(data.limits.map((l, i) => ({
    label: l.label, stroke: colour('mark'), width: 1.5, dash: i ? [2, 4] : [8, 5], spanGaps: true, value: () => l.value.toFixed(3) + ' ' + data.words.m3, points: {show: false},
  }))), {scales: {x: time, y: {range: (u, low, high) => [Math.max(0, Math.min(low, high) - .02), high + .02]}}}));

  // What the root zone lacks hangs from the top: full soil is the upper edge.
  const lines = {depletion: {stroke: colour('c1'), width: 2.5, fill: colour('c1') + '22'}, raw: {stroke: colour('c2'), width: 2, dash: [9, 4]}, taw: {stroke: colour('bad'), width: 2, dash: [2, 4]}};
  const known = data.balance.some((c) => c.v.some((v) => v !== null));
  charts.push(draw('chart-balance', known ? table(data.balance) : null, data.balance.map((c) => Object.assign({
    label: c.label, value: number(1, data.words.mm), points: {show: data.balance[0].t.length < 3},
  }, lines[c.key])), {scales: {x: time, y: {dir: -1, range: (u, low, high) => [0, Math.max(high, 10) * 1.05]}}}));

  // Water: rain to the left of noon, watering to the right; what came stands before what was wanted.
  const bars = (share, align) => uPlot.paths.bars({size: [share, 46], align});
  const looks = {
    rain: {fill: colour('rain'), stroke: colour('rain'), width: 0, paths: bars(.36, -1)},
    delivered: {fill: colour('delivered'), stroke: colour('delivered'), width: 0, paths: bars(.2, 1)},
    commanded: {fill: colour('delivered') + '44', stroke: colour('delivered') + '44', width: 0, paths: bars(.4, 1)},
  };
  const order = ['rain', 'commanded', 'delivered'];
  const water = order.map((key) => data.water.find((c) => c.key === key)).filter(Boolean);
  const some = water.some((c) => c.v.some((v) => v !== null));
  charts.push(draw('chart-water', some ? table(water) : null, water.map((c) => Object.assign({
    label: c.label, value: number(1, data.words.mm), points: {show: false},
  }, looks[c.key])), {scales: {x: time, y: {range: (u, low, high) => [0, Math.max(high || 0, 5) * 1.1]}}}));

  // Decisions stand below the charts, on the same line of time. Those too close for a finger make one.
  const strip = document.getElementById('chart-marks');
  const place = () => {
    const chart = charts.find(Boolean), left = chart ? chart.bbox.left / devicePixelRatio : 0, wide = chart ? chart.bbox.width / devicePixelRatio : strip.clientWidth;
    const at = (t) => left + wide * (t - data.from) / (data.to - data.from);
    const groups = [];
    data.marks.filter((m) => m.t >= data.from && m.t <= data.to).sort((a, b) => a.t - b.t).forEach((m) => {
      const last = groups[groups.length - 1];
      if (last && at(m.t) - last.x < 30) last.marks.push(m);
      else groups.push({x: at(m.t), marks: [m]});
    });
    strip.replaceChildren(...groups.map((g) => {
      const a = document.createElement('a'), one = g.marks[0];
      a.style.left = Math.min(g.x, strip.clientWidth - 14) + 'px';
      if (g.marks.length === 1) {
        a.href = one.link;
        a.className = one.tone;
        a.title = one.text;
        a.setAttribute('aria-label', one.text);
        const sign = document.createElementNS('http://www.w3.org/2000/svg', 'svg'), use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
        sign.setAttribute('class', 'sign');
        sign.setAttribute('aria-hidden', 'true');
        use.setAttribute('href', '#i-' + one.sign);
        sign.append(use);
        a.append(sign);
      } else {
        const worst = ['bad', 'warn', 'water'].find((t) => g.marks.some((m) => m.tone === t)) || one.tone;
        a.href = '#d-' + g.marks[g.marks.length - 1].id;
        a.className = 'group ' + worst;
        a.title = both(one.t) + ' … ' + both(g.marks[g.marks.length - 1].t) + ': ' + g.marks.length + ' ' + data.words.several;
        a.setAttribute('aria-label', a.title);
        a.textContent = g.marks.length;
      }
      return a;
    }));
    strip.closest('figure').hidden = groups.length === 0;
  };

  const fit = () => {
    charts.forEach((c) => c && c.setSize({width: Math.max(c.root.parentElement.clientWidth, 200), height: 210}));
    place();
  };
  place();
  let wide = box.clientWidth;
  new ResizeObserver(() => { if (box.clientWidth !== wide) { wide = box.clientWidth; fit(); } }).observe(box);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => location.reload());
  box.dataset.ready = '1';
})();
