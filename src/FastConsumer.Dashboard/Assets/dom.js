// Elements are made by code, and text comes in as text: nothing that was said elsewhere is ever read as HTML.

export function el(tag, props = {}, ...children) {
  return fill(document.createElement(tag), props, children);
}

export function svg(tag, props = {}, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', tag), props, children);
}

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) {
      continue;
    }

    if (name.startsWith('on')) {
      node.addEventListener(name.slice(2), value);
    } else {
      node.setAttribute(name, value === true ? '' : String(value));
    }
  }

  node.append(...children.filter(child => child !== null && child !== undefined));
  return node;
}

export function setText(node, value) {
  const text = value ?? '';
  if (node.textContent !== text) {
    node.textContent = text;
  }
}

export function setAttribute(node, name, value) {
  if (value === null || value === undefined) {
    node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) {
    node.setAttribute(name, String(value));
  }
}

// Elements of items that stay are kept, so that focus and selection stay too.
export function keyed(parent, items, keyOf, create, update) {
  const keys = new Set(items.map(item => String(keyOf(item))));
  const former = new Map();
  for (const child of [...parent.children]) {
    if (keys.has(child.dataset.key)) {
      former.set(child.dataset.key, child);
    } else {
      child.remove();
    }
  }

  let place = parent.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    let child = former.get(key);
    if (!child) {
      child = create(item);
      child.dataset.key = key;
    }

    if (child === place) {
      place = place.nextElementSibling;
    } else {
      parent.insertBefore(child, place);
    }

    update(child, item);
  }
}
