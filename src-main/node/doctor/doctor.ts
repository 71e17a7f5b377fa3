import { existsSync, statfsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Bilingual, DoctorCheck } from '#contract';
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
  const name = same('Node.js');
  const major = Number(process.versions.node.split('.')[0]);
  if (major >= neededNodeMajor) return { name, state: 'ok', detail: same(process.version) };
  return {
    name,
    state: 'broken',
    detail: {
      ko: `${process.version}은(는) ${neededNodeMajor}보다 낮습니다`,
      en: `${process.version} is older than ${neededNodeMajor}`,
    },
    mend: {
      ko: `Node.js ${neededNodeMajor}을 설치하거나, 알맞은 버전을 함께 가져오는 npm으로 시작하세요`,
      en: `install Node.js ${neededNodeMajor}, or start with npm, which brings its own`,
    },
  };
}

function sqliteCheck(): DoctorCheck {
  const name = same('SQLite');
  const mend = {
    ko: '키잡이를 시작하는 Node.js로 "npm ci"를 실행하세요',
    en: 'run "npm ci" with the Node.js that starts Kijabi',
  };
  // Opening a database with an older Node-API would end this process.
  if (Number(process.versions['napi']) < neededNapi)
    return {
      name,
      state: 'broken',
      detail: same(`Node-API ${process.versions['napi'] ?? '?'}`),
      mend,
    };
  try {
    return { name, state: 'ok', detail: same(`SQLite ${sqliteVersion()}`) };
  } catch (error) {
    return { name, state: 'broken', detail: messageOf(error), mend };
  }
}

async function ptyCheck(): Promise<DoctorCheck> {
  const name = { ko: '로컬 셸', en: 'Local shell' };
  try {
    await loadPty();
    return { name, state: 'ok', detail: same('node-pty') };
  } catch (error) {
    return {
      name,
      state: 'missing',
      detail: messageOf(error),
      mend: {
        ko: 'C++ 컴파일러, make, python3을 설치한 다음 "npm ci"를 실행하세요. 나머지는 이것 없이도 동작합니다',
        en: 'install a C++ compiler, make and python3, then run "npm ci"; everything else works without it',
      },
    };
  }
}

function dataFolderCheck(folder: string): DoctorCheck {
  const name = { ko: '데이터 폴더', en: 'Data folder' };
  try {
    return { name, state: 'ok', detail: same(prepareDataFolder(folder)) };
  } catch (error) {
    return {
      name,
      state: 'broken',
      detail: messageOf(error),
      mend: {
        ko: '이 계정이 쓸 수 있는 폴더로 만들거나, --data DIR로 다른 폴더를 고르세요',
        en: 'make the folder writable for your account, or choose another with --data DIR',
      },
    };
  }
}

function diskCheck(folder: string): DoctorCheck {
  const name = { ko: '디스크 공간', en: 'Disk space' };
  try {
    const { bavail, bsize } = statfsSync(existsSync(folder) ? folder : join(folder, '..'));
    const free = bavail * bsize;
    const freeMiB = Math.floor(free / 1024 / 1024);
    const detail = { ko: `${freeMiB} MiB 남음`, en: `${freeMiB} MiB free` };
    if (free >= neededDiskBytes) return { name, state: 'ok', detail };
    return {
      name,
      state: 'broken',
      detail,
      mend: {
        ko: '데이터 폴더가 있는 디스크에 512 MiB 이상 비우세요',
        en: 'free at least 512 MiB on the disk of the data folder',
      },
    };
  } catch (error) {
    return {
      name,
      state: 'missing',
      detail: messageOf(error),
      mend: { ko: '데이터 폴더를 만드세요', en: 'create the data folder' },
    };
  }
}

function portCheck(): Promise<DoctorCheck> {
  const name = { ko: '로컬 포트', en: 'Local port' };
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) =>
      resolve({
        name,
        state: 'broken',
        detail: messageOf(error),
        mend: {
          ko: '프로그램이 127.0.0.1에서 접속을 받을 수 있게 허용하세요(방화벽, 샌드박스)',
          en: 'allow programs to listen on 127.0.0.1 (firewall, sandbox)',
        },
      }),
    );
    server.listen(0, '127.0.0.1', () =>
      server.close(() => resolve({ name, state: 'ok', detail: same('127.0.0.1') })),
    );
  });
}

function buildCheck(root: string): DoctorCheck {
  const name = { ko: '빌드', en: 'Build' };
  const page = join(root, 'out', 'renderer', 'index.html');
  return existsSync(page)
    ? { name, state: 'ok', detail: same(page) }
    : {
        name,
        state: 'missing',
        detail: { ko: `${page} 파일이 없습니다`, en: `${page} is not there` },
        mend: { ko: '"npm run build"를 실행하세요', en: 'run "npm run build"' },
      };
}

function browserCheck(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): DoctorCheck {
  const name = { ko: '브라우저', en: 'Browser' };
  if (platform === 'darwin' || platform === 'win32')
    return {
      name,
      state: 'ok',
      detail: { ko: '시스템이 엽니다', en: 'opened by the system' },
    };
  const opener = findOnPath('xdg-open', env);
  if (opener !== undefined && (env['DISPLAY'] || env['WAYLAND_DISPLAY']))
    return { name, state: 'ok', detail: same(opener) };
  return {
    name,
    state: 'missing',
    detail:
      opener === undefined
        ? { ko: 'xdg-open이 없습니다', en: 'no xdg-open' }
        : { ko: '디스플레이가 없습니다', en: 'no display' },
    mend: {
      ko: '출력된 링크를 이 컴퓨터의 브라우저나 SSH 터널을 통해 직접 여세요',
      en: 'open the printed link yourself, in a browser of this computer or through an SSH tunnel',
    },
  };
}

function electronCheck(
  root: string,
  env: NodeJS.ProcessEnv,
  platform: NodeJS.Platform,
): DoctorCheck {
  const name = same('Electron');
  const folder =
    env['ELECTRON_OVERRIDE_DIST_PATH'] ?? join(root, 'node_modules', 'electron', 'dist');
  const program =
    { darwin: 'Electron.app/Contents/MacOS/Electron', win32: 'electron.exe' }[platform as string] ??
    'electron';
  const binary = join(folder, program);
  return existsSync(binary)
    ? { name, state: 'ok', detail: same(binary) }
    : {
        name,
        state: 'missing',
        detail: {
          ko: '데스크톱 창을 여는 프로그램이 없습니다. 브라우저에서 같은 앱을 쓸 수 있습니다',
          en: 'the desktop window has no program here; the browser shows the same app',
        },
        mend: {
          ko: '네트워크가 되는 곳에서 "node node_modules/electron/install.js"를 실행하세요',
          en: 'run "node node_modules/electron/install.js" on a machine with a network',
        },
      };
}

function kubectlCheck(env: NodeJS.ProcessEnv): DoctorCheck {
  const name = same('kubectl');
  const found = findOnPath('kubectl', env);
  return found === undefined
    ? {
        name,
        state: 'missing',
        detail: {
          ko: 'PATH에 없습니다. 내장된 것을 씁니다',
          en: 'not on PATH; the built-in one is used',
        },
        mend: {
          ko: '그대로 두어도 됩니다. 로컬 셸에서 자신의 kubectl로 연습하려면 설치하세요',
          en: 'none needed; install kubectl to practise with your own in the local shell',
        },
      }
    : { name, state: 'ok', detail: same(found) };
}

/** Names, paths and versions read the same everywhere. */
const same = (text: string): Bilingual => ({ ko: text, en: text });

const messageOf = (error: unknown): Bilingual =>
  same((error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '');
