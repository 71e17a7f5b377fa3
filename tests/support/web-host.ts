import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const root = resolve(import.meta.dirname, '../..');

/** Programs of the build; `npm test` builds them first. */
export const webProgram = join(root, 'out', 'main', 'web.js');
export const cliProgram = join(root, 'out', 'main', 'cli.js');

export interface WebHost {
  readonly launchUrl: string;
  readonly dataFolder: string;
  /** What it has written to its standard error. */
  readonly errors: () => string;
  /** Ends it as Ctrl-C does and removes its folder. @returns its exit code. */
  stop(): Promise<number | null>;
  /** Ends it as a power cut does: no goodbye, and its folder stays. */
  kill(): Promise<void>;
}

/**
 * Starts the web host of the build and waits for its link. Without `dataFolder`, in a folder of its own;
 * `program` may be that of another copy of the build.
 */
export async function startWebHost(
  args: readonly string[] = [],
  dataFolder = mkdtempSync(join(tmpdir(), 'kijabi-e2e-')),
  program = webProgram,
): Promise<WebHost> {
  if (!existsSync(program)) throw new Error(`${program} is missing: run "npm run build"`);
  const child: ChildProcess = spawn(process.execPath, [program, '--data', dataFolder, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr?.on('data', (data: Buffer) => (errors += data.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const launchUrl = await new Promise<string>((resolve, reject) => {
    if (child.stdout)
      createInterface({ input: child.stdout }).on('line', (line) => {
        const link = /http:\/\/127\.0\.0\.1:\d+\/\?token=[0-9a-f]{64}/.exec(line)?.[0];
        if (link !== undefined) resolve(link);
      });
    void ended.then((code) => reject(new Error(`the host ended with code ${code}: ${errors}`)));
  });
  return {
    launchUrl,
    dataFolder,
    errors: () => errors,
    stop: async () => {
      child.kill('SIGINT');
      const code = await ended;
      if (dataFolder.startsWith(join(tmpdir(), 'kijabi-e2e-')))
        rmSync(dataFolder, { recursive: true, force: true });
      return code;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
