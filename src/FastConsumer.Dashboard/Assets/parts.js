import { el, keyed, setText } from './dom.js';
import { none } from './format.js';

// Figures with names; a tone marks what somebody should look at.
export function tiles() {
  const list = el('dl', { class: 'tiles' });
  return {
    element: list,
    update(figures) {
      keyed(list, figures, figure => figure.name,
        figure => el('div', {}, el('dt', {}, figure.name), el('dd')),
        (tile, figure) => {
          tile.className = `tile ${figure.tone ?? ''}`;
          setText(tile.lastElementChild, figure.value);
        });
    },
  };
}

export function pairs() {
  const list = el('dl', { class: 'pairs' });
  return {
    element: list,
    update(figures) {
      const parts = figures.flatMap(([name, value]) => [
        { key: `${name}?`, tag: 'dt', text: name },
        { key: name, tag: 'dd', text: value || none },
      ]);
      keyed(list, parts, part => part.key, part => el(part.tag), (node, part) => setText(node, part.text));
    },
  };
}

export function badge(cell, text, tone = '') {
  const mark = cell.firstElementChild ?? cell.appendChild(el('span'));
  mark.className = `badge ${tone}`;
  setText(mark, text);
}

// An owner's name, with the way to its own dashboard where one is known.
export function ownerCell(cell, owner) {
  const url = owner?.url ?? null;
  if (cell.dataset.owner === (owner?.id ?? '') && cell.dataset.url === (url ?? '')) {
    return;
  }

  cell.dataset.owner = owner?.id ?? '';
  cell.dataset.url = url ?? '';
  cell.replaceChildren(!owner ? none : url
    ? el('a', { href: url, rel: 'noreferrer', target: '_blank' }, owner.id)
    : el('span', {}, owner.isMe ? `${owner.id} (this one)` : owner.id));
}

// What only the owner knows: a dash, which leads to the owner's own dashboard where one is known.
export function dashCell(cell, text, row, owner) {
  const url = text === none && !row.mine ? owner?.url ?? null : null;
  if (url) {
    if (cell.dataset.url !== url) {
      cell.dataset.url = url;
      const name = `see the dashboard of ${owner.id}`;
      cell.replaceChildren(el('a', { href: url, rel: 'noreferrer', target: '_blank', title: name, 'aria-label': name }, none));
    }
  } else {
    delete cell.dataset.url;
    setText(cell, text);
  }
}

export function chart(title, note) {
  const host = el('div', { class: 'chart' });
  return { host, element: el('section', {}, el('h2', {}, title), note ? el('p', { class: 'note muted' }, note) : null, host) };
}
