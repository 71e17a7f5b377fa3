import { basename } from '../filesystem/index.ts';
import { parseSignal, type ProcessInfo, signalTable } from '../process/index.ts';
import { strftime } from '../shell/index.ts';
import { parseArgs, tool } from './tool.ts';

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

export const cpuTime = (process: ProcessInfo, nowMs: number): number =>
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

/** `ps`. */
export const ps = tool(async (self) => {
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

/** `kill`. */
export const kill = tool(async (self) => {
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

/** `pgrep`, `pkill`. */
export const pgrep = tool(async (self) => {
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
