import { el, setText } from './dom.js';
import { none, number, time } from './format.js';
import { badge, ownerCell, tiles } from './parts.js';
import { button, createTable } from './table.js';

const decisions = [
  { action: 'retry', title: 'Retry', text: 'The handler is called with it again, by a new instance of the processor.', danger: false },
  { action: 'skip', title: 'Skip', text: 'It is left out: the handler is not called with it again.', danger: true },
  { action: 'dead-letter', title: 'Dead-letter', text: 'It is written to the dead letters and left out.', danger: true },
];

export function stoppedPage(context) {
  const counts = tiles();
  const where = el('p', { class: 'muted' });
  const ownerOf = row => context.worker.owners[row.owner];
  const failing = createTable({
    caption: 'Records that shards wait for: where they are, never what is in them',
    keyOf: row => `${row.id} ${row.failing.position} ${row.failing.token}`,
    search: row => `${row.id} ${row.failing.error}`,
    columns: [
      { id: 'id', title: 'Shard', value: row => row.id, text: row => row.id },
      {
        id: 'how', title: 'How', value: row => String(row.failing.isStopped ?? false),
        update: (cell, row) => badge(cell, row.failing.isStopped ? 'stopped' : 'retrying', row.failing.isStopped ? 'bad' : 'warn'),
      },
      ...context.session.allowActions ? [{
        id: 'decide', title: 'Decide',
        update(cell) {
          if (!cell.firstElementChild) {
            cell.append(el('div', { class: 'actions' }, ...decisions.map(
              decision => button(cell, decision.title, row => decide(row, decision)))));
          }
        },
      }] : [],
      { id: 'error', title: 'Exception', value: row => row.failing.error, text: row => row.failing.error },
      { id: 'attempts', title: 'Attempts', number: true, value: row => row.failing.attempts, text: row => number(row.failing.attempts) },
      { id: 'position', title: 'Position', mono: true, text: row => row.failing.position },
      { id: 'owner', title: 'Owner', wide: true, value: row => ownerOf(row)?.id, update: (cell, row) => ownerCell(cell, ownerOf(row)) },
    ],
  });
  const decided = createTable({
    caption: 'The last decision about a record of each shard',
    keyOf: row => row.id,
    columns: [
      { id: 'at', title: 'When', value: row => row.decision.at, text: row => time(row.decision.at) },
      { id: 'id', title: 'Shard', value: row => row.id, text: row => row.id },
      {
        id: 'what', title: 'Decision', long: true,
        text: row => row.decision.decision + (row.decision.refusal ? `, refused: ${row.decision.refusal}` : ''),
      },
      { id: 'by', title: 'By', text: row => row.decision.by },
      { id: 'reason', title: 'Reason', long: true, text: row => row.decision.reason ?? none },
      { id: 'position', title: 'Position', wide: true, mono: true, text: row => row.decision.position },
    ],
  });
  const paused = createTable({
    caption: 'Paused shards',
    keyOf: row => row.id,
    columns: [
      { id: 'id', title: 'Shard', value: row => row.id, text: row => row.id },
      { id: 'at', title: 'Since', value: row => row.pause.at, text: row => time(row.pause.at) },
      { id: 'until', title: 'Until', text: row => row.pause.until ? time(row.pause.until) : 'resumed' },
      { id: 'by', title: 'By', text: row => row.pause.by },
      { id: 'reason', title: 'Reason', long: true, text: row => row.pause.reason ?? none },
      ...context.session.allowActions ? [{
        id: 'resume', title: 'Resume',
        update(cell) {
          if (!cell.firstElementChild) {
            cell.append(button(cell, 'Resume', row => context.act({
              title: 'Resume', request: { action: 'resume', shard: row.id }, danger: false, text: `${row.id} is read again.`,
            })));
          }
        },
      }] : [],
    ],
  });
  const letters = createTable({
    caption: 'Left out by the runs of this worker',
    keyOf: row => row.id,
    columns: [
      { id: 'id', title: 'Shard', value: row => row.id, text: row => row.id },
      {
        id: 'letters', title: 'Dead letters', number: true, value: row => row.deadLettered ?? 0,
        text: row => number(row.deadLettered ?? 0),
      },
      { id: 'skipped', title: 'Skipped', number: true, value: row => row.skipped ?? 0, text: row => number(row.skipped ?? 0) },
    ],
  });

  function decide(row, decision) {
    context.act({
      title: decision.title,
      text: `Record ${row.failing.position} of ${row.id}, on which the handler fails with ${row.failing.error}. ${decision.text}`,
      request: { action: decision.action, shard: row.id, position: row.failing.position, token: row.failing.token },
      danger: decision.danger,
    });
  }

  return {
    element: el('div', {},
      el('section', { 'aria-label': 'Figures' }, counts.element),
      el('section', {}, el('h2', {}, 'Records that fail'), failing.element),
      el('section', {}, el('h2', {}, 'Decisions'), decided.element),
      el('section', {}, el('h2', {}, 'Pauses'), paused.element),
      el('section', {}, el('h2', {}, 'Dead letters'), where, letters.element)),
    update() {
      const shards = context.worker.shards;
      const waiting = shards.filter(shard => shard.failing);
      const stopped = waiting.filter(shard => shard.failing.isStopped).length;
      const sum = figure => shards.reduce((all, shard) => all + (shard[figure] ?? 0), 0);
      counts.update([
        { name: 'Stopped', value: number(stopped), tone: stopped > 0 ? 'bad' : '' },
        { name: 'Retrying', value: number(waiting.length - stopped), tone: waiting.length > stopped ? 'warn' : '' },
        { name: 'Paused', value: number(shards.filter(shard => shard.pause).length) },
        { name: 'Dead letters here', value: number(sum('deadLettered')) },
        { name: 'Skipped here', value: number(sum('skipped')) },
      ]);
      failing.update(waiting);
      decided.update(shards.filter(shard => shard.decision));
      paused.update(shards.filter(shard => shard.pause));
      letters.update(shards.filter(shard => shard.deadLettered > 0 || shard.skipped > 0));
      setText(where, context.consumer.deadLetters
        ? `Dead letters of this consumer go to ${context.consumer.deadLetters}. What is in them is not shown here.`
        : 'This consumer has no place for dead letters.');
    },
  };
}
