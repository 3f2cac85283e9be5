import { heatMap, lagChart, rateChart, stateBar, stateLegend, updateStateBar } from './charts.js';
import { el, setText } from './dom.js';
import { bytes, duration, isKnown, none, number, percent, pressure, ratio, time, tones, words } from './format.js';
import { badge, chart, dashCell, ownerCell, pairs } from './parts.js';
import { button, createTable } from './table.js';

export function shardsPage(context) {
  let selected = null;
  const lag = chart('Longest lag, against the retention');
  const heat = chart('Records a second by shard', 'A line is a shard, a cell a minute. Other workers report each ten seconds or more.');
  const ownerOf = row => context.worker.owners[row.owner];
  const dash = text => (cell, row) => dashCell(cell, text(row), row, ownerOf(row));
  const table = createTable({
    caption: 'Shards that are not finished',
    keyOf: row => row.id,
    search: row => `${row.id} ${ownerOf(row)?.id ?? ''} ${words[row.status] ?? row.status} ${(row.findings ?? []).join(' ')}`,
    sort: { id: 'lag', descending: true },
    rowClass: row => row.id === selected ? 'selected' : '',
    columns: [
      {
        id: 'id', title: 'Shard', value: row => row.id,
        update(cell, row) {
          const link = cell.firstElementChild ?? cell.appendChild(button(cell, '', known => select(known.id), { class: 'link' }));
          setText(link, row.id);
          link.setAttribute('aria-pressed', String(row.id === selected));
        },
      },
      {
        id: 'status', title: 'Status', value: row => row.status,
        update: (cell, row) => badge(cell, words[row.status] ?? row.status, tones[row.status]),
      },
      { id: 'lag', title: 'Lag', number: true, value: row => row.lag, update: dash(row => duration(row.lag)) },
      {
        id: 'part', title: 'Of retention', number: true, wide: true, value: row => row.lag,
        update: dash(row => percent(ratio(row.lag, context.worker.retention))),
      },
      { id: 'records', title: 'Records/s', number: true, value: row => row.records, update: dash(row => number(row.records)) },
      { id: 'bytes', title: 'Read/s', number: true, wide: true, value: row => row.bytes, update: dash(row => bytes(row.bytes)) },
      { id: 'share', title: 'Quota share', number: true, wide: true, value: row => row.share, update: dash(row => percent(row.share)) },
      {
        id: 'handling', title: 'Pressure', wide: true, value: row => row.handling,
        update: dash(row => isKnown(row.handling) ? `${pressure(row.handling)} ${percent(row.handling)}` : none),
      },
      {
        id: 'time', title: 'Last minute', wide: true,
        update(cell, row) {
          if (row.time) {
            if (cell.firstElementChild?.className !== 'states') {
              cell.replaceChildren(stateBar());
            }

            updateStateBar(cell.firstElementChild, row.time);
          } else {
            dashCell(cell, row.state ? row.state.toLowerCase() : none, row, ownerOf(row));
          }
        },
      },
      {
        id: 'checkpointAge', title: 'Checkpoint age', number: true, wide: true, value: row => row.checkpointAge,
        update: dash(row => duration(row.checkpointAge)),
      },
      {
        id: 'longestCall', title: 'Longest call', number: true, wide: true, value: row => row.longestCall,
        update: dash(row => duration(row.longestCall)),
      },
      { id: 'owner', title: 'Owner', wide: true, value: row => ownerOf(row)?.id, update: (cell, row) => ownerCell(cell, ownerOf(row)) },
    ],
  });

  const name = el('h2');
  const facts = pairs();
  const ownLag = chart('Lag of this shard');
  const ownRate = chart('Records done in a second, this shard');
  const buttons = context.session.allowActions
    ? el('p', {},
      el('button', {
        type: 'button',
        onclick: () => context.act({
          title: 'Pause', request: { action: 'pause', shard: selected }, until: true,
          text: `Nothing of ${selected} is read until it is resumed. It holds for all processors of this consumer, whoever owns the shard.`,
        }),
      }, 'Pause'), ' ',
      el('button', {
        type: 'button',
        onclick: () => context.act({
          title: 'Resume', request: { action: 'resume', shard: selected }, danger: false, text: `${selected} is read again.`,
        }),
      }, 'Resume'))
    : null;
  const details = el('section', { hidden: true, 'aria-live': 'off', 'aria-label': 'The chosen shard' },
    name, buttons, facts.element, el('div', { class: 'columns' }, ownLag.element, ownRate.element));

  function select(id) {
    selected = id;
    update();
    drawOne().catch(error => context.say(`The charts could not be read: ${error.message}`, true));
  }

  async function drawOne() {
    if (selected) {
      const history = await context.history(selected);
      lagChart(ownLag.host, history, context.worker.retention);
      rateChart(ownRate.host, history);
    }
  }

  function update() {
    const open = context.worker.shards.filter(shard => shard.status !== 'Finished');
    table.update(open);
    const row = context.worker.shards.find(shard => shard.id === selected);
    details.hidden = !row;
    if (!row) {
      return;
    }

    const owner = ownerOf(row);
    setText(name, row.id);
    facts.update([
      ['Status', words[row.status] ?? row.status],
      ['Owner', owner ? owner.id : none],
      ['Its reader', row.state ? row.state.toLowerCase() : none],
      ['Lag', `${duration(row.lag)} (${percent(ratio(row.lag, context.worker.retention))} of the retention)`],
      ['Loss in', duration(row.lossIn)],
      ['Behind latest', duration(row.behind)],
      ['Checkpoint', row.checkpoint],
      ['Checkpoint age', duration(row.checkpointAge)],
      ['In flight', row.mine ? `${row.inFlight ?? 0} records in ${row.lanes ?? 0} lanes` : none],
      ['Part of what is read here', percent(row.bytesShare)],
      ['Done here', row.mine
        ? `${number(row.done ?? 0)} records, ${row.skipped ?? 0} skipped, ${row.deadLettered ?? 0} dead letters, `
          + `${row.refused ?? 0} reads refused`
        : none],
      ['Parents', (row.parents ?? []).join(', ')],
      ['Asked for by', row.requestedBy],
      ['Findings', (row.findings ?? []).join(', ')],
      ['Paused', row.pause
        ? `by ${row.pause.by} since ${time(row.pause.at)} until ${row.pause.until ? time(row.pause.until) : 'it is resumed'}: `
          + (row.pause.reason ?? 'no reason given')
        : none],
      ['Reported', row.mine ? 'by this process, now' : isKnown(row.reportAge) ? `${duration(row.reportAge)} ago` : none],
      ['Row', row.problem],
    ]);
  }

  return {
    element: el('div', {},
      el('div', { class: 'columns' }, lag.element, heat.element),
      details,
      el('section', {}, el('h2', {}, 'Shards'), table.element, stateLegend())),
    update,
    async history() {
      const history = await context.history();
      lagChart(lag.host, history, context.worker.retention);
      heatMap(heat.host, history.heat);
      await drawOne();
    },
  };
}
