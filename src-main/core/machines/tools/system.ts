import { sleep as sleepFor, utf8 } from '#core/base';
import { basename, dirname, FileError } from '../filesystem/index.ts';
import {
  findInPath,
  findUser,
  groupName,
  parseSignal,
  type ProcessInfo,
  readGroups,
  readPasswd,
  rootUser,
  signalTable,
  SpawnError,
  type SpawnOptions,
  type User,
} from '../process/index.ts';
import { formatPrintf, strftime } from '../shell/index.ts';
import { parseArgs, type Tool, tool, ToolError } from './tool.ts';
import { parseDate } from './dates.ts';

/** Starts a command the way `env`, `nohup`, `timeout` … do. */
async function launch(
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

const env = tool(async (self) => {
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

const printenv = tool(async (self) => {
  let status = 0;
  for (const name of self.args.length > 0 ? self.args : Object.keys(self.context.env)) {
    const value = self.context.env[name];
    if (value === undefined) status = 1;
    else await self.out(self.args.length > 0 ? `${value}\n` : `${name}=${value}\n`);
  }
  return status;
});

const id = tool(async (self) => {
  const { flags, words } = parseArgs(self.args, 'ugGn');
  const { files } = self.context;
  const user = words[0] === undefined ? self.context.user : findUser(files, words[0]);
  if (!user) throw new ToolError(`'${words[0] ?? ''}': no such user`);
  const name = (gid: number): string => groupName(files, gid) ?? String(gid);
  const groups = [...new Set([user.gid, ...user.groups])];
  if (flags.has('u')) await self.out(`${flags.has('n') ? user.name : user.uid}\n`);
  else if (flags.has('g')) await self.out(`${flags.has('n') ? name(user.gid) : user.gid}\n`);
  else if (flags.has('G'))
    await self.out(`${groups.map((gid) => (flags.has('n') ? name(gid) : gid)).join(' ')}\n`);
  else {
    const shown = (number: number, text: string | undefined): string =>
      text === undefined ? String(number) : `${number}(${text})`;
    const userName = readPasswd(files).find((entry) => entry.uid === user.uid)?.name;
    await self.out(
      `uid=${shown(user.uid, userName)} gid=${shown(user.gid, groupName(files, user.gid))} groups=${groups.map((gid) => shown(gid, groupName(files, gid))).join(',')}\n`,
    );
  }
  return 0;
});

const whoami = tool(async (self) => {
  const entry = readPasswd(self.context.files).find((user) => user.uid === self.context.user.uid);
  if (!entry)
    throw new ToolError(
      `cannot find name for user ID ${self.context.user.uid}: No such file or directory`,
    );
  await self.out(`${entry.name}\n`);
  return 0;
});

function hostName(self: Tool): string {
  const { files } = self.context;
  for (const path of ['/proc/sys/kernel/hostname', '/etc/hostname'])
    if (files.exists(path)) return files.readText(path).trim();
  return 'localhost';
}

const hostname = tool(async (self) => {
  const [flag] = self.args;
  await self.out(
    flag === '-I' || flag === '-i'
      ? `${self.context.net.addresses.filter((address) => !address.startsWith('127.')).join(' ')}${flag === '-I' ? ' ' : ''}\n`
      : `${flag === '-s' ? hostName(self).replace(/\..*/, '') : hostName(self)}\n`,
  );
  return 0;
});

const uname = tool(async (self) => {
  const { flags } = parseArgs(self.args, 'asnrvmpio', [], {
    all: 'a',
    'kernel-release': 'r',
    machine: 'm',
  });
  const { files } = self.context;
  const release = files.exists('/proc/sys/kernel/osrelease')
    ? files.readText('/proc/sys/kernel/osrelease').trim()
    : '6.8.0';
  const fields: [string, string][] = [
    ['s', 'Linux'],
    ['n', hostName(self)],
    ['r', release],
    ['v', '#1 SMP PREEMPT_DYNAMIC'],
    ['m', 'x86_64'],
    ['p', 'x86_64'],
    ['i', 'x86_64'],
    ['o', 'GNU/Linux'],
  ];
  const shown = fields.filter(
    ([letter]) => flags.has('a') || flags.has(letter) || (flags.size === 0 && letter === 's'),
  );
  await self.out(`${shown.map(([, text]) => text).join(' ')}\n`);
  return 0;
});

function elapsed(ms: number, style: 'time' | 'etime'): string {
  const seconds = Math.floor(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  if (style === 'time')
    return `${two(hours)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  const days = Math.floor(hours / 24);
  return `${days > 0 ? `${days}-` : ''}${hours > 0 ? `${two(hours % 24)}:` : ''}${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

function started(process: ProcessInfo, nowMs: number): string {
  return strftime(
    nowMs - process.startedMs < 86_400_000 ? '%H:%M' : '%b%d',
    new Date(process.startedMs),
  );
}

const cpuTime = (process: ProcessInfo, nowMs: number): number =>
  ((nowMs - process.startedMs) * process.cpuMilli) / 1000;

/** The columns of `ps -o`, by name. */
function psColumn(name: string, process: ProcessInfo, nowMs: number, totalBytes: number): string {
  const command = process.argv.join(' ');
  switch (name) {
    case 'pid':
      return String(process.pid);
    case 'ppid':
      return String(process.parentPid);
    case 'pgid':
      return String(process.group ?? process.pid);
    case 'sid':
      return String(process.session ?? process.pid);
    case 'user':
    case 'uid':
    case 'euser':
      return name === 'uid'
        ? String(process.uid ?? 0)
        : process.user.length > 8
          ? `${process.user.slice(0, 7)}+`
          : process.user;
    case 'tty':
    case 'tt':
      return process.terminal ?? '?';
    case 'stat':
    case 's':
    case 'state':
      return `${process.state ?? 'S'}${name === 'stat' && process.session === process.pid ? 's' : ''}`;
    case 'time':
      return elapsed(cpuTime(process, nowMs), 'time');
    case 'etime':
      return elapsed(nowMs - process.startedMs, 'etime');
    case '%cpu':
    case 'pcpu':
      return (process.cpuMilli / 10).toFixed(1);
    case '%mem':
    case 'pmem':
      return ((process.memoryBytes / totalBytes) * 100).toFixed(1);
    case 'rss':
      return String(Math.round(process.memoryBytes / 1024));
    case 'vsz':
      return String(Math.round((process.memoryBytes * 3) / 1024));
    case 'comm':
    case 'ucmd':
      return basename(process.argv[0] ?? '').slice(0, 15);
    case 'start':
    case 'stime':
      return started(process, nowMs);
    case 'cgroup':
      return `0::${process.cgroup ?? '/'}`;
    default:
      return command;
  }
}

const ps = tool(async (self) => {
  const { clock } = self.context;
  const now = clock.now();
  const text = self.args.join(' ');
  const output = /(?:-o|--format[= ]?)\s*(\S+)/.exec(text)?.[1];
  const bsd = /^[a-zA-Z]+$/.test(self.args[0] ?? '') ? (self.args[0] ?? '') : '';
  const every = /(^|\s)-\w*[eA]/.test(text) || bsd.includes('a') || bsd.includes('x');
  const pids = /(?:-p|--pid)[ =]?([\d,]+)/.exec(text)?.[1]?.split(',').map(Number);
  const byName = /-C\s*(\S+)/.exec(text)?.[1];
  let shown = self.context.process.list();
  if (pids) shown = shown.filter((process) => pids.includes(process.pid));
  else if (byName !== undefined)
    shown = shown.filter((process) => basename(process.argv[0] ?? '') === byName);
  else if (!every)
    shown = shown.filter(
      (process) =>
        process.terminal !== undefined && process.terminal === self.context.process.terminal?.name,
    );
  const { files } = self.context;
  const total = files.exists('/proc/meminfo')
    ? Number(/MemTotal:\s+(\d+)/.exec(files.readText('/proc/meminfo'))?.[1] ?? 1) * 1024
    : 1;
  type Column = readonly [name: string, title: string, width: number, right: boolean];
  const titles: Readonly<Record<string, string>> = {
    args: 'COMMAND',
    cmd: 'CMD',
    command: 'COMMAND',
    comm: 'COMMAND',
    pcpu: '%CPU',
    pmem: '%MEM',
    etime: 'ELAPSED',
    stime: 'STIME',
    tty: 'TT',
    euser: 'EUSER',
  };
  const columns: Column[] =
    output !== undefined
      ? output.split(',').map((name) => {
          const [key = '', title] = name.split('=');
          return [
            key,
            title ?? titles[key] ?? key.toUpperCase(),
            0,
            /^(p?pid|pgid|sid|rss|vsz|%|pcpu|pmem|etime|time|uid)/.test(key),
          ];
        })
      : bsd.includes('u')
        ? [
            ['user', 'USER', 8, false],
            ['pid', 'PID', 7, true],
            ['%cpu', '%CPU', 4, true],
            ['%mem', '%MEM', 4, true],
            ['vsz', 'VSZ', 6, true],
            ['rss', 'RSS', 5, true],
            ['tty', 'TTY', 8, false],
            ['stat', 'STAT', 4, false],
            ['start', 'START', 5, true],
            ['cputime', 'TIME', 6, true],
            ['args', 'COMMAND', 0, false],
          ]
        : /(^|\s)-\w*f/.test(text)
          ? [
              ['user', 'UID', 8, false],
              ['pid', 'PID', 7, true],
              ['ppid', 'PPID', 7, true],
              ['c', 'C', 2, true],
              ['stime', 'STIME', 5, false],
              ['tty', 'TTY', 8, false],
              ['time', 'TIME', 8, true],
              ['args', 'CMD', 0, false],
            ]
          : bsd !== ''
            ? [
                ['pid', 'PID', 7, true],
                ['tty', 'TTY', 8, false],
                ['stat', 'STAT', 4, false],
                ['cputime', 'TIME', 6, true],
                ['args', 'COMMAND', 0, false],
              ]
            : [
                ['pid', 'PID', 7, true],
                ['tty', 'TTY', 8, false],
                ['time', 'TIME', 8, true],
                ['comm', 'CMD', 0, false],
              ];
  const value = (name: string, process: ProcessInfo): string => {
    if (name === 'c') return String(Math.floor(process.cpuMilli / 10));
    if (name === 'cputime') {
      const seconds = Math.floor(cpuTime(process, now) / 1000);
      return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    }
    return psColumn(name, process, now, total);
  };
  const rows = [
    columns.map(([, title]) => title),
    ...shown.map((process) => columns.map(([name]) => value(name, process))),
  ];
  const header =
    !/--no-headers?|(^|\s)h(\s|$)/.test(text) && columns.some(([, title]) => title !== '');
  const widths = columns.map(([, , width], index) =>
    Math.max(
      width,
      output === undefined ? width : Math.max(...rows.map((row) => row[index]?.length ?? 0)),
    ),
  );
  for (const row of header ? rows : rows.slice(1))
    await self.out(
      `${row
        .map((cell, index) =>
          index === row.length - 1 && !columns[index]?.[3]
            ? cell
            : columns[index]?.[3]
              ? cell.padStart(widths[index] ?? 0)
              : cell.padEnd(widths[index] ?? 0),
        )
        .join(' ')
        .trimEnd()}\n`,
    );
  return pids && shown.length === 0 ? 1 : 0;
});

const kill = tool(async (self) => {
  let signal = parseSignal('TERM');
  let words = [...self.args];
  const [first = ''] = words;
  if (first === '-l') {
    await self.out(
      `${signalTable()
        .map(([, name]) => name.slice(3))
        .join(' ')}\n`,
    );
    return 0;
  }
  if (first === '-s') {
    signal = parseSignal(words[1] ?? '');
    words = words.slice(2);
  } else if (/^-\w+$/.test(first) && words.length > 1) {
    signal = parseSignal(first.slice(1));
    words = words.slice(1);
  }
  let status = 0;
  for (const word of words.filter((one) => one !== '--')) {
    const pid = Number(word);
    const alive =
      first === '-0'
        ? self.context.process.list().some((process) => process.pid === pid)
        : signal !== undefined && self.context.process.kill(pid, signal);
    if (alive) continue;
    await self.complain(`(${word}): No such process`);
    status = 1;
  }
  return status;
});

const pgrep = tool(async (self) => {
  const signalText =
    self.name === 'pkill' ? self.args.find((arg) => /^-(\d+|[A-Z]{3,})$/.test(arg)) : undefined;
  const { flags, values, words } = parseArgs(
    self.args.filter((arg) => arg !== signalText),
    'flaxcnovie',
    ['u', 'P', 'd'],
    { full: 'f', 'list-name': 'l', signal: 's' },
  );
  const pattern = new RegExp(
    flags.has('x') ? `^(?:${words[0] ?? ''})$` : (words[0] ?? ''),
    flags.has('i') ? 'i' : '',
  );
  const found = self.context.process.list().filter((process) => {
    if (process.pid === self.context.process.pid) return false;
    const user = values.get('u');
    if (user !== undefined && process.user !== user && String(process.uid) !== user) return false;
    return pattern.test(
      flags.has('f') ? process.argv.join(' ') : basename(process.argv[0] ?? '').slice(0, 15),
    );
  });
  if (self.name === 'pkill') {
    const signal = parseSignal(signalText?.slice(1) ?? 'TERM') ?? 'SIGTERM';
    for (const process of found) self.context.process.kill(process.pid, signal);
  } else if (flags.has('c')) await self.out(`${found.length}\n`);
  else
    for (const process of found)
      await self.out(
        `${process.pid}${flags.has('a') ? ` ${process.argv.join(' ')}` : flags.has('l') ? ` ${basename(process.argv[0] ?? '')}` : ''}\n`,
      );
  return found.length > 0 ? 0 : 1;
});

function meminfo(self: Tool): (name: string) => number {
  const text = self.context.files.readText('/proc/meminfo');
  return (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
}

const free = tool(async (self) => {
  const { flags } = parseArgs(self.args, 'hmgkbtw');
  const value = meminfo(self);
  const total = value('MemTotal');
  const cache = value('Buffers') + value('Cached');
  const show = (kib: number): string => {
    if (flags.has('m')) return String(Math.floor(kib / 1024));
    if (flags.has('g')) return String(Math.floor(kib / 1_048_576));
    if (flags.has('b')) return String(kib * 1024);
    if (!flags.has('h')) return String(kib);
    if (kib === 0) return '0B';
    const units = ['Ki', 'Mi', 'Gi', 'Ti'];
    let size = kib;
    let unit = 0;
    while (size >= 1024 && unit < 3) {
      size /= 1024;
      unit++;
    }
    return `${size < 10 ? size.toFixed(1) : Math.floor(size)}${units[unit] ?? ''}`;
  };
  const row = (name: string, cells: readonly string[]): string =>
    `${name.padEnd(8)}${cells.map((cell) => cell.padStart(11)).join(' ')}\n`;
  await self.out(
    row('', ['total', 'used', 'free', 'shared', 'buff/cache', 'available']).replace(
      /^ {8}/,
      '        ',
    ),
  );
  await self.out(
    row(
      'Mem:',
      [
        total,
        total - value('MemFree') - cache,
        value('MemFree'),
        0,
        cache,
        value('MemAvailable'),
      ].map(show),
    ),
  );
  await self.out(row('Swap:', [0, 0, 0].map(show)));
  return 0;
});

function uptimeText(self: Tool): string {
  const { files, clock } = self.context;
  const seconds = Number(files.readText('/proc/uptime').split(' ')[0]);
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor(seconds / 3600) % 24;
  const minutes = Math.floor(seconds / 60) % 60;
  const up = `${days > 0 ? `${days} day${days === 1 ? '' : 's'}, ` : ''}${hours > 0 ? `${String(hours).padStart(2)}:${String(minutes).padStart(2, '0')}` : `${minutes} min`}`;
  const load = files.readText('/proc/loadavg').split(' ').slice(0, 3).join(', ');
  const users = new Set(self.context.process.list().flatMap((process) => process.terminal ?? []))
    .size;
  return `${strftime('%H:%M:%S', new Date(clock.now()))} up ${up},  ${users} user${users === 1 ? '' : 's'},  load average: ${load}`;
}

const uptime = tool(async (self) => {
  await self.out(` ${uptimeText(self)}\n`);
  return 0;
});

const top = tool(async (self) => {
  const { values } = parseArgs(self.args, 'bicHS', ['n', 'd', 'p', 'o', 'u']);
  const rounds = Number(
    values.get('n') ??
      (self.args.some((arg) => /^-\w*b/.test(arg)) ? Infinity : self.context.tty ? Infinity : 1),
  );
  const delayMs = Number(values.get('d') ?? 3) * 1000;
  for (let round = 0; round < rounds; round++) {
    if (round > 0) await sleepFor(self.context.clock, delayMs, self.context.signal);
    const value = meminfo(self);
    const mib = (kib: number): string => (kib / 1024).toFixed(1).padStart(8);
    const processes = [...self.context.process.list()].sort(
      (a, b) => b.cpuMilli - a.cpuMilli || a.pid - b.pid,
    );
    const now = self.context.clock.now();
    const running = processes.filter((process) => process.state === 'R').length;
    const cpus = (self.context.files.readText('/proc/cpuinfo').match(/^processor/gm) ?? [''])
      .length;
    const used = Math.min(
      100,
      processes.reduce((sum, process) => sum + process.cpuMilli, 0) / cpus / 10,
    );
    await self.out(
      `${self.context.tty ? '\x1b[H\x1b[2J' : round > 0 ? '\n' : ''}top - ${uptimeText(self)}\n` +
        `Tasks: ${String(processes.length).padStart(3)} total, ${String(running).padStart(3)} running, ${String(processes.length - running).padStart(3)} sleeping,   0 stopped,   0 zombie\n` +
        `%Cpu(s): ${used.toFixed(1).padStart(4)} us,  0.0 sy,  0.0 ni, ${(100 - used).toFixed(1).padStart(4)} id,  0.0 wa,  0.0 hi,  0.0 si,  0.0 st \n` +
        `MiB Mem : ${mib(value('MemTotal'))} total, ${mib(value('MemFree'))} free, ${mib(value('MemTotal') - value('MemFree') - value('Cached') - value('Buffers'))} used, ${mib(value('Cached') + value('Buffers'))} buff/cache     \n` +
        `MiB Swap: ${mib(0)} total, ${mib(0)} free, ${mib(0)} used. ${mib(value('MemAvailable'))} avail Mem \n\n` +
        '    PID USER      PR  NI    VIRT    RES    SHR S  %CPU  %MEM     TIME+ COMMAND\n',
    );
    const rows = self.context.tty
      ? processes.slice(0, Math.max(1, self.context.tty.rows - 8))
      : processes;
    for (const process of rows) {
      const kib = Math.round(process.memoryBytes / 1024);
      const time = cpuTime(process, now) / 1000;
      await self.out(
        `${String(process.pid).padStart(7)} ${process.user.slice(0, 8).padEnd(8)}  20   0 ${String(kib * 3).padStart(7)} ${String(kib).padStart(6)} ${String(Math.round(kib * 0.4)).padStart(6)} ${process.state ?? 'S'} ${(process.cpuMilli / 10).toFixed(1).padStart(5)} ${((kib / value('MemTotal')) * 100).toFixed(1).padStart(5)} ${`${Math.floor(time / 60)}:${(time % 60).toFixed(2).padStart(5, '0')}`.padStart(9)} ${basename(process.argv[0] ?? '')}\n`,
      );
    }
  }
  return 0;
});

const watch = tool(async (self) => {
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
function optionsBefore(
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

const timeout = tool(async (self) => {
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

const nohup = tool(async (self) => {
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
    write: (bytes: Uint8Array): Promise<void> => Promise.resolve(file.write(bytes)),
    end: (): void => undefined,
  };
  return launch(self, self.args, {
    stdout: sink,
    stderr: sink,
    stdin: { read: () => Promise.resolve(undefined) },
  });
});

const which = tool(async (self) => {
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

/** Asks for a password only where a terminal could answer; every account of a lab machine is open to root. */
async function becomeUser(
  self: Tool,
  user: User,
  words: readonly string[],
  login: boolean,
): Promise<number> {
  const entry = readPasswd(self.context.files).find((one) => one.name === user.name);
  const shell = entry?.shell ?? '/bin/sh';
  const base: Record<string, string> = {
    HOME: user.home,
    SHELL: shell,
    USER: user.name,
    LOGNAME: user.name,
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ...(self.context.env['TERM'] === undefined ? {} : { TERM: self.context.env['TERM'] }),
    ...(self.context.env['LANG'] === undefined ? {} : { LANG: self.context.env['LANG'] }),
  };
  if (words.length === 0)
    return launch(self, [shell], {
      user,
      env: login ? base : { ...self.context.env, ...base },
      ...(login ? { cwd: user.home, name: `-${basename(shell)}` } : {}),
    });
  return launch(self, words, {
    user,
    env: { ...(login ? {} : self.context.env), ...base },
    ...(login ? { cwd: user.home } : {}),
  });
}

function mayBecomeRoot(self: Tool): boolean {
  const { user, files } = self.context;
  if (user.uid === 0) return true;
  const gids = new Set(
    readGroups(files)
      .filter((group) => group.name === 'sudo' || group.name === 'wheel')
      .map((group) => group.gid),
  );
  return user.groups.some((gid) => gids.has(gid));
}

const sudo = tool(async (self) => {
  const { flags, values, words } = optionsBefore(self.args, ['u', 'g', 'user']);
  if (!mayBecomeRoot(self)) {
    await self.context.stderr.write(
      utf8(
        `${self.context.user.name} is not in the sudoers file.\nThis incident has been reported to the administrator.\n`,
      ),
    );
    return 1;
  }
  const name = values.get('u') ?? values.get('user') ?? 'root';
  const user = findUser(self.context.files, name) ?? (name === 'root' ? rootUser : undefined);
  if (!user)
    throw new ToolError(
      `unknown user ${name}\nsudo: error initializing audit plugin sudoers_audit`,
    );
  const variables = words.filter(
    (word, index) =>
      /^\w+=/.test(word) && words.slice(0, index).every((before) => /^\w+=/.test(before)),
  );
  const command = words.slice(variables.length);
  if (command.length === 0 && !flags.has('i') && !flags.has('s')) {
    if (flags.has('l') || flags.has('v') || flags.has('k') || flags.has('n')) return 0;
    await self.context.stderr.write(
      utf8(
        'usage: sudo -h | -K | -k | -V\nusage: sudo [-ABbEHnPS] [-g group] [-h host] [-p prompt] [-u user] [VAR=value] [-i | -s] [command [arg ...]]\n',
      ),
    );
    return 1;
  }
  const all = variables.length > 0 ? ['env', ...variables, ...command] : command;
  if (flags.has('i') && all.length > 0)
    return becomeUser(self, user, ['bash', '-lc', all.join(' ')], true);
  if (flags.has('E'))
    return launch(self, all.length > 0 ? all : ['bash'], {
      user,
      env: {
        ...self.context.env,
        HOME: user.home,
        USER: user.name,
        LOGNAME: user.name,
        SUDO_USER: self.context.user.name,
      },
    });
  return becomeUser(self, user, all, flags.has('i'));
});

const su = tool(async (self) => {
  const login =
    self.args.includes('-') || self.args.includes('-l') || self.args.includes('--login');
  const at = self.args.indexOf('-c');
  const command = at >= 0 ? self.args[at + 1] : undefined;
  const name =
    self.args.find((arg, index) => !arg.startsWith('-') && (at < 0 || index !== at + 1)) ?? 'root';
  const user = findUser(self.context.files, name);
  if (!user)
    throw new ToolError(
      `user ${name} does not exist or the user entry does not contain all the required fields`,
    );
  if (self.context.user.uid !== 0 && self.context.user.uid !== user.uid) {
    await self.context.stderr.write(utf8('Password: \n'));
    throw new ToolError('Authentication failure');
  }
  return becomeUser(self, user, command === undefined ? [] : ['bash', '-c', command], login);
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
