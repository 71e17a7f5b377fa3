import { sleep as sleepFor } from '#core/base';
import { basename } from '../filesystem/index.ts';
import { strftime } from '../shell/index.ts';
import { parseArgs, type Tool, tool } from './tool.ts';
import { cpuTime } from './processes.ts';

function meminfo(self: Tool): (name: string) => number {
  const text = self.context.files.readText('/proc/meminfo');
  return (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
}

/** `free`. */
export const free = tool(async (self) => {
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

/** `uptime`. */
export const uptime = tool(async (self) => {
  await self.out(` ${uptimeText(self)}\n`);
  return 0;
});

/** `top`. */
export const top = tool(async (self) => {
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
