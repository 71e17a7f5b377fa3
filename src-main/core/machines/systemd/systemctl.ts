import { strftime } from '../shell/index.ts';
import type { JournalLine } from '../machine/types.ts';
import type { GroupMember, Program } from '../process/index.ts';
import { type Tool, tool } from '../tools/index.ts';
import { type SystemManager, UnitError, type UnitRuntime } from './manager.ts';

const stamp = (ms: number): string => strftime('%a %Y-%m-%d %H:%M:%S UTC', new Date(ms));

/** `2min 3s ago`, in systemd's units. */
function ago(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const parts: [number, string][] = [
    [86_400, 'day'],
    [3600, 'h'],
    [60, 'min'],
    [1, 's'],
  ];
  const shown: string[] = [];
  let left = seconds;
  for (const [size, name] of parts) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0 && shown.length < 2)
      shown.push(name === 'day' ? `${count} day${count === 1 ? '' : 's'}` : `${count}${name}`);
  }
  return `${shown.length > 0 ? shown.join(' ') : '0s'} ago`;
}

/** A journal line as `-o short` shows it. */
export function shortLine(line: JournalLine, host: string): string {
  return `${strftime('%b %d %H:%M:%S', new Date(line.timeMs))} ${host} ${line.identifier}[${line.pid}]: ${line.message}`;
}

function hostOf(self: Tool): string {
  const { files } = self.context;
  return files.exists('/etc/hostname') ? files.readText('/etc/hostname').trim() : 'localhost';
}

function tree(members: readonly GroupMember[], prefix: string): string {
  const rows = members.map((process) => ({ pid: process.child.pid, text: process.argv.join(' ') }));
  return rows
    .map(
      ({ pid, text }, index) =>
        `${prefix}${index === rows.length - 1 ? '└─' : '├─'}${pid} ${text}\n`,
    )
    .join('');
}

async function status(self: Tool, manager: SystemManager, name: string): Promise<number> {
  const unit = manager.find(name);
  if (unit.load === 'not-found' && unit.active === 'inactive') {
    await self.context.stderr.write(
      new TextEncoder().encode(`Unit ${unit.name} could not be found.\n`),
    );
    return 4;
  }
  const now = self.context.clock.now();
  const dot =
    unit.active === 'active'
      ? '●'
      : unit.active === 'failed'
        ? '×'
        : unit.active === 'inactive'
          ? '○'
          : '●';
  const description = manager.description(unit);
  let text = `${dot} ${unit.name}${description === unit.name ? '' : ` - ${description}`}\n`;
  text +=
    unit.load === 'masked'
      ? `     Loaded: masked (Reason: Unit ${unit.name} is masked.)\n`
      : `     Loaded: loaded (${unit.file?.path ?? ''}; ${manager.enabledState(unit)}; preset: enabled)\n`;
  if (unit.file && unit.file.dropIns.length > 0) {
    const directory = (unit.file.dropIns[0] ?? '').replace(/\/[^/]*$/, '');
    text += `    Drop-In: ${directory}\n             └─${unit.file.dropIns.map((path) => path.replace(/^.*\//, '')).join(', ')}\n`;
  }
  const since = unit.sinceMs > 0 ? ` since ${stamp(unit.sinceMs)}; ${ago(now - unit.sinceMs)}` : '';
  const state =
    unit.active === 'failed' || unit.sub === 'auto-restart'
      ? `${unit.active} (${unit.sub === 'auto-restart' ? 'auto-restart' : 'Result: ' + unit.result})${unit.sub === 'auto-restart' ? ` (Result: ${unit.result})` : ''}`
      : `${unit.active} (${unit.sub})`;
  text += `     Active: ${state}${since}\n`;
  if (unit.active !== 'active' && unit.lastExit)
    text += `    Process: ${unit.lastExit.pid} ExecStart=${unit.command} ${unit.lastExit.text}\n   Main PID: ${unit.lastExit.pid} ${unit.lastExit.text}\n`;
  if (unit.mainPid > 0) {
    const members = [...unit.resources.members];
    text += `   Main PID: ${unit.mainPid} (${(unit.command.split(' ')[0] ?? '').replace(/^.*\//, '').slice(0, 15)})\n`;
    text += `      Tasks: ${members.length} (limit: 4558)\n     Memory: ${(unit.resources.memoryBytes / 1_048_576).toFixed(1)}M\n        CPU: ${Math.round(((now - unit.sinceMs) * unit.resources.cpuMilli) / 1000)}ms\n`;
    text += `     CGroup: ${unit.resources.name}\n${tree(members, '             ')}`;
  }
  const lines = manager.journal(unit.name).slice(-10);
  if (lines.length > 0)
    text += `\n${lines.map((line) => `${shortLine(line, hostOf(self))}\n`).join('')}`;
  await self.out(text);
  return unit.active === 'active' || unit.active === 'activating'
    ? unit.sub === 'auto-restart'
      ? 3
      : 0
    : 3;
}

