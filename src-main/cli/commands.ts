import type {
  ClusterView,
  ExamReport,
  ExamView,
  GradeReport,
  RpcClient,
  TaskView,
} from '#contract';
import { type Arguments, clusterNameOf } from './arguments.ts';
import { parseDuration } from './duration.ts';
import { language, say } from './language.ts';
import { table } from './output.ts';
import { runRemote, runShell } from './ssh.ts';
import { UsageError } from './usage.ts';

/** What a command leaves: text for stdout, the value for `--json`, and the exit code. */
export interface Outcome {
  readonly text: string;
  /** Told beside the text, on stderr. */
  readonly note?: string;
  readonly value: unknown;
  readonly exitCode?: number;
}

type Command = (rpc: RpcClient, args: Arguments) => Promise<Outcome>;

const defaultName = 'kijabi';
const defaultTopology = 'base+1cp+2w';

/** Every command that a host answers. */
export const commands: Readonly<Record<string, Command>> = {
  'cluster up': async (rpc, args) => {
    const { flags } = args;
    const name = clusterNameOf(args, args.operands[0]) ?? defaultName;
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
      // The path alone on stdout: KUBECONFIG=$(kijabi cluster up).
      text: view.kubeconfig,
      note: [
        existing
          ? say(
              `cluster "${view.clusterId}" is up already`,
              `클러스터 "${view.clusterId}"는 이미 떠 있습니다`,
            )
          : say(
              `cluster "${view.clusterId}" is up after ${seconds} s: Kubernetes ${view.kubernetesVersion}, ${view.machines.join(', ')}`,
              `클러스터 "${view.clusterId}"가 ${seconds}초 만에 떴습니다: Kubernetes ${view.kubernetesVersion}, ${view.machines.join(', ')}`,
            ),
        `  npx kijabi ssh ${view.machines[0] ?? 'base'}`,
      ].join('\n'),
    };
  },
  'cluster down': async (rpc, args) => {
    const { flags } = args;
    const name = clusterNameOf(args, args.operands[0]);
    const all = await rpc.call('clusters.list', {});
    const doomed = flags['all'] === true ? await withoutWork(rpc, all) : [pick(all, name)];
    for (const { clusterId } of doomed) await rpc.call('clusters.remove', { clusterId });
    return {
      value: doomed.map(({ clusterId }) => clusterId),
      text:
        doomed
          .map(({ clusterId }) =>
            say(`cluster "${clusterId}" is removed`, `클러스터 "${clusterId}"를 지웠습니다`),
          )
          .join('\n') || say('no clusters to remove', '지울 클러스터가 없습니다'),
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
          ? say(
              'no clusters: "kijabi cluster up" makes one',
              '클러스터가 없습니다. "kijabi cluster up"으로 만드세요',
            )
          : table([headings.clusters[language()], ...rows]),
    };
  },
  'cluster kubeconfig': async (rpc, args) => {
    const { kubeconfig } = pick(
      await rpc.call('clusters.list', {}),
      clusterNameOf(args, args.operands[0]),
    );
    return { value: { kubeconfig }, text: kubeconfig };
  },
  ssh: async (rpc, { operands: [address = '', ...words], flags }) => {
    const [user, host] = address.includes('@')
      ? [address.slice(0, address.indexOf('@')), address.slice(address.indexOf('@') + 1)]
      : ['root', address];
    if (user !== 'root')
      throw new UsageError(
        say(
          `"kijabi ssh" logs in as root; use "su - ${user}" there`,
          `"kijabi ssh"는 root로 로그인합니다. 들어가서 "su - ${user}"를 쓰세요`,
        ),
      );
    const view = pick(
      await rpc.call('clusters.list', {}),
      clusterNameOf({ flags }),
      (each) => each.machines.includes(host),
      ' (--cluster NAME)',
    );
    if (!view.machines.includes(host))
      throw new UsageError(
        say(
          `cluster "${view.clusterId}" has no machine ${JSON.stringify(host)}; there are: ${view.machines.join(', ')}`,
          `클러스터 "${view.clusterId}"에는 ${JSON.stringify(host)} 머신이 없습니다. 있는 것: ${view.machines.join(', ')}`,
        ),
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
    const { clusterId } = pick(await rpc.call('clusters.list', {}), clusterNameOf({ flags }));
    const view = await moveClock(rpc, clusterId, flags['speed'], verb, amount);
    return {
      value: view,
      text: say(
        `cluster "${clusterId}": ${new Date(view.nowMs).toISOString()}, speed ${view.speed}`,
        `클러스터 "${clusterId}": ${new Date(view.nowMs).toISOString()}, 속도 ${view.speed}`,
      ),
    };
  },

  'task list': async (rpc) => {
    const tasks = await rpc.call('tasks.list', {});
    const rows = tasks.map((task) => [
      task.taskId,
      task.domain,
      task.tier,
      minutes(task.targetSeconds * 1000),
      task.bestScore === null ? '-' : String(task.bestScore),
      task.title[language()],
    ]);
    return {
      value: tasks,
      text: table([headings.tasks[language()], ...rows]),
    };
  },
  'task start': async (rpc, { operands: [taskId = ''], flags }) => {
    const seed = flags['seed'];
    const view = await rpc.call('tasks.start', {
      taskId,
      language: language(),
      ...(typeof seed === 'string' ? { seed } : {}),
    });
    return { value: view, text: taskText(view) };
  },
  'task check': async (rpc, { operands }) => {
    const sessionId = await sessionOf(rpc, operands[0]);
    const report = await rpc.call('tasks.check', { sessionId, language: language() });
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
      text:
        `${result.stdout}${result.stderr}`.trimEnd() ||
        say('the solution has run', '모범 풀이를 실행했습니다'),
      exitCode: result.exitCode,
    };
  },
  'task reset': async (rpc, { operands }) => {
    const sessionId = await sessionOf(rpc, operands[0]);
    const view = await rpc.call('tasks.reset', { sessionId, language: language() });
    return {
      value: view,
      text: say(
        `task ${view.taskId} is as it was at its start`,
        `과제 ${view.taskId}를 시작 상태로 되돌렸습니다`,
      ),
    };
  },
  'task end': async (rpc, { operands }) => {
    const sessionId = await sessionOf(rpc, operands[0]);
    await rpc.call('tasks.end', { sessionId });
    return { value: {}, text: say('the task has ended', '과제를 끝냈습니다') };
  },

  'exam list': async (rpc) => {
    const exams = await rpc.call('exams.list', {});
    const rows = exams.map((exam) => [
      exam.examId,
      minutes(exam.minutes * 60_000),
      String(exam.taskCount),
      `${exam.passPercent} %`,
      exam.title[language()],
    ]);
    return { value: exams, text: table([headings.exams[language()], ...rows]) };
  },
  'exam start': async (rpc, { operands: [examId = ''], flags }) => {
    const seed = flags['seed'];
    const view = await rpc.call('exams.start', {
      examId,
      language: language(),
      ...(typeof seed === 'string' ? { seed } : {}),
    });
    return { value: view, text: examText(view) };
  },
  'exam status': async (rpc) => {
    const view = await currentExam(rpc);
    return { value: view, text: examText(view) };
  },
  'exam submit': async (rpc) => {
    const { sessionId } = await currentExam(rpc);
    const report = await rpc.call('exams.submit', { sessionId, language: language() });
    return { value: report, text: examReportText(report) };
  },
  'exam report': async (rpc, { operands: [wanted] }) => {
    const sessionId =
      wanted ??
      [...(await rpc.call('exams.history', {}))].sort((a, b) => b.finishedMs - a.finishedMs)[0]
        ?.sessionId;
    if (sessionId === undefined)
      throw new Error(say('no exam has been finished yet', '아직 끝낸 시험이 없습니다'));
    const report = await rpc.call('exams.report', { sessionId, language: language() });
    return { value: report, text: examReportText(report) };
  },

  backup: async (rpc) => {
    const backup = await rpc.call('library.backup', {});
    return {
      value: backup,
      text: say(
        `backed up: ${backup.backupId} (${backup.sizeBytes} bytes)`,
        `백업했습니다: ${backup.backupId} (${backup.sizeBytes}바이트)`,
      ),
    };
  },
  restore: async (rpc, { operands: [backupId] }) => {
    if (backupId !== undefined) {
      await rpc.call('library.restore', { backupId });
      return {
        value: { backupId },
        text: say(
          `progress is restored from ${backupId}`,
          `${backupId}에서 학습 기록을 복원했습니다`,
        ),
      };
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
        rows.length === 0
          ? say('no backups yet', '아직 백업이 없습니다')
          : `${table([headings.backups[language()], ...rows])}\n\n${say('"kijabi restore BACKUP" restores one', '"kijabi restore 백업이름"으로 복원합니다')}`,
    };
  },
};

