import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';

/**
 * A session of commands, and what they printed against a real cluster, masked.
 *
 * A session is text, line by line:
 *
 *     # comment
 *     ns NAME                         makes the namespace, which is the default from here
 *     file NAME                       the lines up to `end` are that file's content
 *     $ COMMAND                       run by bash in a folder of its own; exit code, output and errors count
 *     ~ COMMAND                       run; what comes of it does not count
 *     until SECONDS COMMAND == TEXT   again and again until it prints the text
 *     sorted                          the next command's output in any order of lines
 */
export type Step =
  | { readonly kind: 'file'; readonly name: string; readonly body: string }
  | { readonly kind: 'ns'; readonly name: string }
  | { readonly kind: 'run'; readonly command: string; readonly sorted: boolean }
  | { readonly kind: 'setup'; readonly command: string }
  | {
      readonly kind: 'until';
      readonly seconds: number;
      readonly command: string;
      readonly want: string;
    };

/** What one step came to; a recording is a list of these. */
export interface StepOutcome {
  readonly cmd: string;
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** @throws Error naming the line that is none of the format. */
export function parseSession(text: string): Step[] {
  const steps: Step[] = [];
  const lines = text.split('\n');
  let sorted = false;
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? '';
    if (line.trim() === '' || line.startsWith('#')) continue;
    if (line.startsWith('file ')) {
      const end = lines.indexOf('end', i);
      if (end < 0) throw new Error(`line ${i + 1}: a file without end`);
      const body = `${lines.slice(i + 1, end).join('\n')}\n`;
      steps.push({ kind: 'file', name: line.slice('file '.length).trim(), body });
      i = end;
    } else if (line.startsWith('ns ')) steps.push({ kind: 'ns', name: line.slice(3).trim() });
    else if (line.startsWith('$ ')) {
      steps.push({ kind: 'run', command: line.slice(2), sorted });
      sorted = false;
    } else if (line.startsWith('~ ')) steps.push({ kind: 'setup', command: line.slice(2) });
    else if (line === 'sorted') sorted = true;
    else {
      const [, seconds, command, want] = /^until (\d+) (.*) ==(?: (.*))?$/.exec(line) ?? [];
      if (command === undefined) throw new Error(`line ${i + 1}: what is "${line}"?`);
      steps.push({ kind: 'until', seconds: Number(seconds), command, want: want ?? '' });
    }
  }
  return steps;
}

const random = 'bcdfghjklmnpqrstvwxz2456789';

/** Text without what differs between any two runs: times, ages, uids, versions, addresses and random names. */
export function masked(text: string): string {
  return (
    text
      .replace(/\x1b\[[0-9;]*m/g, '')
      // Before ports: a process may have the number of one.
      .replace(/^[EWIF]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ /gm, '<log> ')
      .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<uid>')
      .replace(/\b[0-9a-f]{64}\b/g, '<id>')
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/g, '<time>')
      .replace(/\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}/g, '<time>')
      .replace(/("?[rR]esource ?Version"?: *)"?\d+"?/g, '$1<rv>')
      .replace(/\b\d{1,3}(\.\d{1,3}){3}(\/\d+)?\b/g, (ip) =>
        ip.startsWith('0.0.0.0') ? ip : '<ip>',
      )
      .replace(/\beyJ[\w-]+\.[\w-]+\.[\w-]+\b/g, '<jwt>')
      .replace(new RegExp(`-[a-f0-9${random}]{8,10}-[${random}]{5}\\b`, 'g'), '-<hash>-<rand>')
      .replace(/(pod-template-hash"?[=:] ?"?)[a-z0-9]+/g, '$1<hash>')
      .replace(
        /(controller-revision-hash"?[=:] ?"?)[\w-]*?[a-z0-9]+("?)(?=[\s,"]|$)/g,
        '$1<hash>$2',
      )
      .replace(new RegExp(`-(?=[${random}]*\\d)[${random}]{8,10}\\b`, 'g'), '-<hash>')
      .replace(new RegExp(`(?<=[a-z0-9]-)[${random}]{5}\\b`, 'g'), '<rand>')
      .replace(/\b3[0-2]\d{3}\b/g, '<nodeport>')
      .replace(
        /(?<![\w.=-])(\d+d)?(\d+h)?(\d+m)?\d+s(?![\w.-])|(?<![\w.=-])\d+m(?![\w.-])|(?<![\w.=-])(\d+y)?(\d+d)?\d+h(\d+m)?(?![\w.-])|(?<![\w.=-])(\d+y)?\d+d(\d+h)?(?![\w.-])|<invalid>/g,
        '<age>',
      )
      .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? [+-]\d{4} UTC/g, '<time>')
      .replace(/ *\(x\d+ over <age>\)/g, '')
      .split('\n')
      .map((line) => line.replace(/[ \t]+/g, ' ').trimEnd())
      .join('\n')
      .trimEnd()
  );
}

