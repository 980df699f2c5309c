// The operator's page stays fresh by itself: what has changed is changed in
// place, so that scroll, focus and what is open stay as they are. A form that was
// sent once is sent until it has arrived. Without this script the page works too.
(() => {
  'use strict';
  const every = 4000, slowest = 30000, pauses = [1000, 3000, 8000];
  const at = (id) => document.getElementById(id);
  const fresh = at('fresh'), cut = at('cut');
  let busy = false, looking = false, pause = every, timer;

  const say = (live) => {
    const text = live ? fresh.dataset.live : fresh.dataset.lost;
    if (fresh.textContent !== text) fresh.textContent = text;
    fresh.className = live ? '' : 'lost';
    if (cut.hidden !== live) {
      cut.hidden = live;
      cut.textContent = live ? '' : cut.dataset.text;
      document.documentElement.classList.toggle('cut', !live);
    }
  };

  const key = (n) => n.id || (n.dataset && n.dataset.k) || '';
  const same = (a, b) => a.nodeName === b.nodeName && key(a) === key(b);
  const morph = (old, next) => {
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.data !== next.data) old.data = next.data;
      return;
    }
    for (const a of next.attributes) if (old.getAttribute(a.name) !== a.value) old.setAttribute(a.name, a.value);
    for (const a of [...old.attributes]) if (!next.hasAttribute(a.name) && !(a.name === 'open' && old.localName === 'details')) old.removeAttribute(a.name);
    const wanted = new Set(Array.from(next.children, key));
    let here = old.firstChild;
    for (const child of [...next.childNodes]) {
      let match = here; // what goes may be passed over, what stays and whatever follows a text may not
      while (match && !same(match, child)) match = child.nodeType !== Node.ELEMENT_NODE || (key(match) && wanted.has(key(match))) ? null : match.nextSibling;
      if (!match) { old.insertBefore(child, here); continue; }
      while (here !== match) { const gone = here; here = here.nextSibling; gone.remove(); }
      morph(match, child);
      here = match.nextSibling;
    }
    while (here) { const gone = here; here = here.nextSibling; gone.remove(); }
  };
  const take = (html, answer) => {
    const page = new DOMParser().parseFromString(html, 'text/html'), next = page.getElementById('operations');
    if (!next) { location.reload(); return; } // signed out, or another page
    morph(at('operations'), next);
    if (answer) at('said').replaceChildren(...page.getElementById('said').childNodes);
    say(true);
  };

  const look = async () => {
    clearTimeout(timer);
    if (looking || busy || document.hidden) return;
    looking = true;
    try {
      const res = await fetch(location.pathname + location.search, {headers: {Accept: 'text/html'}, cache: 'no-store', signal: AbortSignal.timeout(10000)});
      if (!res.ok) throw new Error(res.status);
      const html = await res.text();
      if (!busy) take(html);
      pause = every;
    } catch {
      say(false);
      pause = Math.min(2 * pause, slowest);
    }
    looking = false;
    if (!document.hidden) timer = setTimeout(look, pause);
  };

  const tell = (text) => {
    const p = document.createElement('p');
    p.className = 'said-now note';
    p.textContent = text;
    at('said').replaceChildren(p);
  };
  document.addEventListener('submit', async (event) => {
    const form = event.target;
    if (!form.matches('form.act')) return;
    event.preventDefault();
    if (busy) return;
    busy = true;
    const body = new URLSearchParams(new FormData(form)), buttons = document.querySelectorAll('.halt button');
    for (const b of buttons) b.disabled = true;
    tell(fresh.dataset.sending);
    at('said').scrollIntoView({block: 'nearest'});
    for (let i = 0; ; i++) {
      try {
        const res = await fetch(form.action, {method: 'POST', body, headers: {Accept: 'text/html'}, signal: AbortSignal.timeout(25000)});
        busy = false;
        if (!res.ok) { form.submit(); return; } // it is refused, and the page of that says so
        form.closest('details')?.removeAttribute('open');
        take(await res.text(), true);
        break;
      } catch {
        if (i === pauses.length) { busy = false; tell(fresh.dataset.failed); break; }
        tell(fresh.dataset.again);
        await new Promise((next) => setTimeout(next, pauses[i]));
      }
    }
    for (const b of buttons) b.disabled = false;
    timer = setTimeout(look, every);
  });

  document.addEventListener('visibilitychange', () => { if (!document.hidden) look(); else clearTimeout(timer); });
  addEventListener('online', look);
  addEventListener('offline', () => say(false));
  say(true);
  timer = setTimeout(look, every);
})();
