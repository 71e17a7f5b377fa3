import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { type ByteSource, seededRandom, utf8 } from '#core/base';
import type { Transport } from '#core/kube';
import {
  type ConnectionConfig,
  type KubectlFiles,
  type KubectlIo,
  runKubectl,
} from '#core/kubectl';
import { WallClock } from './wall-clock.ts';

/** What a run of a command printed. */
export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

export interface RunOptions {
  readonly connect: (config: ConnectionConfig) => Transport;
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly stdin?: string;
  readonly signal?: AbortSignal;
  readonly io?: Partial<KubectlIo>;
}

/** The file system of this computer, as kubectl sees it. */
export const nodeFiles: KubectlFiles = {
  readFile: (path) => new Uint8Array(readFileSync(path)),
  writeFile: (path, bytes, mode) => writeFileSync(path, bytes, mode === undefined ? {} : { mode }),
  mkdir: (path, options) => void mkdirSync(path, options),
  exists: (path) => existsSync(path),
  stat: (path) => ({ kind: statSync(path).isDirectory() ? 'directory' : 'file' }),
  readdir: (path) => readdirSync(path).sort(),
  remove: (path, options) => rmSync(path, options),
};

/** Runs the built-in kubectl and collects what it prints. */
export async function kubectl(argv: readonly string[], options: RunOptions): Promise<Outcome> {
  const out: string[] = [];
  const err: string[] = [];
  const sink = (parts: string[]) => ({
    write: (bytes: Uint8Array) => {
      parts.push(Buffer.from(bytes).toString());
      return Promise.resolve();
    },
    end: () => undefined,
  });
  let given = options.stdin === undefined ? undefined : utf8(options.stdin);
  const stdin: ByteSource = {
    read: () => {
      const bytes = given;
      given = undefined;
      return Promise.resolve(bytes);
    },
  };
  const code = await runKubectl(argv, {
    stdin,
    stdout: sink(out),
    stderr: sink(err),
    env: options.env ?? {},
    cwd: options.cwd ?? '/',
    files: nodeFiles,
    clock: new WallClock(),
    random: seededRandom('kubectl'),
    signal: options.signal ?? new AbortController().signal,
    connect: options.connect,
    ...options.io,
  });
  return { stdout: out.join(''), stderr: err.join(''), code };
}
