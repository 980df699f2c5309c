// What a grid worker writes lies on the phone, by account and step, from the
// first letter on until the server has it. What was handed in is sent until an
// answer comes, under one id, so that it counts once however often it is sent.
// Without this script the forms work too.
(() => {
  'use strict';
  const out = document.querySelector('form[action="/logout"][data-account]');
  if (!out) return;
  const mine = 'ganlin.clues/' + out.dataset.account + '/', pauses = [2, 5, 15, 60];
  const sent = new Set(), told = {}; // keys that the server has; by clue: what came of it
  let busy = false, more = false, tries = 0, timer = 0, state = 'kept';

  // A draft {id, choice, note, queued} lies under the clue and how many steps came before.
  try { localStorage.setItem(mine, ''); localStorage.removeItem(mine); } catch { return; }
  const read = (key) => { try { return JSON.parse(localStorage.getItem(key)); } catch { return null; } };
  const keys = () => Object.keys(localStorage).filter((key) => key.startsWith(mine) && read(key)).sort();
  const keysOf = (clue) => keys().filter((key) => clueOf(key) === clue);
  const write = (key, draft) => { try { localStorage.setItem(key, JSON.stringify(draft)); return true; } catch { return false; } };
  const clueOf = (key) => key.slice(mine.length).split('/')[0];
  const keyOf = (form) => mine + form.dataset.clue + '/' + form.elements.version.value;
  const newID = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('');
  // release gives what was handed in about a clue back to its writer.
  const release = (clue) => { for (const key of keysOf(clue)) write(key, {...read(key), queued: false}); };
  // outlived drops what holds no words and was meant for what the clue is not any more.
  const outlived = (clue) => { for (const key of keysOf(clue)) if (!read(key).note) localStorage.removeItem(key); };

  const keep = (form, queued) => {
    const f = form.elements, key = keyOf(form), before = read(key);
    const draft = {id: before ? before.id : f.id.value, choice: f.choice.value, note: f.note.value, queued};
    if (queued || draft.note || f.choice.type !== 'hidden' && draft.choice) return write(key, draft);
    localStorage.removeItem(key);
    return true;
  };

  const post = async (key, draft) => {
    const [clue, number] = key.slice(mine.length).split('/'), [act, reason] = draft.choice.split('.');
    const patience = new AbortController(), limit = setTimeout(() => patience.abort(), 30000);
    try {
      return (await fetch('/api/v1/risk/clues/' + clue + '/' + act, {
        method: 'POST', headers: {'Content-Type': 'application/json', 'X-CSRF-Token': out.elements.csrf.value}, signal: patience.signal,
        body: JSON.stringify({id: draft.id, version: Number(number), reason, note: draft.note.trim()}),
      })).status;
    } catch { return 0; } finally { clearTimeout(limit); }
  };

  // flush sends what was handed in, in order; what gets no answer is tried again later.
  const flush = async () => {
    more = true;
    if (busy) return;
    busy = true;
    clearTimeout(timer);
    let moved = false, again = false;
    while (more && !again) {
      more = false;
      for (const key of keys()) {
        const draft = read(key);
        if (!draft?.queued) continue;
        state = 'sending';
        paint();
        const status = await post(key, draft), clue = clueOf(key);
        state = 'kept';
        if (status === 200) {
          localStorage.removeItem(key);
          sent.add(key);
          told[clue] = 'sent';
        } else if (status === 400 || status === 404 || status === 409) {
          release(clue);
          if (status !== 400) outlived(clue);
          told[clue] = {400: 'refused', 404: 'gone', 409: 'first'}[status];
        } else {
          if (status === 401 || status === 403) state = 'signin';
          again = true;
          break;
        }
        moved = true;
      }
    }
    busy = false;
    tries = again ? tries + 1 : 0;
    if (again && state !== 'signin') timer = setTimeout(flush, 1000 * pauses[Math.min(tries, pauses.length) - 1]);
    paint();
    if (moved) await renew();
  };

  // renew shows how it is now, but not under the hands of whoever is writing.
  const renew = async () => {
    const here = location.pathname + location.search, root = document.getElementById('errands'), at = document.activeElement;
    if (at?.matches('form.step textarea')) {
      at.addEventListener('blur', renew, {once: true});
      return;
    }
    try {
      const res = root && await fetch(here, {headers: {Accept: 'text/html'}, cache: 'no-store'});
      if (!res || !res.ok || res.redirected) return;
      const next = new DOMParser().parseFromString(await res.text(), 'text/html').getElementById('errands');
      if (next) root.replaceWith(document.adoptNode(next));
      fill();
    } catch { /* what is shown stays */ }
  };

  const text = (name) => document.getElementById('drafts').dataset[name];
  // put changes what is said only if it is something else: changes are read aloud.
  const put = (where, ...what) => { if (where.textContent !== what.map((e) => e.textContent ?? e).join('')) where.replaceChildren(...what); };
  const line = (tag, words, tone) => {
    const e = document.createElement(tag);
    e.textContent = words;
    if (tone) e.className = tone;
    return e;
  };
  const signIn = () => {
    const link = line('a', text('signin'));
    link.href = '/login?next=' + encodeURIComponent(location.pathname + location.search);
    return link;
  };

  // fill puts drafts into the forms of a page that was just loaded.
  const fill = () => {
    for (const form of document.querySelectorAll('form.step')) {
      const draft = read(keyOf(form));
      if (!draft) continue;
      form.elements.note.value = draft.note;
      if (form.elements.choice.type !== 'hidden') form.elements.choice.value = draft.choice;
    }
    paint();
  };

  // paint says of each form and each clue what is not sent yet.
  const paint = () => {
    const drafts = document.getElementById('drafts');
    if (!drafts) return;
    const forms = [...document.querySelectorAll('form.step')], shown = forms.map(keyOf);
    forms.forEach((form, i) => paintForm(form, i > 0 && forms[i - 1]));
    for (const item of document.querySelectorAll('.errand[data-clue]')) {
      const all = keysOf(item.dataset.clue), news = told[item.dataset.clue], say = item.querySelector('.mine');
      say.hidden = !all.length && !news;
      say.textContent = text(all.some((key) => read(key).queued) ? state : news || 'typed');
    }
    const kept = document.getElementById('kept'), news = kept && told[kept.dataset.clue], queued = keys().filter((key) => read(key).queued && !shown.includes(key));
    const lines = news ? [line('p', text(news), 'say ' + (news === 'sent' ? 'ok' : 'bad'))] : [];
    if (queued.length) {
      lines.push(line('p', text('waiting') + ' ' + queued.length, 'say warn'));
      if (state === 'signin') lines.at(-1).replaceChildren(signIn());
    }
    put(drafts, ...lines);
    if (!kept) return;
    if (news) put(document.getElementById('say'));
    const old = oldKeys().map((key) => read(key).note).filter(Boolean).join('\n'), to = present();
    if (!old) return;
    kept.hidden = kept.querySelector('.do').hidden = false;
    kept.querySelector('pre').textContent = old;
    kept.querySelector('[value=use]').hidden = !to || joined(to, old).length > to.elements.note.maxLength;
  };

  // paintForm shows what may be written: what was handed in may not, and what follows it only while there is no network.
  const paintForm = (form, before) => {
    const key = keyOf(form), draft = read(key), waits = Boolean(draft?.queued), done = sent.has(key), say = form.querySelector('.state');
    form.hidden = before && !before.classList.contains('queued') || before && state !== 'kept' && !sent.has(keyOf(before));
    for (const e of form.elements) if (!e.matches('.edit')) e.disabled = waits || done;
    form.classList.toggle('queued', waits || done);
    form.querySelector('.edit').hidden = !waits || busy;
    say.hidden = !draft && !done;
    put(say, waits && state === 'signin' ? signIn() : text(done ? 'sent' : waits ? state : 'typed'));
  };

  // present is the form that may be written in; oldKeys are of steps that are over.
  const present = () => [...document.querySelectorAll('form.step')].find((form) => !form.hidden && !form.matches('.queued'));
  const oldKeys = () => {
    const shown = [...document.querySelectorAll('form.step')].map(keyOf);
    return keysOf(document.getElementById('kept').dataset.clue).filter((key) => !shown.includes(key) && !read(key).queued);
  };
  const joined = (form, note) => [form.elements.note.value, note].filter(Boolean).join('\n');

  document.addEventListener('input', (event) => {
    const form = event.target.closest('form.step');
    if (form && keep(form, false)) paint();
  });
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (form === out) { leave(event); return; }
    if (!form.matches('form.step') || !keep(form, true)) return; // without room on the phone the form goes by itself
    event.preventDefault();
    delete told[form.dataset.clue];
    flush();
    paint();
  });
  document.addEventListener('click', (event) => {
    const button = event.target.closest('.edit, #kept button');
    if (!button) return;
    const form = button.closest('form.step'), to = present();
    if (form) { // under a new id: should the old one have arrived after all, the server says that somebody was first
      release(form.dataset.clue);
      write(keyOf(form), {...read(keyOf(form)), id: newID()});
    } else {
      if (button.value === 'use') {
        to.elements.note.value = joined(to, document.querySelector('#kept pre').textContent);
        keep(to, false);
      }
      for (const key of oldKeys()) localStorage.removeItem(key);
      document.getElementById('kept').hidden = true;
    }
    paint();
  });

  // leave signs out, and takes what its writer left on this phone with it.
  let warned = false;
  const leave = async (event) => {
    event.preventDefault();
    const note = out.nextElementSibling?.matches('.leaving') ? out.nextElementSibling : line('p', '', 'leaving');
    note.setAttribute('role', 'alert');
    if (keys().length && !warned) {
      warned = true;
      note.textContent = out.dataset.unsent;
      out.after(note);
      return;
    }
    try {
      const res = await fetch('/logout', {method: 'POST', body: new URLSearchParams(new FormData(out))});
      if (!res.ok) { location.reload(); return; } // the page is older than the sign-in
      for (const key of keys()) localStorage.removeItem(key);
      location.assign('/login');
    } catch {
      note.textContent = out.dataset.failed;
      out.after(note);
    }
  };

  addEventListener('online', flush);
  addEventListener('pageshow', flush);
  addEventListener('storage', (event) => { if (event.key?.startsWith(mine)) (event.newValue ? fill : renew)(); });
  document.addEventListener('visibilitychange', () => { if (!document.hidden) flush(); });
  fill();
  flush();
})();
