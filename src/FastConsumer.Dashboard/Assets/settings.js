import { el } from './dom.js';

export function settingsPage(context) {
  const element = el('div', { class: 'columns' });
  context.settings().then(settings => element.replaceChildren(...settings.groups.map(group => el('section', {},
    el('h2', {}, group.title),
    el('dl', { class: 'pairs' }, ...group.settings.flatMap(setting => [el('dt', {}, setting.name), el('dd', {}, setting.value)]))))))
    .catch(error => context.say(`The settings could not be read: ${error.message}`, true));
  return { element };
}
