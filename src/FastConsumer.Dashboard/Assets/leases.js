import { keyBar } from './charts.js';
import { el, keyed, setText } from './dom.js';
import { bytes, duration, isKnown, none, number, ownerClass, time, words } from './format.js';
import { badge, chart, ownerCell, tiles } from './parts.js';
import { createTable } from './table.js';

export function leasesPage(context) {
  let drawn = '';
  const ownerOf = row => context.worker.owners[row.owner];
  const keys = chart('Hash keys', 'From left to right all hash keys; below a shard what it was split or merged into. '
    + 'Finished shards are pale.');
  const legend = el('ul', { class: 'legend' });
  keys.element.append(legend);
  const use = tiles();
  const owners = createTable({
    caption: 'Workers that hold a lease. One that holds none is in no row, and so not known here.',
    keyOf: owner => owner.id,
    search: owner => owner.id,
    columns: [
      { id: 'id', title: 'Worker', value: owner => owner.id, update: ownerCell },
      {
        id: 'kind', title: 'Kind', wide: true,
        update: (cell, owner) => badge(cell, owner.isKcl ? 'KCL' : 'FastConsumer', owner.isKcl ? 'info' : ''),
      },
      { id: 'shards', title: 'Shards', number: true, value: owner => owner.shards ?? 0, text: owner => number(owner.shards ?? 0) },
      { id: 'lag', title: 'Longest lag', number: true, value: owner => owner.lag, text: owner => duration(owner.lag) },
      { id: 'records', title: 'Records/s', number: true, value: owner => owner.records, text: owner => number(owner.records) },
      { id: 'bytes', title: 'Read/s', number: true, wide: true, value: owner => owner.bytes, text: owner => bytes(owner.bytes) },
      {
        id: 'report', title: 'Reported', number: true, wide: true, value: owner => owner.reportAge,
        text: owner => owner.isMe ? 'now' : isKnown(owner.reportAge) ? `${duration(owner.reportAge)} ago` : none,
      },
    ],
  });
  const leases = createTable({
    caption: 'Leases',
    keyOf: row => row.id,
    search: row => `${row.id} ${ownerOf(row)?.id ?? ''} ${words[row.status] ?? row.status}`,
    columns: [
      { id: 'id', title: 'Shard', value: row => row.id, text: row => row.id },
      { id: 'status', title: 'Status', value: row => row.status, text: row => words[row.status] ?? row.status },
      { id: 'owner', title: 'Owner', value: row => ownerOf(row)?.id, update: (cell, row) => ownerCell(cell, ownerOf(row)) },
      { id: 'asked', title: 'Asked for by', wide: true, value: row => row.requestedBy, text: row => row.requestedBy ?? none },
      { id: 'parents', title: 'Parents', wide: true, text: row => (row.parents ?? []).join(', ') || none },
    ],
  });
  const moves = createTable({
    caption: 'Hand-overs that this worker has seen',
    keyOf: move => `${move.at} ${move.shard}`,
    columns: [
      { id: 'at', title: 'When', text: move => time(move.at) },
      { id: 'shard', title: 'Shard', text: move => move.shard },
      { id: 'from', title: 'From', text: move => move.from ?? 'nobody' },
      { id: 'to', title: 'To', text: move => move.to ?? 'nobody' },
    ],
  });
  const drain = context.session.allowActions ? el('button', { type: 'button', onclick: askDrain }) : null;

  function askDrain() {
    const ends = context.worker.isDraining;
    context.act({
      title: ends ? 'End the drain' : 'Drain this process',
      request: { action: ends ? 'end-drain' : 'drain' },
      danger: !ends,
      text: ends
        ? 'This process takes its share of leases again.'
        : 'All leases of this process are handed over, and none is taken meanwhile. Where no other worker is there, nobody reads the '
          + 'shards.',
    });
  }

  return {
    element: el('div', {},
      keys.element,
      el('section', {}, el('h2', {}, 'Workers'), drain ? el('p', {}, drain) : null, owners.element),
      el('section', {}, el('h2', {}, 'Lease table'), use.element),
      el('section', {}, el('h2', {}, 'Hand-overs'), moves.element),
      el('section', {}, el('h2', {}, 'Leases'), leases.element)),
    update() {
      const worker = context.worker;
      owners.update(worker.owners);
      leases.update(worker.shards);
      moves.update(worker.handOvers);
      const table = worker.tableUse;
      use.update([
        { name: 'Listed', value: isKnown(worker.listedAgo) ? `${duration(worker.listedAgo)} ago` : none },
        { name: 'Write units a second', value: number(table?.writesPerSecond) },
        { name: 'Read units a second', value: number(table?.readsPerSecond) },
        { name: 'Write units so far', value: table ? number(table.writeUnits ?? 0) : none },
        { name: 'Read units so far', value: table ? number(table.readUnits ?? 0) : none },
        { name: 'Throttled so far', value: table ? number(table.throttled ?? 0) : none, tone: table?.throttled > 0 ? 'warn' : '' },
        { name: 'Longest since a renewal', value: duration(worker.sinceRenewal ?? 0) },
      ]);
      if (drain) {
        setText(drain, worker.isDraining ? 'End the drain' : 'Drain this process');
      }

      const now = JSON.stringify([
        keys.host.clientWidth,
        worker.owners.map(owner => owner.id),
        worker.shards.map(shard => [shard.id, shard.owner, shard.status]),
      ]);
      if (now !== drawn) {
        drawn = now;
        keyBar(keys.host, worker);
        keyed(legend, [...worker.owners.filter(owner => owner.shards > 0).slice(0, 30), { id: '' }], owner => owner.id,
          owner => el('li', {}, el('span', { class: `swatch ${ownerClass(owner.id)}` }), owner.id || 'nobody'), () => {});
      }
    },
  };
}
