import { sleep as sleepFor, utf8 } from '#core/base';
import { basename, dirname, FileError } from '../filesystem/index.ts';
import { SpawnError } from '../process/index.ts';
import { formatPrintf, strftime } from '../shell/index.ts';
import { parseArgs, tool, ToolError } from './tool.ts';
import { parseDate } from './dates.ts';
import { hostname, id, uname, whoami } from './identity.ts';
import { env, nohup, printenv, timeout, watch, which } from './launchers.ts';
import { free, top, uptime } from './load.ts';
import { kill, pgrep, ps } from './processes.ts';
import { su, sudo } from './superuser.ts';

const date = tool(async (self) => {
  const { flags, values, words } = parseArgs(self.args, 'uR', ['d', 'I', 'r'], {
    utc: 'u',
    date: 'd',
    'iso-8601': 'I',
    'rfc-3339': 'I',
    reference: 'r',
  });
  const text = values.get('d');
  let ms = self.context.clock.now();
  const reference = values.get('r');
  if (reference !== undefined) ms = self.context.files.stat(self.resolve(reference)).modifiedMs;
  if (text !== undefined) {
    const parsed = parseDate(text, ms);
    if (parsed === undefined) throw new ToolError(`invalid date '${text}'`);
    ms = parsed;
  }
  const format = words.find((word) => word.startsWith('+'))?.slice(1);
  const iso = values.get('I');
  await self.out(
    `${strftime(
      format ??
        (flags.has('R')
          ? '%a, %d %b %Y %H:%M:%S %z'
          : flags.has('I')
            ? iso?.startsWith('s')
              ? '%Y-%m-%dT%H:%M:%S%:z'
              : '%Y-%m-%d'
            : '%a %b %e %H:%M:%S %Z %Y'),
      new Date(ms),
    )}\n`,
  );
  return 0;
});

const sleep = tool(async (self) => {
  if (self.args.length === 0)
    throw new ToolError("missing operand\nTry 'sleep --help' for more information.");
  let ms = 0;
  for (const arg of self.args) {
    const match = /^(\d*\.?\d+|inf(?:inity)?)([smhd]?)$/.exec(arg);
    if (!match)
      throw new ToolError(
        `invalid time interval '${arg}'\nTry 'sleep --help' for more information.`,
      );
    ms += match[1]?.startsWith('inf')
      ? Infinity
      : Number(match[1]) * ({ m: 60, h: 3600, d: 86_400 }[match[2] ?? ''] ?? 1) * 1000;
  }
  if (ms === Infinity) return new Promise<number>(() => undefined);
  await sleepFor(self.context.clock, ms, self.context.signal);
  return 0;
});

const echo = tool(async (self) => {
  const plain = self.args[0] === '-n' || self.args[0] === '-e' ? self.args.slice(1) : self.args;
  const text =
    self.args[0] === '-e' ? formatPrintf('%b', [plain.join(' ')], 0).text : plain.join(' ');
  await self.out(self.args[0] === '-n' ? text : `${text}\n`);
  return 0;
});

const printf = tool(async (self) => {
  const [format, ...values] = self.args;
  if (format === undefined) throw new ToolError('missing operand');
  const { text, errors } = formatPrintf(format, values, self.context.clock.now());
  await self.out(text);
  for (const error of errors) await self.complain(`'${error}`);
  return errors.length > 0 ? 1 : 0;
});

