import { el, setAttribute, svg } from './dom.js';
import { bytes, duration, number, ownerClass, states, words } from './format.js';

const left = 64;
const bottom = 22;
const top = 14;

// Drawn in units of the text's size, so that a chart on a wall is as readable as its page.
function frame(host, height, label) {
  const unit = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
  const width = Math.max(260, (host.clientWidth || 600) / unit);
  const picture = svg('svg', { viewBox: `0 0 ${width} ${height}`, height: height * unit, role: 'img', 'aria-label': label });
  host.replaceChildren(picture);
  return { picture, width, height, x: part => left + part * (width - left - 8), low: height - bottom };
}

function timeAxis({ picture, x, low, width }, minutes) {
  picture.append(svg('line', { class: 'axis', x1: left, y1: low, x2: width - 8, y2: low }));
  for (const part of width < 450 ? [0, 0.5, 1] : [0, 0.25, 0.5, 0.75, 1]) {
    const ago = Math.round(minutes * (1 - part));
    picture.append(svg(
      'text',
      { x: x(part), y: low + 16, 'text-anchor': part === 1 ? 'end' : part === 0 ? 'start' : 'middle' },
      ago === 0 ? 'now' : `-${ago} min`));
  }
}

// Each run of samples is a line; where some are missing between, the chart says so.
function series(chart, values, y) {
  const last = values.length - 1;
  const x = index => chart.x(index / last);
  let first = values.findIndex(value => value !== null);
  if (first < 0) {
    return;
  }

  let path = '';
  let missing = 0;
  for (let i = first; i <= last; i++) {
    if (values[i] === null) {
      missing++;
      continue;
    }

    if (missing > 0) {
      gap(chart, x(i - missing - 1), x(i));
    }

    const alone = (i === last || values[i + 1] === null) && (i === first || missing > 0);
    path += `${i === first || missing > 0 ? 'M' : 'L'}${x(i).toFixed(1)} ${y(values[i]).toFixed(1)}`;
    if (alone) {
      chart.picture.append(svg('circle', { class: 'dot', cx: x(i), cy: y(values[i]), r: 2.5 }));
    }

    missing = 0;
  }

  if (missing > 0) {
    gap(chart, x(last - missing), x(last));
  }

  chart.picture.append(svg('path', { class: 'line', d: path }));
}

function gap({ picture, low }, from, to) {
  picture.append(svg('rect', { class: 'gap', x: from, y: top, width: Math.max(1, to - from), height: low - top },
    svg('title', {}, 'no samples')));
}

// Lag on a scale of powers, from a second to the retention: both a short lag and the end of the retention can be read off.
export function lagChart(host, history, retention) {
  const known = history.lag.filter(value => value !== null);
  const now = known.length ? known[known.length - 1] : null;
  const most = Math.max(60, retention ?? 0, ...known);
  const chart = frame(host, 230, known.length
    ? `Lag of the last hour: now ${duration(now)}, at most ${duration(Math.max(...known))}; the stream keeps ${duration(retention)}.`
    : 'Lag of the last hour: no samples yet.');
  const y = value => value <= 1 ? chart.low - 4 * value : chart.low - 4 - Math.log(value) / Math.log(most) * (chart.low - 4 - top);
  for (const value of [1, 10, 60, 600, 3600, 21600, 86400, 604800].filter(value => value <= most)) {
    chart.picture.append(
      svg('line', { class: 'axis', x1: left, y1: y(value), x2: chart.width - 8, y2: y(value) }),
      svg('text', { x: left - 6, y: y(value) + 4, 'text-anchor': 'end' }, duration(value)));
  }

  series(chart, history.lag, y);
  if (retention) {
    for (const [part, name] of [[0.5, '50 % of retention'], [1, 'retention: records are lost']]) {
      const at = y(retention * part);
      chart.picture.append(
        svg('line', { class: 'limit', x1: left, y1: at, x2: chart.width - 8, y2: at }),
        svg('text', { x: chart.width - 10, y: part === 1 ? at - 3 : at + 13, 'text-anchor': 'end' }, name));
    }
  }

  timeAxis(chart, 60);
}

export function rateChart(host, history) {
  const known = history.records.filter(value => value !== null);
  const most = Math.max(1, ...known);
  const chart = frame(host, 150, known.length
    ? `Records done in a second, of the last hour: now ${number(known[known.length - 1])}, at most ${number(Math.max(...known))}.`
    : 'Records done in a second, of the last hour: no samples yet.');
  const y = value => chart.low - value / most * (chart.low - top);
  for (const value of [0, most / 2, most]) {
    chart.picture.append(
      svg('line', { class: 'axis', x1: left, y1: y(value), x2: chart.width - 8, y2: y(value) }),
      svg('text', { x: left - 6, y: y(value) + 4, 'text-anchor': 'end' }, number(value)));
  }

  series(chart, history.records, y);
  timeAxis(chart, 60);
}

