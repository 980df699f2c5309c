// A sign-in link holds its key behind #, where no server and no Referer sees it: it is posted from here.
(() => {
  'use strict';
  const key = location.hash.slice(1), form = document.getElementById('signin');
  if (!key) return;
  history.replaceState(null, '', location.pathname + location.search);
  form.elements.token.value = key;
  form.requestSubmit();
})();
