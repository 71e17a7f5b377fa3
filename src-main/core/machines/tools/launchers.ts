import { sleep as sleepFor, utf8 } from '#core/base';
import { findInPath, parseSignal, SpawnError, type SpawnOptions } from '../process/index.ts';
import { strftime } from '../shell/index.ts';
import { type Tool, tool, ToolError } from './tool.ts';
import { hostName } from './identity.ts';

/** Starts a command the way `env`, `nohup`, `timeout` … do. */
export async function launch(
  self: Tool,
  words: readonly string[],
  options: SpawnOptions = {},
): Promise<number> {
  const failed = async (error: SpawnError): Promise<number> => {
    const text = error.code === 'ENOENT' ? 'No such file or directory' : error.message;
    await self.complain(
      self.name === 'env' || self.name === 'sudo'
        ? `${self.name === 'env' ? `'${words[0] ?? ''}'` : (words[0] ?? '')}: ${self.name === 'sudo' ? 'command not found' : text}`
        : `failed to run command '${words[0] ?? ''}': ${text}`,
    );
    return self.name === 'sudo' ? 1 : error.code === 'ENOENT' ? 127 : 126;
  };
  try {
    return await self.context.process.spawn(words, options).exit;
  } catch (error) {
    if (error instanceof SpawnError) return failed(error);
    throw error;
  }
}

/** `env`. */
export const env = tool(async (self) => {
  let variables: Record<string, string> = { ...self.context.env };
  let at = 0;
  for (; at < self.args.length; at++) {
    const arg = self.args[at] ?? '';
    if (arg === '-i' || arg === '-') variables = {};
    else if (arg === '-u') delete variables[self.args[++at] ?? ''];
    else if (/^[^=]+=/.test(arg))
      variables[arg.slice(0, arg.indexOf('='))] = arg.slice(arg.indexOf('=') + 1);
    else break;
  }
  const words = self.args.slice(at);
  if (words.length > 0) return launch(self, words, { env: variables });
  for (const [name, value] of Object.entries(variables)) await self.out(`${name}=${value}\n`);
  return 0;
});

/** `printenv`. */
export const printenv = tool(async (self) => {
  let status = 0;
  for (const name of self.args.length > 0 ? self.args : Object.keys(self.context.env)) {
    const value = self.context.env[name];
    if (value === undefined) status = 1;
    else await self.out(self.args.length > 0 ? `${value}\n` : `${name}=${value}\n`);
  }
  return status;
});

/** `watch`. */
export const watch = tool(async (self) => {
  const { flags, values, words } = optionsBefore(self.args, ['n']);
  const seconds = Number(values.get('n') ?? 2);
  const command = words.join(' ');
  const { tty, clock } = self.context;
  for (;;) {
    const head = `Every ${seconds.toFixed(1)}s: ${command}`;
    const right = `${hostName(self)}: ${strftime('%a %b %e %H:%M:%S %Y', new Date(clock.now()))}`;
    const width = tty?.columns ?? 80;
    await self.out(
      `\x1b[H\x1b[2J${flags.has('t') ? '' : `${head.slice(0, width - right.length - 1).padEnd(Math.max(0, width - right.length))}${right}\n\n`}`,
    );
    await launch(self, ['sh', '-c', command]);
    await sleepFor(clock, seconds * 1000, self.context.signal);
  }
});

/** Options up to the first word: the rest belongs to another command. */
export function optionsBefore(
  args: readonly string[],
  withValue: readonly string[],
): { flags: Set<string>; values: Map<string, string>; words: readonly string[] } {
  const flags = new Set<string>();
  const values = new Map<string, string>();
  let at = 0;
  for (; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (arg === '--') {
      at++;
      break;
    }
    if (!/^-./.test(arg)) break;
    const [name = '', inline] = arg.startsWith('--')
      ? arg.slice(2).split('=')
      : [arg.slice(1, 2), arg.slice(2) || undefined];
    if (withValue.includes(name)) values.set(name, inline ?? args[++at] ?? '');
    flags.add(name);
  }
  return { flags, values, words: args.slice(at) };
}

/** `timeout`. */
export const timeout = tool(async (self) => {
  const { values, words } = optionsBefore(self.args, ['s', 'k', 'signal', 'kill-after']);
  const [duration = '', ...command] = words;
  const match = /^(\d*\.?\d+)([smhd]?)$/.exec(duration);
  if (!match)
    throw new ToolError(
      `invalid time interval '${duration}'\nTry 'timeout --help' for more information.`,
      125,
    );
  const ms = Number(match[1]) * ({ m: 60, h: 3600, d: 86_400 }[match[2] ?? ''] ?? 1) * 1000;
  const signal = parseSignal(values.get('s') ?? values.get('signal') ?? 'TERM') ?? 'SIGTERM';
  try {
    const child = self.context.process.spawn(command);
    let late = false;
    const timer = self.context.clock.setTimer(ms, () => {
      late = true;
      child.kill(signal);
    });
    const code = await child.exit;
    timer.dispose();
    return late ? (signal === 'SIGKILL' ? 137 : 124) : code;
  } catch (error) {
    if (!(error instanceof SpawnError)) throw error;
    await self.complain(`failed to run command '${command[0] ?? ''}': ${error.message}`);
    return error.code === 'ENOENT' ? 127 : 126;
  }
}, 125);

/** `nohup`. */
export const nohup = tool(async (self) => {
  self.context.process.ignoreSignal?.('SIGHUP', true);
  if (!self.context.tty) return launch(self, self.args);
  await self.context.stderr.write(
    utf8("nohup: ignoring input and appending output to 'nohup.out'\n"),
  );
  const file = self.context.files.open(self.resolve('nohup.out'), {
    write: true,
    create: true,
    append: true,
    mode: 0o600,
  });
  const sink = {
    write: (bytes: Uint8Array): Promise<void> => {
      file.write(bytes);
      return Promise.resolve();
    },
    end: (): void => undefined,
  };
  return launch(self, self.args, {
    stdout: sink,
    stderr: sink,
    stdin: { read: () => Promise.resolve(undefined) },
  });
});

/** `which`. */
export const which = tool(async (self) => {
  let status = 0;
  for (const name of self.args.filter((arg) => arg !== '-a'))
    try {
      await self.out(
        `${name.includes('/') ? name : findInPath(self.context.files, name, { cwd: self.context.cwd, searchPath: self.context.env['PATH'] ?? '/usr/bin:/bin' })}\n`,
      );
    } catch (error) {
      if (!(error instanceof SpawnError)) throw error;
      status = 1;
    }
  return status;
});