const sysctl = tool(async (self) => {
  const { files } = self.context;
  const path = (name: string): string => `/proc/sys/${name.replace(/[./]/g, '/')}`;
  const write = self.args.includes('-w');
  const quiet = self.args.includes('-n');
  if (self.args.includes('--system') || self.args.includes('-p')) {
    const named = self.args.filter((arg) => !arg.startsWith('-'));
    const list = self.args.includes('-p')
      ? named.length > 0
        ? named
        : ['/etc/sysctl.conf']
      : [
          ...(files.exists('/etc/sysctl.d')
            ? files
                .readdir('/etc/sysctl.d')
                .filter((name) => name.endsWith('.conf'))
                .map((name) => `/etc/sysctl.d/${name}`)
            : []),
          ...(files.exists('/etc/sysctl.conf') ? ['/etc/sysctl.conf'] : []),
        ];
    const settings: [string, string][] = [];
    for (const name of list) {
      if (self.args.includes('--system')) await self.out(`* Applying ${name} ...\n`);
      for (const line of files.readText(self.resolve(name)).split('\n')) {
        const match = /^\s*([^#;\s=]+)\s*=\s*(.*?)\s*$/.exec(line);
        if (match) settings.push([match[1] ?? '', match[2] ?? '']);
      }
    }
    for (const [name, value] of settings) await set(name, value);
    return 0;
  }
  async function set(name: string, value: string): Promise<number> {
    if (!files.exists(path(name))) {
      await self.complain(`cannot stat ${path(name)}: No such file or directory`);
      return 255;
    }
    files.writeFile(path(name), `${value}\n`);
    await self.out(`${name} = ${value}\n`);
    return 0;
  }
  let status = 0;
  for (const word of self.args.filter((arg) => !arg.startsWith('-'))) {
    const [name = '', value] = word.split('=');
    if (value !== undefined || write) status = await set(name, value ?? '');
    else if (!files.exists(path(name))) {
      await self.complain(`cannot stat ${path(name)}: No such file or directory`);
      status = 255;
    } else
      await self.out(
        quiet ? files.readText(path(name)) : `${name} = ${files.readText(path(name))}`,
      );
  }
  return status;
});

const mount = tool(async (self) => {
  if (self.args.length > 0 && self.args[0] !== '-t' && self.args[0] !== '-l')
    throw new ToolError(`${self.args.at(-1) ?? ''}: permission denied.`, 32);
  const type = self.args[0] === '-t' ? self.args[1] : undefined;
  for (const line of self.context.files.readText('/proc/mounts').split('\n').filter(Boolean)) {
    const [source, at, kind, options] = line.split(' ');
    if (type === undefined || type === kind)
      await self.out(`${source ?? ''} on ${at ?? ''} type ${kind ?? ''} (${options ?? ''})\n`);
  }
  return 0;
});

const editor = tool(async (self) => {
  const { terminal } = self.context.process;
  const line = self.args.find((arg) => /^\+\d+$/.test(arg));
  const name = self.args.filter((arg) => !/^[-+]/.test(arg)).at(-1);
  if (!terminal?.edit) {
    await self.complain(
      'no editor is attached to this terminal; write the file with cat, sed or a heredoc',
    );
    return 1;
  }
  if (name === undefined) throw new ToolError('name a file to edit');
  const path = self.resolve(name);
  if (self.context.files.exists(path) && self.context.files.stat(path).kind === 'directory')
    throw new ToolError(`"${name}" is a directory`);
  await terminal.edit({
    name,
    path,
    files: self.context.files,
    editor: self.name === 'nano' ? 'nano' : 'vim',
    readOnly: self.name === 'view',
    ...(line === undefined ? {} : { line: Number(line.slice(1)) }),
  });
  return 0;
});

const pathTool = (act: (path: string, args: readonly string[]) => string) =>
  tool(async (self) => {
    const [path, ...rest] = self.args.filter((arg) => arg !== '-a' && arg !== '-s' && arg !== '--');
    if (path === undefined)
      throw new ToolError(`missing operand\nTry '${self.name} --help' for more information.`);
    await self.out(`${act(path, rest)}\n`);
    return 0;
  });

const test = tool(async (self) => {
  try {
    const words = self.name === '[' ? ['[', ...self.args] : ['test', ...self.args];
    return await self.context.process.spawn(['sh', '-c', '"$@"', 'sh', ...words]).exit;
  } catch (error) {
    if (error instanceof SpawnError || error instanceof FileError) return 2;
    throw error;
  }
});

export const systemTools = {
  date,
  sleep,
  env,
  printenv,
  id,
  whoami,
  hostname,
  uname,
  ps,
  kill,
  pgrep,
  pkill: pgrep,
  free,
  uptime,
  top,
  watch,
  timeout,
  nohup,
  which,
  echo,
  printf,
  sudo,
  su,
  sysctl,
  mount,
  vi: editor,
  vim: editor,
  nano: editor,
  view: editor,
  test,
  '[': test,
  dirname: pathTool((path) => dirname(path)),
  basename: pathTool((path, [suffix = '']) => {
    const name = basename(path);
    return suffix !== '' && name !== suffix && name.endsWith(suffix)
      ? name.slice(0, -suffix.length)
      : name;
  }),
  true: tool(() => 0),
  false: tool(() => 1),
  yes: tool(async (self) => {
    const line = utf8(`${self.args.length > 0 ? self.args.join(' ') : 'y'}\n`.repeat(512));
    for (;;) {
      await self.bytes(line);
      // A pipe that is read at once would never let anything else run.
      await sleepFor(self.context.clock, 0, self.context.signal);
    }
  }),
  clear: tool(async (self) => {
    await self.out('\x1b[H\x1b[2J\x1b[3J');
    return 0;
  }),
  tty: tool(async (self) => {
    await self.out(
      self.context.process.terminal?.name === undefined
        ? 'not a tty\n'
        : `/dev/${self.context.process.terminal.name}\n`,
    );
    return self.context.process.terminal ? 0 : 1;
  }),
  nproc: tool(async (self) => {
    await self.out(
      `${(self.context.files.readText('/proc/cpuinfo').match(/^processor/gm) ?? ['']).length}\n`,
    );
    return 0;
  }),
  sync: tool(() => 0),
};
