'use strict';
// Preloaded into a server with `node -r`: it listens on the loopback interface only, on a port the kernel picks
// (so no two servers collide), says which, and ends when the process that started it ends.
const net = require('node:net');

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...args) {
  const asked = typeof args[0] === 'object' && args[0] !== null ? args[0].port : Number(args[0]);
  if (!Number.isInteger(asked)) {
    throw new Error(`loopback.cjs only knows servers that listen on a TCP port, not on ${args[0]}`);
  }
  this.once('listening', () => process.stdout.write(`@listening ${asked} ${this.address().port}\n`));
  return listen.call(this, { host: '127.0.0.1', port: 0 }, args.findLast((arg) => typeof arg === 'function'));
};

// The other end of standard input closes when the starter disposes of us, exits or is killed.
const end = () => process.kill(process.pid, 'SIGKILL');
process.stdin.on('end', end).on('error', end).resume();
process.stdin.unref();
