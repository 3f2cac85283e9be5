import { el, keyed, setText } from './dom.js';

const pageSize = 50;

// A table that shows 50 rows at a time, sorts by its heads and can be searched. Only what is shown is in the document.
// A column: id, title, number, mono, long (may wrap), wide (left out on narrow screens), value(row) for sorting, and text(row) or
// update(cell, row).
export function createTable({ caption, columns, keyOf, search, sort, rowClass }) {
  let rows = [];
  let page = 0;
  let order = sort ?? null;
  const body = el('tbody');
  const filter = el('input', { type: 'search', oninput: () => { page = 0; draw(); } });
  const shown = el('span', { class: 'muted' });
  const back = el('button', { type: 'button', onclick: () => { page--; draw(); } }, 'Previous');
  const forth = el('button', { type: 'button', onclick: () => { page++; draw(); } }, 'Next');
  const heads = columns.map(column => el('th', { scope: 'col', class: classOf(column) }, column.value
    ? el('button', { type: 'button', onclick: () => sortBy(column) }, column.title)
    : column.title));
  const pager = el('div', { class: 'pager' }, shown, back, forth);
  const finder = search ? el('label', {}, 'Find ', filter) : null;
  const nothing = el('p', { class: 'note muted' }, `${caption}: none`);
  const scroll = el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption },
    el('table', {}, el('caption', {}, caption), el('thead', {}, el('tr', {}, ...heads)), body));
  const element = el('div', {}, el('div', { class: 'bar-of-table' }, finder, pager), scroll, nothing);

  function sortBy(column) {
    const descending = order?.id === column.id ? !order.descending : Boolean(column.number);
    order = { id: column.id, descending };
    page = 0;
    draw();
  }

  function sorted() {
    const wanted = filter.value.trim().toLowerCase();
    const found = wanted ? rows.filter(row => search(row).toLowerCase().includes(wanted)) : [...rows];
    const column = columns.find(known => known.id === order?.id);
    if (column) {
      const sign = order.descending ? -1 : 1;
      found.sort((a, b) => {
        const [one, other] = [column.value(a), column.value(b)];
        const [has, hasOther] = [one !== undefined && one !== null, other !== undefined && other !== null];
        // what is not known comes last, whichever way
        return has && hasOther ? (one < other ? -sign : one > other ? sign : 0) : has ? -1 : hasOther ? 1 : 0;
      });
    }

    return found;
  }

  function draw() {
    columns.forEach((column, i) => {
      if (column.value) {
        heads[i].setAttribute('aria-sort', order?.id !== column.id ? 'none' : order.descending ? 'descending' : 'ascending');
      }
    });
    const found = sorted();
    const pages = Math.max(1, Math.ceil(found.length / pageSize));
    page = Math.min(Math.max(page, 0), pages - 1);
    const part = found.slice(page * pageSize, (page + 1) * pageSize);
    pager.hidden = found.length <= pageSize && !filter.value;
    scroll.hidden = rows.length === 0;
    nothing.hidden = rows.length > 0;
    if (finder) {
      // what is seen at once needs no search
      finder.hidden = rows.length <= 10 && !filter.value;
    }

    setText(shown, found.length === 0 ? 'none' : `${page * pageSize + 1}-${page * pageSize + part.length} of ${found.length}`);
    back.disabled = page === 0;
    forth.disabled = page >= pages - 1;
    keyed(body, part, keyOf, () => el('tr', {}, ...columns.map(column => el('td', { class: classOf(column) }))), (line, row) => {
      line.row = row;
      line.className = rowClass?.(row) ?? '';
      columns.forEach((column, i) => {
        const cell = line.children[i];
        column.update ? column.update(cell, row) : setText(cell, column.text(row));
      });
    });
  }

  return {
    element,
    update(now) {
      rows = now;
      draw();
    },
  };
}

function classOf(column) {
  return ['number', 'wide', 'mono', 'long'].filter(name => column[name]).join(' ') || null;
}

// A button in a cell is made once; what it does is about the row of the moment.
export function button(cell, text, act, props = {}) {
  return el('button', { type: 'button', ...props, onclick: () => act(cell.closest('tr').row) }, text);
}
