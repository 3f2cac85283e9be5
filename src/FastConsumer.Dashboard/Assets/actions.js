import { el, setText } from './dom.js';

// Asks for name and reason, then for the action itself. What the page shows is what is sent: nothing happens by a link.
export function ask(context, { title, text, request, danger = true, until = false }) {
  const dialog = document.getElementById('dialog');
  const signedIn = context.session.user;
  const by = el('input', { type: 'text', required: true, autocomplete: 'name', maxlength: context.session.longestBy });
  const reason = el('input', { type: 'text', required: true, maxlength: context.session.longestReason });
  const end = el('input', { type: 'number', min: 1, max: 100000, step: 1 });
  const error = el('p', { role: 'alert' });
  const cancel = el('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel');
  const confirm = el('button', { type: 'submit', class: danger ? 'danger' : null }, title);
  const form = el('form', {},
    el('h2', { id: 'dialog-title' }, title),
    el('p', {}, text),
    signedIn ? el('p', {}, `You are ${signedIn}.`) : el('label', {}, 'Your name', by),
    el('label', {}, 'Reason', reason),
    until ? el('label', {}, 'Ends by itself after so many minutes (empty: never)', end) : null,
    error,
    el('div', { class: 'buttons' }, cancel, confirm));
  form.addEventListener('submit', async event => {
    event.preventDefault();
    confirm.disabled = true;
    setText(error, 'This takes up to half a minute.');
    const minutes = Number(end.value);
    const answer = await send({
      consumer: context.consumer.name,
      processor: context.worker.processor,
      ...request,
      by: by.value || null,
      reason: reason.value,
      until: minutes > 0 ? new Date(Date.now() + minutes * 60000).toISOString() : null,
    });
    confirm.disabled = false;
    if (answer.isDone) {
      dialog.close();
      context.say(answer.message);
    } else {
      setText(error, answer.message);
    }
  });
  const former = document.activeElement;
  dialog.onclose = () => former?.focus?.();
  dialog.replaceChildren(form);
  dialog.showModal();
  (signedIn ? reason : by).focus();
}

async function send(request) {
  try {
    const answer = await fetch('./api/actions', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-FastConsumer-Action': '1' },
      body: JSON.stringify(request),
    });
    return answer.headers.get('Content-Type')?.startsWith('application/json')
      ? await answer.json()
      : { isDone: false, message: await answer.text() || `The server answered ${answer.status}.` };
  } catch (error) {
    return { isDone: false, message: `There was no answer, and it is not known what became of it: ${error.message}` };
  }
}
