// Keeps the page as the server shows it. Without it the page is whole, only not live.
(() => {
  'use strict';
  const root = document.documentElement, data = document.body.dataset;
  const link = document.getElementById('link'), cut = document.getElementById('cut');
  const spare = new Map(); // new items that no list has placed yet
  let source, again, heard = 0;

  // What the page shows, as the server names it.
  const have = () => 'v.' + data.v + Array.from(document.querySelectorAll('[data-h]'), (e) => '~' + e.id + '.' + e.dataset.h).join('');

  const say = (live) => {
    const text = live ? link.dataset.live : link.dataset.lost;
    if (link.textContent !== text) link.textContent = text;
    link.className = live ? 'live' : 'lost';
    link.hidden = false;
    if (cut.hidden !== live) {
      cut.hidden = live;
      cut.textContent = live ? '' : cut.dataset.text;
      root.classList.toggle('cut', !live);
    }
  };

  const put = (id, html) => {
    const box = document.createElement('template');
    box.innerHTML = html;
    const fresh = box.content.firstElementChild, old = document.getElementById(id);
    if (!old) return spare.set(id, fresh);
    const same = (d) => Array.from(fresh.querySelectorAll('details')).find((f) => f.dataset.k === d.dataset.k);
    const within = old.contains(document.activeElement) && document.activeElement.closest('details');
    old.querySelectorAll('details[open]').forEach((d) => { if (same(d)) same(d).open = true; });
    old.replaceWith(fresh);
    if (within && same(within)) same(within).querySelector('summary').focus({preventScroll: true});
  };

  const fill = (id, slots) => {
    const region = document.getElementById(id);
    if (!region) return;
    const places = region.querySelectorAll('g-t,g-c,.fill');
    for (let i = 0; i < slots.length; i += 2) {
      const place = places[slots[i]], text = slots[i + 1];
      if (!place) continue;
      if (place.localName === 'g-t') place.textContent = text;
      else place.setAttribute(place.localName === 'g-c' ? 'class' : 'width', text);
    }
  };

  const arrange = (name, ids) => {
    const list = document.getElementById(name), wanted = ids.map((id) => document.getElementById(id) || spare.get(id)).filter(Boolean);
    Array.from(list.children).forEach((e) => { if (!wanted.includes(e)) e.remove(); });
    wanted.forEach((e, i) => { if (list.children[i] !== e) list.insertBefore(e, list.children[i] || null); });
    const section = list.closest('.maybe');
    if (section) section.hidden = !wanted.length;
  };

  const connect = () => {
    clearTimeout(again);
    if (source) source.close();
    heard = Date.now();
    const mine = source = new EventSource(data.live + '&have=' + encodeURIComponent(have()));
    const alive = () => { heard = Date.now(); say(true); };
    mine.onmessage = (e) => {
      const u = JSON.parse(e.data);
      for (const id in u.h) put(id, u.h[id]);
      for (const name in u.o) arrange(name, u.o[name]);
      spare.clear();
      for (const id in u.s) fill(id, u.s[id]);
      alive();
    };
    mine.addEventListener('beat', alive);
    mine.addEventListener('reload', () => location.reload());
    mine.onerror = () => {
      say(false);
      if (mine.readyState === EventSource.CLOSED) retry();
    };
  };
  const retry = () => { clearTimeout(again); again = setTimeout(connect, 3000 + 4000 * Math.random()); };

  // A half-open connection gives no error: the server is heard of every 10 s or it is gone.
  setInterval(() => { if (source && !document.hidden && Date.now() - heard > 30000) { say(false); connect(); } }, 5000);

  // A page that nobody sees costs no data.
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) return connect();
    clearTimeout(again);
    if (source) source.close();
    source = null;
  });
  if (!document.hidden) connect();
})();
