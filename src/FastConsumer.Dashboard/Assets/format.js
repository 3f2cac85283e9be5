export const none = '-';

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });

export const isKnown = value => value !== undefined && value !== null;

export function duration(seconds) {
  if (!isKnown(seconds)) {
    return none;
  }

  return seconds < 10 ? `${tenth.format(seconds)} s`
    : seconds < 120 ? `${whole.format(seconds)} s`
    : seconds < 7200 ? `${whole.format(seconds / 60)} min`
    : seconds < 172800 ? `${tenth.format(seconds / 3600)} h`
    : `${tenth.format(seconds / 86400)} d`;
}

export function number(value) {
  return !isKnown(value) ? none : Math.abs(value) < 100 ? tenth.format(value) : whole.format(value);
}

export function bytes(value) {
  if (!isKnown(value)) {
    return none;
  }

  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }

  return `${tenth.format(value)} ${units[unit]}`;
}

export function percent(part) {
  if (!isKnown(part)) {
    return none;
  }

  return part > 0 && part < 0.001 ? '< 0.1 %' : `${part < 0.1 ? tenth.format(part * 100) : whole.format(part * 100)} %`;
}

export function time(text) {
  if (!text) {
    return none;
  }

  const date = new Date(text);
  const clock = date.toLocaleTimeString('en-GB');
  return date.toDateString() === new Date().toDateString() ? clock : `${date.toLocaleDateString('en-GB')} ${clock}`;
}

export function ratio(part, all) {
  return isKnown(part) && all > 0 ? part / all : null;
}

// The words for the part of its time that a shard waits for its handler.
export function pressure(part) {
  return !isKnown(part) ? none : part <= 0.1 ? 'OK' : part <= 0.5 ? 'LOW' : 'HIGH';
}

export const words = {
  NoLease: 'no lease', WaitsForParents: 'waits for parents', Free: 'free', Held: 'read', HandedOver: 'handed over',
  Retrying: 'retrying', Stopped: 'stopped', Paused: 'paused', Finished: 'finished', Unreadable: 'unreadable row',
};

export const tones = {
  Held: 'good', Retrying: 'warn', Stopped: 'bad', Paused: 'warn', Free: 'warn', Unreadable: 'bad', NoLease: 'warn', HandedOver: 'info',
};

export const states = ['idle', 'reading', 'quota', 'refused', 'budget', 'handling', 'retrying', 'stopped', 'paused'];

const palette = new Map();

// The same colour for a worker on all pages, as long as there are colours.
export function ownerClass(owner) {
  if (!owner) {
    return 'o-none';
  }

  if (!palette.has(owner)) {
    palette.set(owner, palette.size % 10);
  }

  return `o-${palette.get(owner)}`;
}
