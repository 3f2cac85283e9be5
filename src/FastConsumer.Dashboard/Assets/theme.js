import { setAttribute, setText } from './dom.js';

const key = 'fastconsumer-theme';
const themes = ['system', 'light', 'dark'];

// Where a browser keeps nothing, the choice lasts as long as the page.
function read() {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(theme) {
  try {
    localStorage.setItem(key, theme);
  } catch {
    return;
  }
}

export function startTheme(button) {
  let theme = themes.includes(read()) ? read() : 'system';
  const apply = () => {
    setAttribute(document.documentElement, 'data-theme', theme === 'system' ? null : theme);
    setText(button, `Theme: ${theme}`);
  };
  button.addEventListener('click', () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    write(theme);
    apply();
  });
  apply();
}
