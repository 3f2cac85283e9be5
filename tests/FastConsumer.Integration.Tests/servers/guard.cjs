'use strict';
// Runs a program that is not Node's, and kills it when the process that started the guard ends:
// node guard.cjs <program> <argument>...
const { spawn } = require('node:child_process');

const [program, ...args] = process.argv.slice(2);
const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
child.on('error', (error) => {
  console.error(error.message);
  process.exit(127);
});
child.on('exit', (code) => process.exit(code ?? 1));

const end = () => child.kill('SIGKILL');
// a signal to the guard is meant for the program, which ends in its own way
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
process.stdin.on('end', end).on('error', end).resume();