// One path a shade, and not more than so many lines: neighbours share one where there are more shards.
export function heatMap(host, heat) {
  const lines = 40;
  const each = Math.max(1, Math.ceil(heat.rows.length / lines));
  const rows = [];
  for (let i = 0; i < heat.rows.length; i += each) {
    rows.push(merge(heat.rows.slice(i, i + each)));
  }

  const size = rows.length > 20 ? 9 : 14;
  const chart = frame(host, Math.max(1, rows.length) * size + bottom + top, rows.length
    ? `Records in a second of ${heat.rows.length} shards, a cell a minute, the last hour; the darkest is ${number(heat.max)}.`
      + (each > 1 ? ` A line is ${each} shards together.` : '')
    : 'Records in a second by shard: no samples yet.');
  const paths = Array.from({ length: 10 }, () => '');
  rows.forEach((row, line) => {
    const y = top + line * size;
    [...row.cells].forEach((cell, i) => {
      if (cell !== '.') {
        const x = chart.x(i / row.cells.length);
        const width = chart.x((i + 1) / row.cells.length) - x - 1;
        paths[Number(cell)] += `M${x.toFixed(1)} ${y}h${width.toFixed(1)}v${size - 1}h${(-width).toFixed(1)}z`;
      }
    });
    if (rows.length <= 20 || line % 5 === 0) {
      chart.picture.append(svg('text', { x: left - 6, y: y + size - 3, 'text-anchor': 'end' }, row.name));
    }
  });
  paths.forEach((path, shade) => path && chart.picture.append(svg('path', { class: `h-${shade}`, d: path })));
  timeAxis(chart, 60);
}

function merge(rows) {
  const short = id => id.replace(/^shardId-0*(?=\d)/, '').slice(0, 8);
  const cells = [...rows[0].cells].map((_, i) => {
    const known = rows.map(row => row.cells[i]).filter(cell => cell !== '.').map(Number);
    return known.length ? String(Math.round(known.reduce((sum, cell) => sum + cell, 0) / known.length)) : '.';
  });
  return { name: rows.length > 1 ? `${short(rows[0].shard)}…` : short(rows[0].shard), cells };
}

// The hash keys from left to right, generations from top to bottom: a split is two below one, a merge one below two.
export function keyBar(host, worker) {
  const shards = worker.shards.filter(shard => shard.from !== undefined && shard.to !== undefined);
  const byId = new Map(shards.map(shard => [shard.id, shard]));
  const depths = new Map();
  const depth = (shard, seen) => {
    if (!depths.has(shard.id)) {
      const parents = (shard.parents ?? []).map(id => byId.get(id)).filter(parent => parent && !seen.has(parent.id));
      depths.set(shard.id, parents.length ? 1 + Math.max(...parents.map(parent => depth(parent, new Set([...seen, shard.id])))) : 0);
    }

    return depths.get(shard.id);
  };
  shards.forEach(shard => depth(shard, new Set()));
  const generations = [...new Set(depths.values())].sort((a, b) => a - b);
  const height = 30;
  const chart = frame(host, generations.length * height + bottom + top,
    `The hash keys of ${shards.length} shards in ${generations.length} generations, by owner.`);
  for (const shard of shards) {
    const owner = worker.owners[shard.owner]?.id;
    const x = chart.x(shard.from);
    chart.picture.append(svg('rect', {
      class: `key ${shard.status === 'Finished' ? 'finished o-none' : ownerClass(owner)}`,
      x, y: top + generations.indexOf(depths.get(shard.id)) * height,
      width: Math.max(1, chart.x(shard.to) - x), height: height - 4,
    }, svg('title', {}, `${shard.id}: ${words[shard.status] ?? shard.status}${owner ? `, ${owner}` : ''}`)));
  }

  chart.picture.append(
    svg('text', { x: left, y: chart.low + 16 }, '0'),
    svg('text', { x: chart.width - 8, y: chart.low + 16, 'text-anchor': 'end' }, '2^128 - 1'));
}

export function stateBar() {
  return el('div', { class: 'states', role: 'img' }, ...states.map(state => el('span', { class: `c-${state}` })));
}

export function updateStateBar(bar, parts) {
  setAttribute(bar, 'aria-label', parts
    ? states.map((state, i) => [state, parts[i]]).filter(([, part]) => part > 0).map(([state, part]) => `${state} ${part} %`).join(', ')
    : 'not known');
  setAttribute(bar, 'title', bar.getAttribute('aria-label'));
  states.forEach((_, i) => { bar.children[i].style.width = `${parts?.[i] ?? 0}%`; });
}

export function stateLegend() {
  return el('ul', { class: 'legend' }, ...states.map(state => el('li', {}, el('span', { class: `swatch c-${state}` }), state)));
}

export function bufferText(worker) {
  return `${bytes(worker.bufferUsed ?? 0)} of ${bytes(worker.bufferLimit ?? 0)}`;
}
