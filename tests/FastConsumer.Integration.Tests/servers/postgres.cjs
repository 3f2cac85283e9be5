'use strict';
// Runs a PostgreSQL of its own, in a temporary folder, on a free loopback port, until standard input ends:
// POSTGRES_PASSWORD=<of the superuser postgres> node postgres.cjs <the npm package's folder> [<setting>=<value>...] [standby]
// It says "@listening 5432 <port>" once it answers. Whoever started it closes standard input by ending, in whatever way.
const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');

const NOBODY = 65534;
const MAX_ATTEMPTS = 10;
const STOP_TIMEOUT = 5000;

// PostgreSQL refuses to run as root
const isRoot = process.getuid() === 0;
const asOther = isRoot ? [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : [];
const [packageFolder, ...rest] = process.argv.slice(2);
const settings = rest.filter((setting) => setting !== 'standby');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fastconsumer-postgres-'));
const data = path.join(folder, 'data');
let server = null;
let ending = false;

// a SIGKILL of this process must not leave PostgreSQL behind either, hence --pdeathsig
const setpriv = (program, args) => ['setpriv', [...asOther, '--pdeathsig=QUIT', program, ...args]];

const remove = () => fs.rmSync(folder, { recursive: true, force: true });

const fail = (message) => {
  console.error(message);
  remove();
  process.exit(1);
};

const end = () => {
  if (ending) return;
  ending = true;
  if (server === null) {
    remove();
    process.exit(1);
  }
  server.kill('SIGQUIT');
  setTimeout(() => server.kill('SIGKILL'), STOP_TIMEOUT).unref();
};

const run = (program, args) => {
  const { status, error, stdout, stderr } = spawnSync(...setpriv(program, args), { cwd: folder, encoding: 'utf8' });
  if (error) fail(`setpriv (Debian's package util-linux) could not be started: ${error.message}`);
  return { status, output: `${stdout}${stderr}` };
};

// below a home folder of root's nobody else can read the programs: they are copied
const programs = () => {
  const native = path.join(packageFolder, 'native');
  if (!isRoot || run(path.join(native, 'bin', 'postgres'), ['--version']).status === 0) return native;
  const copy = path.join(folder, 'native');
  fs.cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  return copy;
};

const freePort = () => new Promise((resolve, reject) => {
  const listener = net.createServer().on('error', reject).listen({ host: '127.0.0.1', port: 0 }, () => {
    const { port } = listener.address();
    listener.close(() => resolve(port));
  });
});

// true: it has run and ended; false: the port was taken
const serve = (bin, port) => new Promise((resolve) => {
  let log = '';
  let ready = false;
  const args = ['-D', data, '-h', '127.0.0.1', '-p', `${port}`, '-k', ''];
  for (const setting of ['fsync=off', 'shared_buffers=16MB', ...settings]) args.push('-c', setting);
  server = spawn(...setpriv(path.join(bin, 'postgres'), args), { cwd: folder, stdio: ['ignore', 'inherit', 'pipe'] });
  server.on('error', (error) => fail(`setpriv (Debian's package util-linux) could not be started: ${error.message}`));
  server.stderr.setEncoding('utf8').on('data', (text) => {
    process.stderr.write(text);
    if (ready) return;
    log += text;
    if (/ready to accept (read-only )?connections/.test(log)) {
      ready = true;
      process.stdout.write(`@listening 5432 ${port}\n`);
    }
  });
  server.on('exit', (code) => {
    server = null;
    if (!ready && !ending && log.includes('Address already in use')) resolve(false);
    else {
      remove();
      process.exit(code ?? 1);
    }
  });
});

const main = async () => {
  fs.chmodSync(folder, 0o755);
  fs.mkdirSync(data);
  const password = path.join(folder, 'password');
  fs.writeFileSync(password, process.env.POSTGRES_PASSWORD, { mode: 0o600 });
  if (isRoot) {
    fs.chownSync(data, NOBODY, NOBODY);
    fs.chownSync(password, NOBODY, NOBODY);
  }
  const bin = path.join(programs(), 'bin');
  const created = run(
    path.join(bin, 'initdb'),
    ['-D', data, '-U', 'postgres', `--pwfile=${password}`, '--auth=scram-sha-256', '-E', 'UTF8', '--locale=C', '--no-sync']);
  if (created.status !== 0) fail(`initdb ended with ${created.status}:\n${created.output}`);
  fs.rmSync(password);
  // it takes no writes, and waits for a primary that never comes
  if (rest.includes('standby')) fs.writeFileSync(path.join(data, 'standby.signal'), '');
  for (let attempt = 1; attempt <= MAX_ATTEMPTS && !ending; attempt++) await serve(bin, await freePort());
  fail(`No free port was found in ${MAX_ATTEMPTS} tries.`);
};

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, end);
process.stdin.on('end', end).on('error', end).resume();
main().catch((error) => fail(error.stack));