const properties = (manager: SystemManager, unit: UnitRuntime): Record<string, string> => ({
  Id: unit.name,
  Description: manager.description(unit),
  LoadState: unit.load,
  ActiveState: unit.active,
  SubState: unit.sub,
  UnitFileState: manager.enabledState(unit),
  FragmentPath: unit.file?.path ?? '',
  DropInPaths: unit.file?.dropIns.join(' ') ?? '',
  MainPID: String(unit.mainPid),
  NRestarts: String(unit.restarts),
  Result: unit.result,
  ExecMainStatus: String(unit.exitCode ?? 0),
});

/** systemctl(1) for one machine. `powerOff` is told to go down or come up again. */
export function systemctlProgram(
  manager: SystemManager,
  power: (reboot: boolean) => void,
): Program {
  return tool(async (self) => {
    const flags = new Set(self.args.filter((arg) => arg.startsWith('-')));
    const words = self.args.filter(
      (arg, index) =>
        !arg.startsWith('-') &&
        !/^(-p|-t|-n|-o|-s|--type|--state|--property)$/.test(self.args[index - 1] ?? ''),
    );
    const [verb = 'list-units', ...names] = words;
    const option = (...keys: string[]): string | undefined => {
      for (const [index, arg] of self.args.entries())
        for (const key of keys) {
          if (arg === key) return self.args[index + 1];
          if (arg.startsWith(`${key}=`)) return arg.slice(key.length + 1);
        }
      return undefined;
    };
    const each = async (act: (name: string) => Promise<void> | void): Promise<number> => {
      let code = 0;
      for (const name of names)
        try {
          await act(name);
        } catch (error) {
          if (!(error instanceof UnitError)) throw error;
          await self.context.stderr.write(new TextEncoder().encode(`${error.message}\n`));
          code = error.code;
        }
      return code;
    };
    const err = (text: string): Promise<void> =>
      text === '' ? Promise.resolve() : self.context.stderr.write(new TextEncoder().encode(text));
    const changing = [
      'start',
      'stop',
      'restart',
      'reload',
      'enable',
      'disable',
      'mask',
      'unmask',
      'daemon-reload',
      'kill',
      'try-restart',
      'reload-or-restart',
      'reset-failed',
    ];
    if (changing.includes(verb) && self.context.user.uid !== 0) {
      await err(
        `Failed to ${verb} ${names.map((name) => manager.fullName(name)).join(' ')}: Interactive authentication required.\nSee system logs and 'systemctl status ${names.map((name) => manager.fullName(name)).join(' ')}' for details.\n`,
      );
      return 1;
    }
    if (
      names.length === 0 &&
      changing.includes(verb) &&
      verb !== 'daemon-reload' &&
      verb !== 'reset-failed'
    ) {
      await err('Too few arguments.\n');
      return 1;
    }
    switch (verb) {
      case 'start':
      case 'stop':
      case 'restart':
        return each((name) => manager[verb](name));
      case 'reload':
      case 'reload-or-restart':
      case 'try-restart':
        return each(async (name) => {
          if (manager.find(name).active === 'active') await manager.restart(name);
        });
      case 'enable':
        return each(async (name) => {
          await err(manager.enable(name));
          if (flags.has('--now')) await manager.start(name);
        });
      case 'disable':
        return each(async (name) => {
          await err(manager.disable(name));
          if (flags.has('--now')) await manager.stop(name);
        });
      case 'mask':
        return each(async (name) => {
          await err(manager.mask(name));
          if (flags.has('--now')) await manager.stop(name);
        });
      case 'unmask':
        return each(async (name) => err(manager.unmask(name)));
      case 'daemon-reload':
      case 'daemon-reexec':
        manager.daemonReload();
        return 0;
      case 'reset-failed':
        if (names.length === 0) manager.resetFailed();
        return each((name) => manager.resetFailed(name));
      case 'kill':
        return each((name) =>
          manager
            .find(name)
            .child?.kill(option('-s', '--signal')?.endsWith('KILL') ? 'SIGKILL' : 'SIGTERM'),
        );
      case 'status': {
        let code = 0;
        for (const name of names) code = (await status(self, manager, name)) || code;
        return code;
      }
      case 'is-active':
      case 'is-failed': {
        let good = false;
        for (const name of names) {
          const { active } = manager.find(name);
          good ||= active === (verb === 'is-active' ? 'active' : 'failed');
          if (!flags.has('-q') && !flags.has('--quiet')) await self.out(`${active}\n`);
        }
        return good ? 0 : verb === 'is-active' ? 3 : 1;
      }
      case 'is-enabled': {
        let good = false;
        for (const name of names) {
          const unit = manager.find(name);
          if (unit.load === 'not-found') {
            await self.out('not-found\n');
            continue;
          }
          const state = manager.enabledState(unit);
          good ||= state === 'enabled' || state === 'static';
          if (!flags.has('-q') && !flags.has('--quiet')) await self.out(`${state}\n`);
        }
        return good ? 0 : names.some((name) => manager.find(name).load === 'not-found') ? 4 : 1;
      }
      case 'cat': {
        let code = 0;
        for (const name of names) {
          const { file } = manager.find(name);
          if (!file) {
            await err(`No files found for ${manager.fullName(name)}.\n`);
            code = 1;
          } else
            await self.out(file.texts.map(({ path, text }) => `# ${path}\n${text}`).join('\n'));
        }
        return code;
      }
      case 'show': {
        const wanted = option('-p', '--property')?.split(',');
        for (const name of names)
          for (const [key, value] of Object.entries(properties(manager, manager.find(name))))
            if (!wanted || wanted.includes(key))
              await self.out(flags.has('--value') ? `${value}\n` : `${key}=${value}\n`);
        return 0;
      }
      case 'list-units':
      case 'list-unit-files':
        return listing(
          self,
          manager,
          verb,
          flags,
          option('-t', '--type'),
          option('--state') ?? (flags.has('--failed') ? 'failed' : undefined),
        );
      case 'poweroff':
      case 'halt':
      case 'reboot':
        power(verb === 'reboot');
        return 0;
      case 'is-system-running': {
        const failed = manager.list().some((unit) => unit.active === 'failed');
        await self.out(failed ? 'degraded\n' : 'running\n');
        return failed ? 1 : 0;
      }
      default:
        await err(`Unknown command verb '${verb}'.\n`);
        return 1;
    }
  });
}

