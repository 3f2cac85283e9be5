import { ask } from './actions.js';
import { el, keyed, setAttribute, setText } from './dom.js';
import { leasesPage } from './leases.js';
import { overviewPage } from './overview.js';
import { settingsPage } from './settings.js';
import { shardsPage } from './shards.js';
import { stoppedPage } from './stopped.js';
import { startTheme } from './theme.js';

const pages = [
  { id: 'overview', title: 'Overview', create: overviewPage },
  { id: 'shards', title: 'Shards', create: shardsPage },
  { id: 'leases', title: 'Leases', create: leasesPage },
  { id: 'stopped', title: 'Stopped and dead letters', create: stoppedPage },
  { id: 'settings', title: 'Settings', create: settingsPage },
];

const historyEach = 10000;
const retryAfter = 5000;
const byId = id => document.getElementById(id);

const context = {
  state: null,
  session: { allowActions: false },
  worker: null,
  consumer: null,
  act: request => ask(context, request),
  say,
  history: shard => get(`./api/history?${new URLSearchParams({
    consumer: context.consumer.name, processor: context.worker.processor, ...(shard ? { shard } : {}),
  })}`),
  settings: () => get('./api/settings'),
};

let page = null;
let wanted = '';
let source = null;
let historyAt = -Infinity;

async function get(url) {
  const answer = await fetch(url, { cache: 'no-store' });
  if (!answer.ok) {
    throw new Error(await answer.text());
  }

  return answer.json();
}

function say(text, failed = false) {
  const message = byId('message');
  message.classList.toggle('failed', failed);
  setText(message, text);
}

function live(text, tone) {
  const badge = byId('live');
  setText(badge, text);
  badge.className = `badge ${tone}`;
}

// The address names the page; the rest of the hash is the page's own.
function route() {
  const id = location.hash.replace(/^#\/?/, '').split('/')[0];
  if (id === 'main') {
    return;
  }

  const chosen = pages.find(known => known.id === id) ?? pages[0];
  document.title = `${chosen.title} - FastConsumer`;
  [...byId('nav').querySelectorAll('a')].forEach(link => setAttribute(
    link, 'aria-current', link.dataset.page === chosen.id ? 'page' : null));
  page = chosen.create(context);
  byId('main').replaceChildren(el('h1', {}, chosen.title), page.element);
  historyAt = -Infinity;
  show();
}

function show() {
  if (!context.state || !page) {
    return;
  }

  choose();
  if (!context.worker) {
    live('starting', 'warn');
    return;
  }

  setText(byId('whose'), `${context.worker.application} · ${context.worker.stream} · ${context.worker.workerId}`);
  page.update?.();
  if (page.history && performance.now() - historyAt >= historyEach) {
    historyAt = performance.now();
    const asked = page;
    asked.history().catch(error => say(`The charts could not be read: ${error.message}`, true));
  }
}

// Which processor is looked at: there may be several, of several consumers.
function choose() {
  const all = context.state.consumers.flatMap(consumer => consumer.workers.map(worker => ({
    key: JSON.stringify([consumer.name, worker.processor]),
    title: consumer.name ? `${consumer.name} / ${worker.processor}` : worker.processor,
    consumer,
    worker,
  })));
  const select = byId('worker');
  keyed(select, all, known => known.key, known => el('option', { value: known.key }, known.title), () => {});
  byId('chooser').hidden = all.length < 2;
  const chosen = all.find(known => known.key === wanted) ?? all[0];
  context.consumer = chosen?.consumer ?? null;
  context.worker = chosen?.worker ?? null;
  if (chosen) {
    wanted = select.value = chosen.key;
  }
}

function connect() {
  disconnect();
  source = new EventSource('./api/live');
  source.onmessage = event => {
    context.state = JSON.parse(event.data);
    live('live', 'good');
    show();
  };
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) {
      refused();
    } else {
      live('reconnecting', 'warn');
    }
  };
}

function disconnect() {
  source?.close();
  source = null;
}

// An answer that is no stream says why in a sentence; then the state is asked for now and then.
async function refused() {
  disconnect();
  live('not live', 'warn');
  const stop = new AbortController();
  try {
    const answer = await fetch('./api/live', { cache: 'no-store', signal: stop.signal });
    if (!answer.ok) {
      say(await answer.text(), true);
      context.state = await get('./api/state');
      show();
    }
  } catch (error) {
    live('no answer', 'bad');
  } finally {
    stop.abort();
  }

  setTimeout(() => document.hidden || source || connect(), retryAfter);
}

async function start() {
  startTheme(byId('theme'));
  byId('nav').append(...pages.map(known => el('li', {}, el('a', { href: `#/${known.id}`, 'data-page': known.id }, known.title))));
  byId('skip').addEventListener('click', event => {
    event.preventDefault();
    byId('main').focus();
  });
  byId('worker').addEventListener('change', event => {
    wanted = event.target.value;
    route();
  });
  addEventListener('hashchange', () => {
    route();
    say('');
  });
  // a page that nobody sees takes no place
  document.addEventListener('visibilitychange', () => document.hidden ? disconnect() : source || connect());
  addEventListener('resize', () => { historyAt = -Infinity; });
  try {
    context.session = await get('./api/session');
  } catch (error) {
    live('no answer', 'bad');
    say(error.message, true);
    return;
  }

  route();
  connect();
}

start();
