import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import type * as NodePty from 'node-pty';
import type { LocalShell } from '#core/app';

export interface LocalShellSettings {
  /** Folder with our `kubectl`, put on PATH where the computer has none. */
  readonly kubectlFolder?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** The computer's own shell on a pseudo-terminal. @throws when the native module cannot be loaded. */
export async function createLocalShell(settings: LocalShellSettings = {}): Promise<LocalShell> {
  const pty = await loadPty();
  const env = settings.env ?? process.env;
  return {
    open: ({ columns, rows, kubeconfig, onData, onExit }) => {
      const process = pty.spawn(shellOf(env), [], {
        name: 'xterm-256color',
        cols: columns,
        rows,
        cwd: homedir(),
        env: shellEnvironment(env, kubeconfig, settings.kubectlFolder),
        // Bytes: a character that is cut in two by a read must not be spoilt.
        encoding: null,
      });
      let ended = false;
      process.onData((data: string | Uint8Array) =>
        onData(typeof data === 'string' ? Buffer.from(data) : data),
      );
      process.onExit(({ exitCode, signal }) => {
        ended = true;
        onExit(signal ? 128 + signal : exitCode);
      });
      return {
        write: (bytes) => {
          if (!ended) process.write(Buffer.from(bytes));
        },
        resize: (wide, high) => {
          if (!ended) process.resize(wide, high);
        },
        kill: () => {
          if (!ended) process.kill();
        },
      };
    },
  };
}

/** The native module; a prebuilt or compiled binary may be missing. */
export async function loadPty(): Promise<typeof NodePty> {
  return import('node-pty');
}

/** A terminal's environment: KUBECONFIG of its cluster, and a `kubectl` for those who have none. */
export function shellEnvironment(
  env: NodeJS.ProcessEnv,
  kubeconfig: string,
  kubectlFolder: string | undefined,
): Record<string, string> {
  const copy: Record<string, string> = {};
  for (const [name, value] of Object.entries(env))
    // What an Electron or npm parent set for itself would change how tools in the shell behave.
    if (value !== undefined && !/^(ELECTRON_|npm_|NODE_OPTIONS$|NODE_COMPILE_CACHE$)/.test(name))
      copy[name] = value;
  const path = copy['PATH'] ?? '';
  return {
    ...copy,
    TERM: 'xterm-256color',
    COLORTERM: 'truecolor',
    KUBECONFIG: kubeconfig,
    ...(kubectlFolder !== undefined && findOnPath('kubectl', env) === undefined
      ? { PATH: `${path}${delimiter}${kubectlFolder}` }
      : {}),
  };
}

function shellOf(env: NodeJS.ProcessEnv): string {
  if (process.platform === 'win32') return env['ComSpec'] ?? 'powershell.exe';
  return env['SHELL'] || '/bin/sh';
}

/** Full path of a program that a shell would find. */
export function findOnPath(program: string, env: NodeJS.ProcessEnv): string | undefined {
  const suffixes = process.platform === 'win32' ? ['.exe', '.cmd', ''] : [''];
  for (const folder of (env['PATH'] ?? '').split(delimiter))
    for (const suffix of suffixes) {
      if (folder === '') continue;
      const file = join(folder, program + suffix);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        // Not in this folder.
      }
    }
  return undefined;
}
