// Returns what is wrong with the page for people who see badly, use a keyboard or a screen reader.
(() => {
  const wrong = [];
  const rgba = (text) => { const m = text.match(/[\d.]+/g).map(Number); return [m[0], m[1], m[2], m.length > 3 ? m[3] : 1]; };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
  const light = (c) => {
    const [r, g, b] = c.slice(0, 3).map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => { const [x, y] = [light(a), light(b)].sort((m, n) => n - m); return (x + 0.05) / (y + 0.05); };
  const grounds = (element) => { // what lies behind it; a gradient counts by both of its ends
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      const style = getComputedStyle(e), colour = rgba(style.backgroundColor);
      const ends = (style.backgroundImage.match(/rgba?\([^)]*\)/g) || []).map(rgba);
      if (ends.length) return ends.concat([colour]).map((end) => layers.reduceRight((under, top) => over(top, under), end));
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] === 1) break;
    }
    return [layers.reduceRight((under, top) => over(top, under), [255, 255, 255, 1])];
  };
  let counted = 0;
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode.textContent.trim(), element = texts.currentNode.parentElement;
    if (!text || element.closest('.unseen,.skip,noscript') || !element.getClientRects().length) continue;
    const style = getComputedStyle(element), size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    for (const ground of grounds(element)) {
      const c = contrast(over(rgba(style.color), ground), ground);
      counted++;
      if (c < (large ? 3 : 4.5)) wrong.push(`contrast ${c.toFixed(2)} of "${text}" (${style.color} on ${ground.slice(0, 3)})`);
    }
    if (size < 13) wrong.push(`"${text}" is ${size} px`);
    for (let e = element; e; e = e.parentElement) if (getComputedStyle(e).opacity < 1) wrong.push(`"${text}" is faded`);
  }
  if (counted < 10) wrong.push(`only ${counted} texts were found`);
  if (parseFloat(getComputedStyle(document.body).fontSize) < 16) wrong.push('body text is below 16 px');
  if (document.documentElement.scrollWidth > innerWidth) wrong.push(`${document.documentElement.scrollWidth} px wide in ${innerWidth}`);
  if (!document.documentElement.lang || !document.title) wrong.push('no language or no title');
  for (const landmark of ['main', 'body > header', 'h1']) {
    if (document.querySelectorAll(landmark).length !== 1) wrong.push(`${landmark} is there ${document.querySelectorAll(landmark).length} times`);
  }
  let level = 0;
  document.querySelectorAll('h1,h2,h3,h4').forEach((h) => {
    const next = Number(h.localName[1]);
    if (next > level + 1) wrong.push(`h${next} "${h.textContent}" follows h${level}`);
    level = next;
  });
  const ids = Array.from(document.querySelectorAll('[id]'), (e) => e.id);
  ids.filter((id, i) => ids.indexOf(id) !== i).forEach((id) => wrong.push(`id ${id} is there twice`));
  document.querySelectorAll('[aria-labelledby]').forEach((e) => {
    if (!document.getElementById(e.getAttribute('aria-labelledby'))) wrong.push('a label is missing');
  });
  document.querySelectorAll('input:not([type=hidden])').forEach((e) => { if (!e.labels.length) wrong.push(`input ${e.id} has no label`); });
  document.querySelectorAll('img:not([alt])').forEach((e) => wrong.push(`${e.src} has no alt`));
  document.querySelectorAll('svg:not([aria-hidden]):not([aria-label]):not([aria-labelledby])').forEach(() => wrong.push('an svg is neither hidden nor named'));
  document.querySelectorAll('use').forEach((e) => { if (!document.querySelector(e.getAttribute('href'))) wrong.push(`no sign ${e.getAttribute('href')}`); });
  document.querySelectorAll('a,button,summary,input:not([type=hidden])').forEach((e) => {
    const box = e.getBoundingClientRect();
    if (e.getClientRects().length && !e.closest('.skip,.unseen') && box.height < 24) wrong.push(`${e.localName} "${e.textContent}" is ${box.height} px high`);
    if (e.localName !== 'input' && !e.textContent.trim() && !e.getAttribute('aria-label')) wrong.push(`${e.localName} says nothing`);
  });
  return wrong;
})()
