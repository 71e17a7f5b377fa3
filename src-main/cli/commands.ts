import type { ClusterView, GradeReport, RpcClient, TaskView } from '#contract';
import type { Arguments } from './arguments.ts';
import { parseDuration } from './duration.ts';
import { table } from './output.ts';
import { runRemote, runShell } from './ssh.ts';
import { UsageError } from './usage.ts';

/** What a command leaves: text for a person, the value for `--json`, and the exit code. */
export interface Outcome {
  readonly text: string;
  readonly value: unknown;
  readonly exitCode?: number;
}

type Command = (rpc: RpcClient, args: Arguments) => Promise<Outcome>;

const defaultName = 'kijabi';
const defaultTopology = 'base+1cp+1w';
/** A text in the language of this terminal. */
const language = /^ko/.test(process.env['LC_ALL'] ?? process.env['LANG'] ?? '') ? 'ko' : 'en';

/** Every command that a host answers. */
export const commands: Readonly<Record<string, Command>> = {
  'cluster up': async (rpc, { operands: [name = defaultName], flags }) => {
    const existing = (await rpc.call('clusters.list', {})).find((view) => isNamed(view, name));
    const started = Date.now();
    const view = existing
      ? await whenUp(rpc, existing)
      : await rpc.call('clusters.create', {
          name,
          topology: typeof flags['topology'] === 'string' ? flags['topology'] : defaultTopology,
        });
    const seconds = ((Date.now() - started) / 1000).toFixed(1);
    return {
      value: view,
      text: [
        existing
          ? `cluster "${view.clusterId}" is up already`
          : `cluster "${view.clusterId}" is up after ${seconds} s: Kubernetes ${view.kubernetesVersion}, ${view.machines.join(', ')}`,
        `  export KUBECONFIG=${view.kubeconfig}`,
        `  npx kijabi ssh ${view.machines[0] ?? 'base'}`,
      ].join('\n'),
    };
  },
  'cluster down': async (rpc, { operands: [name], flags }) => {
    const all = await rpc.call('clusters.list', {});
    const doomed =
      flags['all'] === true
        ? all.filter(({ purpose }) => purpose === 'playground')
        : [pick(all, name)];
    for (const { clusterId } of doomed) await rpc.call('clusters.remove', { clusterId });
    return {
      value: doomed.map(({ clusterId }) => clusterId),
      text: doomed.map(({ clusterId }) => `cluster "${clusterId}" is removed`).join('\n'),
    };
  },
  'cluster list': async (rpc) => {
    const views = await rpc.call('clusters.list', {});
    const rows = views.map((view) => [
      view.clusterId,
      view.state,
      view.topology,
      view.purpose,
      `${view.speed}x`,
      view.server,
    ]);
    return {
      value: views,
      text:
        rows.length === 0
          ? 'no clusters: "kijabi cluster up" makes one'
          : table([['NAME', 'STATE', 'TOPOLOGY', 'PURPOSE', 'SPEED', 'SERVER'], ...rows]),
    };
  },
  'cluster kubeconfig': async (rpc, { operands: [name] }) => {
    const { kubeconfig } = pick(await rpc.call('clusters.list', {}), name);
    return { value: { kubeconfig }, text: kubeconfig };
  },
  ssh: async (rpc, { operands: [address = '', ...words], flags }) => {
    const [user, host] = address.includes('@')
      ? [address.slice(0, address.indexOf('@')), address.slice(address.indexOf('@') + 1)]
      : ['root', address];
    if (user !== 'root')
      throw new UsageError(`"kijabi ssh" logs in as root; use "su - ${user}" there`);
    const view = pick(await rpc.call('clusters.list', {}), flags['cluster'], (each) =>
      each.machines.includes(host),
    );
    if (!view.machines.includes(host))
      throw new UsageError(
        `cluster "${view.clusterId}" has no machine ${JSON.stringify(host)}; there are: ${view.machines.join(', ')}`,
      );
    const target = { clusterId: view.clusterId, host };
    const command = words.length > 0 ? words.join(' ') : undefined;
    const onTerminal = process.stdin.isTTY && process.stdout.isTTY;
    if (flags['tty'] === true && !onTerminal)
      console.error('Pseudo-terminal will not be allocated because stdin is not a terminal.');
    const exitCode =
      onTerminal && (command === undefined || flags['tty'] === true)
        ? await runShell(rpc, target, command)
        : await runRemote(rpc, target, command ?? 'bash -l -s', {
            input: flags['no-input'] !== true,
          });
    return { value: { exitCode }, text: '', exitCode };
  },
  kubectl: async (rpc, { operands }) => {
    const view = await whenUp(rpc, await clusterOfKubeconfig(rpc));
    const { runLocalKubectl } = await import('#node/kubectl');
    const exitCode = await runLocalKubectl(operands, {
      ...definedEnvironment(),
      KUBECONFIG: view.kubeconfig,
    });
    return { value: { exitCode }, text: '', exitCode };
  },
  clock: async (rpc, { operands: [verb, amount], flags }) => {
    const { clusterId } = pick(await rpc.call('clusters.list', {}), flags['cluster']);
    const view = await moveClock(rpc, clusterId, flags['speed'], verb, amount);
    return {
      value: view,
      text: `cluster "${clusterId}": ${new Date(view.nowMs).toISOString()}, speed ${view.speed}`,
    };
  },

  'task list': async (rpc) => {
    const tasks = await rpc.call('tasks.list', {});
    const rows = tasks.map((task) => [
      task.taskId,
      task.domain,
      task.tier,
      `${Math.round(task.targetSeconds / 60)} min`,
      task.bestScore === null ? '-' : String(task.bestScore),
      task.title[language],
    ]);
    return {
      value: tasks,
      text: table([['TASK', 'DOMAIN', 'TIER', 'TARGET', 'BEST', 'TITLE'], ...rows]),
    };
  },
  'task start': async (rpc, { operands: [taskId = ''], flags }) => {
    const seed = flags['seed'];
    const view = await rpc.call('tasks.start', {
      taskId,
      language,
      ...(typeof seed === 'string' ? { seed } : {}),
    });
    return { value: view, text: taskText(view) };
  },
  'task check': async (rpc, { operands }) => {
    const sessionId = await sessionOf(rpc, operands[0]);
    const report = await rpc.call('tasks.check', { sessionId, language });
    return {
      value: report,
      text: reportText(report),
      exitCode: report.earned >= report.points ? 0 : 1,
    };
  },
  'task solve': async (rpc, { operands }) => {
    const sessionId = await sessionOf(rpc, operands[0]);
    const result = await rpc.call('practice.solve', { sessionId });
    return {
      value: result,
      text: `${result.stdout}${result.stderr}`.trimEnd() || 'the solution has run',
      exitCode: result.exitCode,
    };
  },
  'task reset': async (rpc, { operands }) => {
    const sessionId = await sessionOf(rpc, operands[0]);
    const view = await rpc.call('tasks.reset', { sessionId, language });
    return { value: view, text: `task ${view.taskId} is as it was at its start` };
  },
  'task end': async (rpc, { operands }) => {
    const sessionId = await sessionOf(rpc, operands[0]);
    await rpc.call('tasks.end', { sessionId });
    return { value: {}, text: 'the task has ended' };
  },

  'exam list': async (rpc) => {
    const exams = await rpc.call('exams.list', {});
    const rows = exams.map((exam) => [
      exam.examId,
      `${exam.minutes} min`,
      String(exam.taskCount),
      `${exam.passPercent} %`,
      exam.title[language],
    ]);
    return { value: exams, text: table([['EXAM', 'TIME', 'TASKS', 'PASS', 'TITLE'], ...rows]) };
  },
  'exam start': async (rpc, { operands: [examId = ''], flags }) => {
    const seed = flags['seed'];
    const view = await rpc.call('exams.start', {
      examId,
      language,
      ...(typeof seed === 'string' ? { seed } : {}),
    });
    const tasks = view.tasks.map(
      (task) => `${task.index + 1}. [${task.weight} %] ssh ${task.host}\n${task.text.trim()}\n`,
    );
    return {
      value: view,
      text: [
        `${view.title}: ends ${new Date(view.endsMs).toLocaleTimeString()}`,
        '',
        ...tasks,
      ].join('\n'),
    };
  },
  'exam report': async (rpc, { operands: [wanted] }) => {
    const sessionId =
      wanted ??
      [...(await rpc.call('exams.history', {}))].sort((a, b) => b.finishedMs - a.finishedMs)[0]
        ?.sessionId;
    if (sessionId === undefined) throw new Error('no exam has been finished yet');
    const report = await rpc.call('exams.report', { sessionId, language });
    const rows = report.tasks.map((task) => [
      task.taskId,
      `${task.report.earned}/${task.report.points}`,
      `${Math.round(task.spentMs / 60_000)} min`,
      task.title[language],
    ]);
    return {
      value: report,
      text: [
        `${report.title[language]}: ${report.score} % (pass ${report.passPercent} %): ${report.passed ? 'passed' : 'not passed'}`,
        table([['TASK', 'POINTS', 'SPENT', 'TITLE'], ...rows]),
      ].join('\n'),
    };
  },

  backup: async (rpc) => {
    const backup = await rpc.call('library.backup', {});
    return { value: backup, text: `backed up: ${backup.backupId} (${backup.sizeBytes} bytes)` };
  },
  restore: async (rpc, { operands: [backupId] }) => {
    if (backupId !== undefined) {
      await rpc.call('library.restore', { backupId });
      return { value: { backupId }, text: `progress is restored from ${backupId}` };
    }
    const backups = await rpc.call('library.backups', {});
    const rows = backups.map((backup) => [
      backup.backupId,
      new Date(backup.createdMs).toISOString(),
      String(backup.sizeBytes),
      backup.reason,
    ]);
    return {
      value: backups,
      text:
        rows.length === 0 ? 'no backups yet' : table([['BACKUP', 'MADE', 'BYTES', 'WHY'], ...rows]),
    };
  },
};