const headings = {
  clusters: {
    en: ['NAME', 'STATE', 'TOPOLOGY', 'PURPOSE', 'SPEED', 'SERVER'],
    ko: ['이름', '상태', '구성', '용도', '속도', '서버'],
  },
  tasks: {
    en: ['TASK', 'DOMAIN', 'TIER', 'TARGET', 'BEST', 'TITLE'],
    ko: ['과제', '영역', '단계', '목표', '최고', '제목'],
  },
  exams: {
    en: ['EXAM', 'TIME', 'TASKS', 'PASS', 'TITLE'],
    ko: ['시험', '시간', '문제', '합격', '제목'],
  },
  results: { en: ['TASK', 'POINTS', 'SPENT', 'TITLE'], ko: ['과제', '점수', '쓴 시간', '제목'] },
  backups: { en: ['BACKUP', 'MADE', 'BYTES', 'WHY'], ko: ['백업', '만든 때', '바이트', '이유'] },
} as const;

const minutes = (milliseconds: number): string =>
  say(`${Math.round(milliseconds / 60_000)} min`, `${Math.round(milliseconds / 60_000)}분`);

const namesOf = (views: readonly ClusterView[]): string =>
  views.map(({ clusterId }) => clusterId).join(', ');

const isNamed = (view: ClusterView, name: string): boolean =>
  view.clusterId === name || view.name === name;

