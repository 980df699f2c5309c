// The farmer's page stays fresh by itself, and a button that was pressed once is
// sent until it has arrived. Without this script the page and its forms work too.
(() => {
  'use strict';
  const every = 15000, soon = 2000, stays = 20000, pauses = [1000, 3000, 8000];
  let busy = false, last = Date.now(), said = last;
  const at = (id) => document.getElementById(id);
  const clock = () => new Date().toLocaleTimeString(document.documentElement.lang, {hour: '2-digit', minute: '2-digit'});
  const fresh = (ok) => {
    const f = at('fresh');
    f.className = ok ? '' : 'lost';
    f.textContent = ok ? '' : f.dataset.lost;
    if (ok) { last = Date.now(); f.title = f.dataset.updated + ' ' + clock(); }
  };
  const take = (html, answers) => {
    const page = new DOMParser().parseFromString(html, 'text/html'), next = page.getElementById('home'), before = at('say').childNodes;
    if (!next) { location.reload(); return; }
    if (answers) said = Date.now();
    else if (Date.now() - said < stays) next.querySelector('#say').replaceChildren(...before); // so that there is time to read it
    at('home').replaceWith(document.adoptNode(next));
    if (answers) at('say').focus({preventScroll: true});
    fresh(true);
  };
  const inUse = () => busy || document.querySelector('details[open]') || document.hidden;
  const look = async () => {
    if (inUse()) return;
    try {
      const res = await fetch(location.pathname + location.search, {headers: {Accept: 'text/html'}, cache: 'no-store'});
      if (res.ok && !inUse()) take(await res.text());
      else if (res.status === 401 || res.redirected) location.reload();
    } catch { fresh(false); last = Date.now(); }
  };
  const say = (text, tone = 'note') => {
    const p = document.createElement('p');
    p.className = 'say ' + tone;
    p.textContent = text;
    at('say').replaceChildren(p);
    said = Date.now();
  };
  document.addEventListener('submit', async (event) => {
    const form = event.target;
    if (!form.matches('form.act') || !event.submitter) return;
    event.preventDefault();
    if (busy) return;
    busy = true;
    const home = at('home').dataset, body = new URLSearchParams(new FormData(form, event.submitter));
    for (const b of document.querySelectorAll('button')) b.disabled = true;
    say(home.sending);
    at('say').scrollIntoView({block: 'nearest'});
    for (let i = 0; ; i++) {
      try {
        const res = await fetch(form.action, {method: 'POST', body, headers: {Accept: 'text/html'}});
        if (res.status >= 500) throw res.status;
        busy = false;
        if (!res.ok) { form.submit(); return; } // it is refused, and the page of that says so
        history.replaceState(null, '', res.url);
        take(await res.text(), true);
        scrollTo({top: 0});
        return;
      } catch {
        if (i === pauses.length) break;
        say(home.again);
        await new Promise((next) => setTimeout(next, pauses[i]));
      }
    }
    busy = false;
    for (const b of document.querySelectorAll('button')) b.disabled = false;
    say(home.failed, 'bad');
  });
  // While a valve moves, or is told to, somebody waits for it.
  setInterval(() => { if (Date.now() - last > every || document.querySelector('.tap.moving')) look(); }, soon);
  document.addEventListener('visibilitychange', () => { if (!document.hidden && Date.now() - last > 3000) look(); });
  addEventListener('online', look);
})();