const isNamed = (view: ClusterView, name: string): boolean =>
  view.clusterId === name || view.name === name;

/** The cluster that is meant: the named one, else the only one. */
function pick(
  views: readonly ClusterView[],
  name: string | boolean | undefined,
  suits: (view: ClusterView) => boolean = () => true,
): ClusterView {
  if (typeof name === 'string') {
    const named = views.find((view) => isNamed(view, name));
    if (named) return named;
    throw new Error(
      `there is no cluster ${JSON.stringify(name)}; there are: ${views.map(({ clusterId }) => clusterId).join(', ') || 'none'}`,
    );
  }
  const [first, second] = views.some(suits) ? views.filter(suits) : views;
  if (!first) throw new Error('there is no cluster: "kijabi cluster up" makes one');
  if (second)
    throw new UsageError(
      `which cluster? Name one of: ${views.map(({ clusterId }) => clusterId).join(', ')}`,
    );
  return first;
}

/** A cluster that a host found on disk is still starting. */
async function whenUp(rpc: RpcClient, view: ClusterView): Promise<ClusterView> {
  let current = view;
  while (current.state === 'starting') {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const found = (await rpc.call('clusters.list', {})).find(
      ({ clusterId }) => clusterId === view.clusterId,
    );
    if (!found) throw new Error(`cluster "${view.clusterId}" went away while it started`);
    current = found;
  }
  if (current.state === 'failed')
    throw new Error(`cluster "${view.clusterId}" failed: ${current.problem ?? 'unknown'}`);
  return current;
}

