import { existsSync, statfsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { DoctorCheck } from '#contract';
import { prepareDataFolder } from '#node/paths';
import { findOnPath, loadPty } from '#node/pty';
import { sqliteVersion } from '#node/sqlite';

export interface DoctorOptions {
  /** Folder of `package.json`. */
  readonly root: string;
  readonly dataFolder: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly platform?: NodeJS.Platform;
}

const neededNodeMajor = 24;
/** Node-API version that the SQLite module needs; with an older one it ends the process. */
const neededNapi = 10;
const neededDiskBytes = 512 * 1024 * 1024;

/** Looks whether this computer has what Kijabi needs; each fault names its mend. Never throws. */
export async function runDoctor(options: DoctorOptions): Promise<readonly DoctorCheck[]> {
  const env = options.env ?? process.env;
  const platform = options.platform ?? process.platform;
  return [
    nodeCheck(),
    sqliteCheck(),
    await ptyCheck(),
    dataFolderCheck(options.dataFolder),
    diskCheck(options.dataFolder),
    await portCheck(),
    buildCheck(options.root),
    browserCheck(env, platform),
    electronCheck(options.root, env, platform),
    kubectlCheck(env),
  ];
}

function nodeCheck(): DoctorCheck {
  const name = 'Node.js';
  const major = Number(process.versions.node.split('.')[0]);
  if (major >= neededNodeMajor) return { name, state: 'ok', detail: process.version };
  return {
    name,
    state: 'broken',
    detail: `${process.version} is older than ${neededNodeMajor}`,
    mend: `install Node.js ${neededNodeMajor}, or start with npm, which brings its own`,
  };
}

function sqliteCheck(): DoctorCheck {
  const name = 'SQLite';
  const mend = 'run "npm ci" with the Node.js that starts Kijabi';
  // Opening a database with an older Node-API would end this process.
  if (Number(process.versions['napi']) < neededNapi)
    return { name, state: 'broken', detail: `Node-API ${process.versions['napi'] ?? '?'}`, mend };
  try {
    return { name, state: 'ok', detail: `SQLite ${sqliteVersion()}` };
  } catch (error) {
    return { name, state: 'broken', detail: textOf(error), mend };
  }
}

async function ptyCheck(): Promise<DoctorCheck> {
  const name = 'Local shell';
  try {
    await loadPty();
    return { name, state: 'ok', detail: 'node-pty' };
  } catch (error) {
    return {
      name,
      state: 'missing',
      detail: textOf(error),
      mend: 'install a C++ compiler, make and python3, then run "npm rebuild node-pty"; everything else works without it',
    };
  }
}

function dataFolderCheck(folder: string): DoctorCheck {
  const name = 'Data folder';
  try {
    return { name, state: 'ok', detail: prepareDataFolder(folder) };
  } catch (error) {
    return {
      name,
      state: 'broken',
      detail: textOf(error),
      mend: 'make the folder writable for your account, or choose another with --data DIR',
    };
  }
}

function diskCheck(folder: string): DoctorCheck {
  const name = 'Disk space';
  try {
    const { bavail, bsize } = statfsSync(existsSync(folder) ? folder : join(folder, '..'));
    const free = bavail * bsize;
    const detail = `${Math.floor(free / 1024 / 1024)} MiB free`;
    if (free >= neededDiskBytes) return { name, state: 'ok', detail };
    return {
      name,
      state: 'broken',
      detail,
      mend: 'free at least 512 MiB on the disk of the data folder',
    };
  } catch (error) {
    return { name, state: 'missing', detail: textOf(error), mend: 'create the data folder' };
  }
}

function portCheck(): Promise<DoctorCheck> {
  const name = 'Local port';
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) =>
      resolve({
        name,
        state: 'broken',
        detail: textOf(error),
        mend: 'allow programs to listen on 127.0.0.1 (firewall, sandbox)',
      }),
    );
    server.listen(0, '127.0.0.1', () =>
      server.close(() => resolve({ name, state: 'ok', detail: '127.0.0.1' })),
    );
  });
}

function buildCheck(root: string): DoctorCheck {
  const name = 'Build';
  const page = join(root, 'out', 'renderer', 'index.html');
  return existsSync(page)
    ? { name, state: 'ok', detail: page }
    : { name, state: 'missing', detail: `${page} is not there`, mend: 'run "npm run build"' };
}

function browserCheck(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): DoctorCheck {
  const name = 'Browser';
  if (platform === 'darwin' || platform === 'win32')
    return { name, state: 'ok', detail: 'opened by the system' };
  const opener = findOnPath('xdg-open', env);
  if (opener !== undefined && (env['DISPLAY'] || env['WAYLAND_DISPLAY']))
    return { name, state: 'ok', detail: opener };
  return {
    name,
    state: 'missing',
    detail: opener === undefined ? 'no xdg-open' : 'no display',
    mend: 'open the printed link yourself, in a browser of this computer or through an SSH tunnel',
  };
}

function electronCheck(
  root: string,
  env: NodeJS.ProcessEnv,
  platform: NodeJS.Platform,
): DoctorCheck {
  const name = 'Electron';
  const folder =
    env['ELECTRON_OVERRIDE_DIST_PATH'] ?? join(root, 'node_modules', 'electron', 'dist');
  const program =
    { darwin: 'Electron.app/Contents/MacOS/Electron', win32: 'electron.exe' }[platform as string] ??
    'electron';
  const binary = join(folder, program);
  return existsSync(binary)
    ? { name, state: 'ok', detail: binary }
    : {
        name,
        state: 'missing',
        detail: 'the desktop window has no program here; the browser shows the same app',
        mend: 'run "node node_modules/electron/install.js" on a machine with a network',
      };
}

function kubectlCheck(env: NodeJS.ProcessEnv): DoctorCheck {
  const name = 'kubectl';
  const found = findOnPath('kubectl', env);
  return found === undefined
    ? {
        name,
        state: 'missing',
        detail: 'not on PATH; the built-in one is used',
        mend: 'none needed; install kubectl to practise with your own in the local shell',
      }
    : { name, state: 'ok', detail: found };
}

const textOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