/** Runs a session against a cluster. */
export class Session {
  readonly #folder = mkdtempSync(join(tmpdir(), 'kijabi-session-'));
  readonly #env: NodeJS.ProcessEnv;
  readonly #advance: (ms: number) => Promise<void>;

  /**
   * @param options.kubectl path of the kubectl to run.
   * @param options.advance lets time go on in the cluster, for what takes its time.
   */
  constructor(options: {
    readonly kubectl: string;
    readonly kubeconfig: string;
    readonly advance: (ms: number) => Promise<void>;
  }) {
    this.#advance = options.advance;
    for (const name of ['bin', 'work']) mkdirSync(join(this.#folder, name));
    symlinkSync(resolve(options.kubectl), join(this.#folder, 'bin/kubectl'));
    const kubeconfig = join(this.#folder, 'kubeconfig');
    writeFileSync(kubeconfig, readFileSync(options.kubeconfig), { mode: 0o600 });
    this.#env = {
      ...process.env,
      PATH: join(this.#folder, 'bin') + delimiter + (process.env['PATH'] ?? ''),
      KUBECONFIG: kubeconfig,
      HOME: this.#folder,
      LANG: 'C.UTF-8',
      KUBE_EDITOR: 'true',
      COLUMNS: '200',
    };
  }

  /** @returns undefined for steps whose outcome does not count. */
  async run(step: Step): Promise<StepOutcome | undefined> {
    switch (step.kind) {
      case 'file':
        writeFileSync(join(this.#folder, 'work', step.name), step.body);
        return undefined;
      case 'ns': {
        await this.shell(
          `kubectl create namespace ${step.name} && kubectl config set-context --current --namespace=${step.name}`,
        );
        await this.#until(20, 'kubectl get serviceaccount default -o name', (out) => out !== '');
        return undefined;
      }
      case 'setup':
        await this.shell(step.command);
        return undefined;
      case 'until': {
        const met = await this.#until(step.seconds, step.command, (out) => out === step.want);
        return {
          cmd: `until ${step.command} == ${step.want}`,
          code: met ? 0 : 1,
          stdout: met ? masked(step.want) : 'timed out',
          stderr: '',
        };
      }
      case 'run': {
        const { code, stdout, stderr } = await this.shell(step.command);
        const shown = (text: string): string => {
          const plain = masked(text.replaceAll(this.#folder, '<dir>'));
          return step.sorted ? plain.split('\n').sort().join('\n') : plain;
        };
        return { cmd: step.command, code, stdout: shown(stdout), stderr: shown(stderr) };
      }
    }
  }

  shell(command: string): Promise<{ code: number; stdout: string; stderr: string }> {
    return new Promise((done) => {
      const child = spawn('bash', ['-c', command], {
        cwd: join(this.#folder, 'work'),
        env: this.#env,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()));
      child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
      child.on('close', (code) => done({ code: code ?? -1, stdout, stderr }));
    });
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Simulated time goes on by half a second with each look. */
  async #until(seconds: number, command: string, met: (out: string) => boolean): Promise<boolean> {
    for (let elapsed = 0; elapsed <= seconds; elapsed += 0.5) {
      if (met((await this.shell(command)).stdout.trim())) return true;
      await this.#advance(500);
    }
    return false;
  }
}
