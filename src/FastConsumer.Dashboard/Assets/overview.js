import { bufferText, lagChart, rateChart } from './charts.js';
import { el, keyed, setText } from './dom.js';
import { duration, isKnown, none, number, percent, ratio, time } from './format.js';
import { chart, tiles } from './parts.js';

const severities = { Unhealthy: 'bad', Degraded: 'warn', Information: 'info' };

export function overviewPage(context) {
  const count = el('h2');
  const list = el('ul', { class: 'findings' });
  const figures = tiles();
  const lag = chart('Longest lag, against the retention');
  const rate = chart('Records done in a second, all shards');

  function create(entry) {
    return el('li', {},
      el('div', { class: 'head' },
        el('span', { class: 'badge' }), el('strong'), el('span'), el('span', { class: 'muted' })),
      el('p'), el('p', { class: 'muted' }), el('p', { class: 'muted' }),
      context.session.allowActions && entry.finding.isAcknowledgeable
        ? el('button', {
          type: 'button',
          onclick: () => context.act({
            title: 'Acknowledge',
            text: `${entry.finding.id} (${entry.finding.scope}) is over then, until it happens again.`,
            request: { action: 'acknowledge', consumer: entry.consumer, finding: entry.finding.id, scope: entry.finding.scope },
            danger: false,
          }),
        }, 'Acknowledge')
        : null);
  }

  function update(item, { finding, consumer }) {
    item.className = `finding ${finding.severity}`;
    const [severity, id, title, scope] = item.firstElementChild.children;
    severity.className = `badge ${severities[finding.severity] ?? ''}`;
    setText(severity, finding.severity);
    if (finding.page) {
      if (!id.firstElementChild) {
        id.append(el('a', { href: finding.page, rel: 'noreferrer', target: '_blank' }, finding.id));
      }
    } else {
      setText(id, finding.id);
    }

    setText(title, finding.title);
    setText(scope, (consumer ? `${consumer}: ` : '') + finding.scope);
    const [message, remedy, since] = item.querySelectorAll('p');
    setText(message, finding.message);
    setText(remedy, finding.remedy);
    setText(since, [
      `since ${time(finding.since)}`,
      finding.episodes > 1 ? `${finding.episodes} times` : null,
      ...finding.figures.map(figure => `${figure.name} ${figure.unit === 's' ? duration(figure.value)
        : figure.unit === '1' ? percent(figure.value) : `${number(figure.value)} ${figure.unit.replace(/[{}]/g, '')}`}`),
    ].filter(Boolean).join(' · '));
  }

  return {
    element: el('div', {},
      el('section', { 'aria-label': 'Findings' }, count, list),
      el('section', { 'aria-label': 'Figures' }, figures.element),
      el('div', { class: 'columns' }, lag.element, rate.element)),
    update() {
      const worker = context.worker;
      const findings = context.state.consumers.flatMap(
        consumer => consumer.findings.map(finding => ({ finding, consumer: consumer.name })));
      setText(count, findings.length === 0 ? 'Nothing found: all is well here'
        : findings.length === 1 ? '1 finding'
        : `${findings.length} findings, the worst first`);
      const rank = ['Unhealthy', 'Degraded', 'Information'];
      findings.sort((a, b) => rank.indexOf(a.finding.severity) - rank.indexOf(b.finding.severity));
      keyed(list, findings, entry => JSON.stringify([entry.consumer, entry.finding.id, entry.finding.scope]), create, update);

      const open = worker.shards.filter(shard => shard.status !== 'Finished');
      const mine = open.filter(shard => shard.mine);
      const lags = open.map(shard => shard.lag).filter(isKnown);
      const longest = lags.length ? Math.max(...lags) : null;
      const part = ratio(longest, worker.retention);
      const rates = open.map(shard => shard.records).filter(isKnown);
      const stopped = open.filter(shard => shard.status === 'Stopped').length;
      const retrying = open.filter(shard => shard.status === 'Retrying').length;
      figures.update([
        {
          name: 'This worker',
          value: worker.isDraining ? 'draining' : !worker.isAlive ? 'stands still' : worker.isReady ? 'ready' : 'starting',
          tone: worker.isAlive ? (worker.isReady ? '' : 'warn') : 'bad',
        },
        { name: 'Shards here / open', value: `${mine.length} / ${open.length}` },
        { name: 'Workers with leases', value: String(worker.owners.filter(owner => owner.shards > 0).length) },
        { name: 'Longest lag', value: duration(longest), tone: part > 0.8 ? 'bad' : part > 0.5 ? 'warn' : '' },
        { name: 'Lag of the retention', value: percent(part), tone: part > 0.8 ? 'bad' : part > 0.5 ? 'warn' : '' },
        { name: 'First loss in', value: duration(worker.lossIn), tone: isKnown(worker.lossIn) ? 'warn' : '' },
        { name: 'Records a second', value: rates.length ? number(rates.reduce((sum, rate) => sum + rate, 0)) : none },
        { name: 'Not read by anybody', value: number(worker.unread ?? 0), tone: worker.unread > 0 ? 'bad' : '' },
        { name: 'Stopped / retrying', value: `${stopped} / ${retrying}`, tone: stopped > 0 ? 'bad' : retrying > 0 ? 'warn' : '' },
        { name: 'Buffers', value: bufferText(worker) },
        { name: 'Since a renewal', value: duration(worker.sinceRenewal ?? 0) },
        { name: 'Table listed', value: isKnown(worker.listedAgo) ? `${duration(worker.listedAgo)} ago` : none },
      ]);
    },
    async history() {
      const history = await context.history();
      lagChart(lag.host, history, context.worker.retention);
      rateChart(rate.host, history);
    },
  };
}