async function listing(
  self: Tool,
  manager: SystemManager,
  verb: string,
  flags: ReadonlySet<string>,
  type: string | undefined,
  state: string | undefined,
): Promise<number> {
  const units = manager
    .list()
    .filter((unit) => type === undefined || unit.name.endsWith(`.${type}`));
  const legend = !flags.has('--no-legend');
  if (verb === 'list-unit-files') {
    const width = Math.max(9, ...units.map((unit) => unit.name.length));
    const shown = units.filter((unit) => state === undefined || unit.enabled === state);
    if (legend) await self.out(`${'UNIT FILE'.padEnd(width)} STATE    PRESET\n`);
    for (const unit of shown)
      await self.out(
        `${unit.name.padEnd(width)} ${unit.enabled.padEnd(8)} ${unit.enabled === 'static' ? '-' : 'enabled'}\n`,
      );
    if (legend) await self.out(`\n${shown.length} unit files listed.\n`);
    return 0;
  }
  const shown = units.filter((unit) =>
    state === undefined
      ? flags.has('--all') || flags.has('-a') || unit.active !== 'inactive'
      : unit.active === state || unit.sub === state,
  );
  const width = Math.max(4, ...shown.map((unit) => unit.name.length));
  const column = (pick: (unit: (typeof shown)[number]) => string, least: number): number =>
    Math.max(least, ...shown.map((unit) => pick(unit).length));
  const [loadWidth, activeWidth, subWidth] = [
    column((unit) => unit.load, 4),
    column((unit) => unit.active, 6),
    column((unit) => unit.sub, 3),
  ];
  if (legend)
    await self.out(
      `  ${'UNIT'.padEnd(width)} ${'LOAD'.padEnd(loadWidth)} ${'ACTIVE'.padEnd(activeWidth)} ${'SUB'.padEnd(subWidth)} DESCRIPTION\n`,
    );
  for (const unit of shown)
    await self.out(
      `${unit.active === 'failed' ? '●' : ' '} ${unit.name.padEnd(width)} ${unit.load.padEnd(loadWidth)} ${unit.active.padEnd(activeWidth)} ${unit.sub.padEnd(subWidth)} ${unit.description}\n`,
    );
  if (legend)
    await self.out(
      `\nLegend: LOAD   → Reflects whether the unit definition was properly loaded.\n        ACTIVE → The high-level unit activation state, i.e. generalization of SUB.\n        SUB    → The low-level unit activation state, values depend on unit type.\n\n${shown.length} loaded units listed.${flags.has('--all') ? '' : ' Pass --all to see loaded but inactive units, too.'}\nTo show all installed unit files use 'systemctl list-unit-files'.\n`,
    );
  return 0;
}