/** All but those that a task or an exam under way needs. */
async function withoutWork(
  rpc: RpcClient,
  all: readonly ClusterView[],
): Promise<readonly ClusterView[]> {
  const task = await rpc.call('practice.current', { language: language() });
  const exam = await rpc.call('exams.current', { language: language() });
  const needed = new Set([task, ...(exam?.tasks ?? [])].map((each) => each?.clusterId));
  return all.filter(({ clusterId }) => !needed.has(clusterId));
}

/** The cluster that is meant: the named one, else the only one. */
function pick(
  views: readonly ClusterView[],
  name: string | boolean | undefined,
  suits: (view: ClusterView) => boolean = () => true,
  hint = '',
): ClusterView {
  if (typeof name === 'string') {
    const named = views.find((view) => isNamed(view, name));
    if (named) return named;
    throw new Error(
      say(
        `there is no cluster ${JSON.stringify(name)}; there are: ${namesOf(views) || 'none'}`,
        `${JSON.stringify(name)} 클러스터가 없습니다. 있는 것: ${namesOf(views) || '없음'}`,
      ),
    );
  }
  const [first, second] = views.some(suits) ? views.filter(suits) : views;
  if (!first)
    throw new Error(
      say(
        'there is no cluster: "kijabi cluster up" makes one',
        '클러스터가 없습니다. "kijabi cluster up"으로 만드세요',
      ),
    );
  if (second)
    throw new UsageError(
      say(
        `which cluster? Name one of: ${namesOf(views)}${hint}`,
        `어느 클러스터인가요? 다음 중에서 고르세요: ${namesOf(views)}${hint}`,
      ),
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
    if (!found)
      throw new Error(
        say(
          `cluster "${view.clusterId}" went away while it started`,
          `클러스터 "${view.clusterId}"가 시작하다가 사라졌습니다`,
        ),
      );
    current = found;
  }
  if (current.state === 'failed')
    throw new Error(
      say(
        `cluster "${view.clusterId}" failed: ${current.problem ?? 'unknown'}`,
        `클러스터 "${view.clusterId}"가 뜨지 못했습니다: ${current.problem ?? '알 수 없음'}`,
      ),
    );
  return current;
}