async function clusterOfKubeconfig(rpc: RpcClient): Promise<ClusterView> {
  const views = await rpc.call('clusters.list', {});
  const wanted = process.env['KUBECONFIG'];
  return views.find(({ kubeconfig }) => kubeconfig === wanted) ?? pick(views, undefined);
}

async function moveClock(
  rpc: RpcClient,
  clusterId: string,
  speed: string | boolean | undefined,
  verb: string | undefined,
  amount: string | undefined,
): Promise<ClusterView> {
  if (typeof speed === 'string') {
    const factor = Number(speed.replace(/x$/, ''));
    if (!Number.isFinite(factor) || factor < 0)
      throw new UsageError(`--speed must be a number from 0 on, not ${JSON.stringify(speed)}`);
    if (verb !== undefined)
      throw new UsageError(`"kijabi clock" takes --speed or ${verb}, not both`);
    return rpc.call('clusters.setSpeed', { clusterId, speed: factor });
  }
  if (verb !== 'advance' && amount !== undefined)
    throw new UsageError(`"kijabi clock ${verb ?? ''}" does not take ${JSON.stringify(amount)}`);
  switch (verb) {
    case 'pause':
      return rpc.call('clusters.setSpeed', { clusterId, speed: 0 });
    case 'settle':
      return rpc.call('clusters.settle', { clusterId });
    case 'advance':
      if (amount === undefined) throw new UsageError('"kijabi clock advance" needs a duration: 5m');
      return rpc.call('clusters.advance', { clusterId, milliseconds: parseDuration(amount) });
    default:
      throw new UsageError('"kijabi clock" needs --speed N, pause, advance DURATION or settle');
  }
}

/** The session that is meant: the named one, else that of the only practice cluster. */
async function sessionOf(rpc: RpcClient, wanted: string | undefined): Promise<string> {
  if (wanted !== undefined) return wanted;
  const current = await rpc.call('practice.current', { language });
  if (!current) throw new Error('no task is under way: "kijabi task start TASK" starts one');
  return current.sessionId;
}

function taskText(view: TaskView): string {
  return [
    `${view.title} (session ${view.sessionId}, seed ${view.seed})`,
    `  npx kijabi ssh --cluster ${view.clusterId} ${view.host}`,
    '',
    view.text.trim(),
  ].join('\n');
}

function reportText(report: GradeReport): string {
  const lines = report.criteria.flatMap((criterion) => [
    `${criterion.outcome === 'passed' ? '✓' : criterion.outcome === 'failed' ? '✗' : '?'} ${criterion.earned}/${criterion.points}  ${criterion.description}`,
    ...(criterion.outcome === 'passed'
      ? []
      : [
          ...(criterion.expected === undefined ? [] : [`      expected: ${criterion.expected}`]),
          ...(criterion.actual === undefined ? [] : [`      actual:   ${criterion.actual}`]),
          ...(criterion.why === undefined ? [] : [`      ${criterion.why}`]),
        ]),
  ]);
  return [...lines, `${report.earned} of ${report.points} points`].join('\n');
}

const definedEnvironment = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  );
