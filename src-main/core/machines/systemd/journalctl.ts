import type { JournalLine } from '../machine/types.ts';
import type { Program } from '../process/index.ts';
import { parseArgs, type Tool, tool } from '../tools/index.ts';
import type { SystemManager } from './manager.ts';
import { shortLine } from './systemctl.ts';

/** journalctl(1): `-u -n -f -e -x -r -b -k --since --until --no-pager -o short|cat|json -g`. */
export function journalctlProgram(manager: SystemManager): Program {
  return tool(async (self) => {
    const args = self.args.flatMap((arg, index) =>
      arg === '-n' && !/^(\d+|all)$/.test(self.args[index + 1] ?? '') ? ['-n10'] : [arg],
    );
    const { flags, values } = parseArgs(
      args,
      'fexrbkaqm',
      ['u', 'n', 'o', 'S', 'U', 'p', 'g', 't'],
      {
        unit: 'u',
        lines: 'n',
        follow: 'f',
        'pager-end': 'e',
        catalog: 'x',
        reverse: 'r',
        boot: 'b',
        dmesg: 'k',
        since: 'S',
        until: 'U',
        'no-pager': 'q',
        output: 'o',
        priority: 'p',
        grep: 'g',
        identifier: 't',
        'no-hostname': 'm',
        quiet: 'q',
        full: 'a',
        all: 'a',
      },
    );
    const unit = values.get('u');
    const since = time(values.get('S'), self);
    const until = time(values.get('U'), self);
    const pattern = values.get('g');
    const regex =
      pattern === undefined ? undefined : new RegExp(pattern, /[A-Z]/.test(pattern) ? '' : 'i');
    const wanted = (line: JournalLine): boolean =>
      (unit === undefined || line.unit === manager.fullName(unit)) &&
      (since === undefined || line.timeMs >= since) &&
      (until === undefined || line.timeMs <= until) &&
      (values.get('t') === undefined || line.identifier === values.get('t')) &&
      (regex?.test(line.message) ?? true);
    const host = self.context.files.exists('/etc/hostname')
      ? self.context.files.readText('/etc/hostname').trim()
      : 'localhost';
    const format = (line: JournalLine): string => {
      switch (values.get('o')) {
        case 'cat':
          return `${line.message}\n`;
        case 'json':
          return `${JSON.stringify({ __REALTIME_TIMESTAMP: String(line.timeMs * 1000), _HOSTNAME: host, SYSLOG_IDENTIFIER: line.identifier, _PID: String(line.pid), _SYSTEMD_UNIT: line.unit, MESSAGE: line.message })}\n`;
        default:
          return `${shortLine(line, host)}\n`;
      }
    };
    let lines = flags.has('k') ? [] : manager.journal().filter(wanted);
    const count = values.get('n') ?? (flags.has('f') ? '10' : undefined);
    if (count !== undefined && count !== 'all') lines = lines.slice(-Number(count));
    if (flags.has('r')) lines = [...lines].reverse();
    if (lines.length === 0 && !flags.has('f')) await self.out('-- No entries --\n');
    await self.out(lines.map(format).join(''));
    if (!flags.has('f')) return 0;
    const fresh: JournalLine[] = [];
    let wake: () => void = () => undefined;
    const watching = manager.journalStore.onLine((line) => {
      if (!wanted(line)) return;
      fresh.push(line);
      wake();
    });
    const { signal } = self.context;
    signal.addEventListener(
      'abort',
      () => {
        watching.dispose();
        wake();
      },
      { once: true },
    );
    while (!signal.aborted) {
      if (fresh.length > 0) await self.out(fresh.splice(0).map(format).join(''));
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
    return 0;
  });
}

/** `-5m`, `10 min ago`, `today`, `2026-01-01 10:00:00` as ms since the epoch. */
function time(text: string | undefined, self: Tool): number | undefined {
  if (text === undefined) return undefined;
  const now = self.context.clock.now();
  if (text === 'now') return now;
  if (text === 'today') return Math.floor(now / 86_400_000) * 86_400_000;
  if (text === 'yesterday') return (Math.floor(now / 86_400_000) - 1) * 86_400_000;
  const relative = /^-?\s*(\d+)\s*(s|sec|seconds?|m|min|minutes?|h|hours?|d|days?)(\s+ago)?$/.exec(
    text,
  );
  if (relative)
    return (
      now -
      Number(relative[1]) *
        ({ s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[(relative[2] ?? 's').slice(0, 1)] ??
          1000)
    );
  const parsed = Date.parse(`${text.replace(' ', 'T')}${text.length > 10 ? '' : 'T00:00:00'}Z`);
  return Number.isNaN(parsed) ? undefined : parsed;
}
