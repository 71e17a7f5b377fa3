import { execFile, spawn } from 'node:child_process';
import type { IPty } from 'node-pty';
import { loadPty } from '#node/pty';
import { cliProgram } from './web-host.ts';

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly stdin?: string | Buffer;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** What tests see does not depend on the language of the machine they run on. */
const environment = (env: RunOptions['env']): NodeJS.ProcessEnv => ({
  ...process.env,
  LC_ALL: 'C',
  KUBECONFIG: '',
  ...env,
});

/** Runs a program of the build to its end. */
export function run(
  program: string,
  args: readonly string[],
  { stdin = '', cwd, env }: RunOptions = {},
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [program, ...args],
      { env: environment(env), maxBuffer: 64 * 1024 * 1024, ...(cwd === undefined ? {} : { cwd }) },
      (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    );
    // A program that does not read its input closes it.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(stdin);
  });
}

/** A program that runs, and what it has written so far. */
export interface Running {
  readonly output: () => string;
  /** Resolves when the output since the last call matches. @throws Error it did not within ten seconds, or ended. */
  until(pattern: RegExp): Promise<string>;
  type(text: string): void;
  readonly exit: Promise<number>;
}

/** Starts the command line without a terminal; its input stays open. */
export function start(
  args: readonly string[],
): Running & { signal(signal: NodeJS.Signals): void; endInput(): void } {
  const child = spawn(process.execPath, [cliProgram, ...args], { env: environment({}) });
  const reader = new OutputReader();
  child.stdout.on('data', (data: Buffer) => reader.add(data.toString()));
  child.stderr.on('data', (data: Buffer) => reader.add(data.toString()));
  return {
    ...reader.view(),
    type: (text) => void child.stdin.write(text),
    endInput: () => void child.stdin.end(),
    signal: (signal) => void child.kill(signal),
    exit: new Promise((resolve) => child.once('exit', (code) => resolve(code ?? -1))),
  };
}

/** Starts the command line on a terminal of its own, as a person has it. */
export async function startOnTerminal(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Running & { resize(columns: number, rows: number): void }> {
  const { spawn: spawnOnPty } = await loadPty();
  const pty: IPty = spawnOnPty(process.execPath, [cliProgram, ...args], {
    name: 'xterm-256color',
    cols: 80,
    rows: 24,
    env: environment(env),
  });
  const reader = new OutputReader();
  pty.onData((data) => reader.add(data));
  return {
    ...reader.view(),
    type: (text) => pty.write(text),
    resize: (columns, rows) => pty.resize(columns, rows),
    exit: new Promise((resolve) =>
      pty.onExit(({ exitCode, signal }) => resolve(signal ? 128 + signal : exitCode)),
    ),
  };
}

const patienceMs = 15_000;

class OutputReader {
  #text = '';
  #seen = 0;
  #waiting: (() => void) | undefined;

  add(text: string): void {
    this.#text += text;
    this.#waiting?.();
  }

  view(): Pick<Running, 'output' | 'until'> {
    return { output: () => this.#text, until: (pattern) => this.#until(pattern) };
  }

  #until(pattern: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${pattern} did not come: ${this.#text.slice(this.#seen)}`)),
        patienceMs,
      );
      const look = (): void => {
        const match = pattern.exec(this.#text.slice(this.#seen));
        if (!match) return;
        clearTimeout(timer);
        this.#waiting = undefined;
        this.#seen += match.index + match[0].length;
        resolve(match[0]);
      };
      this.#waiting = look;
      look();
    });
  }
}
