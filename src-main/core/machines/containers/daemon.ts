import { utf8 } from '#core/base';
import type { Program } from '../process/index.ts';
import type { ContainerRuntime } from './runtime.ts';

/**
 * `/usr/bin/containerd`: while it runs the runtime answers at its socket; containers do not care. Exits with 1 when
 * its configuration file cannot be read.
 */
export function containerdProgram(runtime: ContainerRuntime): Program {
  return async (context) => {
    const line = async (level: string, message: string): Promise<void> => {
      const time = new Date(context.clock.now()).toISOString().replace('Z', '000000Z');
      await context.stderr.write(
        utf8(`time="${time}" level=${level} msg=${JSON.stringify(message)}\n`),
      );
    };
    if (context.argv[1] === '--version' || context.argv[1] === '-v') {
      await context.stdout.write(
        utf8('containerd github.com/containerd/containerd/v2 v2.2.9 5a0e8a0\n'),
      );
      return 0;
    }
    const flag = context.argv.findIndex((word) => word === '--config' || word === '-c');
    const path = flag > 0 ? (context.argv[flag + 1] ?? '') : '/etc/containerd/config.toml';
    const text = context.files.exists(path) ? context.files.readText(path) : '';
    const bad = badLine(text);
    if (bad !== undefined) {
      await context.stderr.write(
        utf8(`containerd: failed to load TOML: ${path}: toml: line ${bad.line}: ${bad.reason}\n`),
      );
      return 1;
    }
    await line('info', 'starting containerd');
    context.files.mkdir('/run/containerd', { recursive: true });
    context.files.writeFile(runtime.socketPath, '', 0o660);
    runtime.up = true;
    await line('info', `serving... address=${runtime.socketPath}`);
    await line('info', 'containerd successfully booted in 0.043241s');
    return new Promise<number>((resolve) => {
      const down = (): void => {
        runtime.up = false;
        resolve(0);
      };
      for (const signal of ['SIGTERM', 'SIGINT'] as const)
        context.process.onSignal(signal, () => {
          context.files.remove(runtime.socketPath, { force: true });
          down();
        });
      context.signal.addEventListener('abort', down, { once: true });
    });
  };
}

/** The first line of a TOML file that is no table, no assignment and no part of an array. */
function badLine(text: string): { line: number; reason: string } | undefined {
  let depth = 0;
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.replace(/(^|\s)#.*$/, '').trim();
    if (line === '') continue;
    const opened = (line.match(/\[/g)?.length ?? 0) - (line.match(/\]/g)?.length ?? 0);
    const plain =
      /^\[\[?[^[\]]+\]?\]$/.test(line) || /^[\w."'-]+(\s*\.\s*[\w."'-]+)*\s*=\s*\S/.test(line);
    if (depth === 0 && !plain)
      return { line: index + 1, reason: `expected '.' or '=', but got '\\n' instead` };
    depth = Math.max(0, depth + (/^\[/.test(line) && depth === 0 ? 0 : opened));
  }
  return undefined;
}