async function clusterOfKubeconfig(rpc: RpcClient): Promise<ClusterView> {
  const views = await rpc.call('clusters.list', {});
  const wanted = process.env['KUBECONFIG'];
  return (
    views.find(({ kubeconfig }) => kubeconfig === wanted) ??
    pick(views, undefined, undefined, ': export KUBECONFIG=$(kijabi cluster kubeconfig NAME)')
  );
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
      throw new UsageError(
        say(
          `--speed must be a number from 0 on, not ${JSON.stringify(speed)}`,
          `--speed는 0 이상의 수여야 합니다: ${JSON.stringify(speed)}`,
        ),
      );
    if (verb !== undefined)
      throw new UsageError(
        say(
          `"kijabi clock" takes --speed or ${verb}, not both`,
          `"kijabi clock"에는 --speed와 ${verb} 중 하나만 쓰세요`,
        ),
      );
    return rpc.call('clusters.setSpeed', { clusterId, speed: factor });
  }
  if (verb !== 'advance' && amount !== undefined)
    throw new UsageError(
      say(
        `"kijabi clock ${verb ?? ''}" does not take ${JSON.stringify(amount)}`,
        `"kijabi clock ${verb ?? ''}"는 ${JSON.stringify(amount)}를 받지 않습니다`,
      ),
    );
  switch (verb) {
    case 'pause':
      return rpc.call('clusters.setSpeed', { clusterId, speed: 0 });
    case 'settle': {
      const { settled, ...cluster } = await rpc.call('clusters.settle', { clusterId });
      if (!settled)
        throw new Error(
          say(
            `"${clusterId}" does not come to rest: something still changes after ten minutes of its time`,
            `"${clusterId}"가 가라앉지 않습니다: 그 안의 시간으로 십 분이 지나도 바뀌는 것이 있습니다`,
          ),
        );
      return cluster;
    }
    case 'advance':
      if (amount === undefined)
        throw new UsageError(
          say(
            '"kijabi clock advance" needs a duration: 5m',
            '"kijabi clock advance"에는 시간이 필요합니다: 5m',
          ),
        );
      return rpc.call('clusters.advance', { clusterId, milliseconds: parseDuration(amount) });
    default:
      throw new UsageError(
        say(
          '"kijabi clock" needs --speed N, pause, advance DURATION or settle',
          '"kijabi clock"에는 --speed N, pause, advance 시간, settle 중 하나가 필요합니다',
        ),
      );
  }
}

/** The session that is meant: the named one, else that of the only practice cluster. */
async function sessionOf(rpc: RpcClient, wanted: string | undefined): Promise<string> {
  if (wanted !== undefined) return wanted;
  const current = await rpc.call('practice.current', { language: language() });
  if (!current)
    throw new Error(
      say(
        'no task is under way: "kijabi task start TASK" starts one',
        '진행 중인 과제가 없습니다. "kijabi task start 과제"로 시작하세요',
      ),
    );
  return current.sessionId;
}

async function currentExam(rpc: RpcClient): Promise<ExamView> {
  const view = await rpc.call('exams.current', { language: language() });
  if (!view)
    throw new Error(
      say(
        'no exam is in progress: "kijabi exam start EXAM" starts one',
        '진행 중인 시험이 없습니다. "kijabi exam start 시험"으로 시작하세요',
      ),
    );
  return view;
}

function examText(view: ExamView): string {
  const left = minutes(Math.max(0, view.endsMs - Date.now()));
  const ends = new Date(view.endsMs).toLocaleTimeString(language());
  const tasks = view.tasks.map(
    (task) =>
      `${task.index + 1}. ${task.title} [${task.weight} %]\n  npx kijabi ssh --cluster ${task.clusterId} ${task.host}\n\n${task.text.trim()}\n`,
  );
  return [
    say(
      `${view.title}: ends ${ends} (${left} left)`,
      `${view.title}: ${ends}에 끝납니다 (${left} 남음)`,
    ),
    '',
    ...tasks,
    say('"kijabi exam submit" hands it in', '"kijabi exam submit"으로 제출합니다'),
  ].join('\n');
}

function examReportText(report: ExamReport): string {
  const rows = report.tasks.map((task) => [
    task.taskId,
    `${task.report.earned}/${task.report.points}`,
    minutes(task.spentMs),
    task.title[language()],
  ]);
  const title = report.title[language()];
  return [
    say(
      `${title}: ${report.score} % (pass ${report.passPercent} %): ${report.passed ? 'passed' : 'not passed'}`,
      `${title}: ${report.score} % (합격선 ${report.passPercent} %): ${report.passed ? '합격' : '불합격'}`,
    ),
    table([headings.results[language()], ...rows]),
  ].join('\n');
}

function taskText(view: TaskView): string {
  return [
    say(
      `${view.title} (session ${view.sessionId}, seed ${view.seed})`,
      `${view.title} (세션 ${view.sessionId}, 시드 ${view.seed})`,
    ),
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
          ...(criterion.expected === undefined
            ? []
            : [`      ${say('expected:', '기대:')} ${criterion.expected}`]),
          ...(criterion.actual === undefined
            ? []
            : [`      ${say('actual:  ', '실제:')} ${criterion.actual}`]),
          ...(criterion.why === undefined ? [] : [`      ${criterion.why}`]),
        ]),
  ]);
  return [
    ...lines,
    say(`${report.earned} of ${report.points} points`, `${report.points}점 중 ${report.earned}점`),
  ].join('\n');
}

const definedEnvironment = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  );
