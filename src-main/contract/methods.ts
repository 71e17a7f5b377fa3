import type {
  AppInfo,
  ClusterEventView,
  ClusterView,
  DoctorCheck,
  ObjectTableView,
  ResourceKindView,
  StationView,
  TerminalView,
} from './views/cluster.ts';
import type { Language } from './views/common.ts';
import type { Notice } from './views/notice.ts';
import type {
  ExamReport,
  ExamSummary,
  ExamView,
  GradeReport,
  TaskSummary,
  TaskView,
} from './views/exam.ts';
import type {
  BackupView,
  Grade,
  LessonSummary,
  LessonView,
  ProgressView,
  ReviewView,
  Settings,
  TodayView,
  Verdict,
} from './views/study.ts';

declare const paramsType: unique symbol;
declare const resultType: unique symbol;

/** A row of the table; the types live only in the compiler. */
export interface Call<Params, Result> {
  readonly [paramsType]?: Params;
  readonly [resultType]?: Result;
  /** Names of the parameters and what they must be: over a WebSocket a type is only a claim. */
  readonly params: Readonly<Record<string, ParamCheck>>;
}

export type ParamCheck =
  | 'string'
  | 'number'
  | 'boolean'
  | 'object'
  | 'string?'
  | 'number?'
  | 'boolean?'
  | 'string|null'
  | readonly string[];

const call = <Params, Result>(
  params: Readonly<Record<keyof Params & string, ParamCheck>>,
): Call<Params, Result> => ({
  params,
});

type None = Record<never, never>;
const language: readonly Language[] = ['ko', 'en'];
const grades: readonly Grade[] = ['again', 'hard', 'good', 'easy'];

const commandSignals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGKILL'] as const;
export type CommandSignal = (typeof commandSignals)[number];
/** Streams of commands have numbers from here on, each connection its own; terminals have those below. */
export const firstStreamId = 0x8000_0000;

/** Every call the renderer may make; client, handlers and tests take their types from this table. */
export const methods = {
  'app.info': call<None, AppInfo>({}),
  'app.doctor': call<None, readonly DoctorCheck[]>({}),
  /** What a person has to know of and can mend. */
  'app.notices': call<None, readonly Notice[]>({}),
  /** The person knows and leaves it as it is. */
  'app.dismissNotice': call<{ noticeId: string }, None>({ noticeId: 'string' }),
  'settings.get': call<None, Settings>({}),
  'settings.update': call<{ changes: Partial<Settings> }, Settings>({ changes: 'object' }),

  'today.get': call<None, TodayView>({}),
  'progress.get': call<None, ProgressView>({}),

  'lessons.list': call<None, readonly LessonSummary[]>({}),
  'lessons.get': call<{ lessonId: string; language: Language }, LessonView>({
    lessonId: 'string',
    language,
  }),
  /** Brings up (or finds) the lesson's own cluster. */
  'lessons.open': call<{ lessonId: string }, ClusterView>({ lessonId: 'string' }),
  'lessons.markDone': call<{ lessonId: string; blockId: string }, { done: readonly string[] }>({
    lessonId: 'string',
    blockId: 'string',
  }),
  /** Checks a mended manifest on the lesson's cluster, or a quiz answer (`answer` is the option's index). */
  'lessons.check': call<
    { lessonId: string; blockId: string; answer: string; language: Language },
    Verdict
  >({
    lessonId: 'string',
    blockId: 'string',
    answer: 'string',
    language,
  }),

  'review.get': call<{ language: Language }, ReviewView>({ language }),
  'review.answer': call<
    { cardId: string; grade: Grade; durationMs: number; language: Language },
    ReviewView
  >({
    cardId: 'string',
    grade: grades,
    durationMs: 'number',
    language,
  }),
  /** Checks a typed, command or manifest answer; commands and manifests run in the cards' cluster. */
  'review.check': call<{ cardId: string; answer: string; language: Language }, Verdict>({
    cardId: 'string',
    answer: 'string',
    language,
  }),
  'review.undo': call<{ language: Language }, ReviewView>({ language }),

  'tasks.list': call<None, readonly TaskSummary[]>({}),
  'tasks.start': call<{ taskId: string; seed?: string; language: Language }, TaskView>({
    taskId: 'string',
    seed: 'string?',
    language,
  }),
  'tasks.get': call<{ sessionId: string; language: Language }, TaskView>({
    sessionId: 'string',
    language,
  }),
  'tasks.check': call<{ sessionId: string; language: Language }, GradeReport>({
    sessionId: 'string',
    language,
  }),
  'tasks.hint': call<{ sessionId: string; language: Language }, TaskView>({
    sessionId: 'string',
    language,
  }),
  'tasks.solution': call<{ sessionId: string; language: Language }, { markdown: string }>({
    sessionId: 'string',
    language,
  }),
  'tasks.reset': call<{ sessionId: string; language: Language }, TaskView>({
    sessionId: 'string',
    language,
  }),
  'tasks.end': call<{ sessionId: string }, None>({ sessionId: 'string' }),

  /** The task under way; null when there is none. */
  'practice.current': call<{ language: Language }, TaskView | null>({ language }),
  /** Lets the reference solution run on the task's machines, as if the learner had typed it. */
  'practice.solve': call<
    { sessionId: string },
    { readonly exitCode: number; readonly stdout: string; readonly stderr: string }
  >({ sessionId: 'string' }),

  'exams.list': call<None, readonly ExamSummary[]>({}),
  'exams.start': call<{ examId: string; seed?: string; language: Language }, ExamView>({
    examId: 'string',
    seed: 'string?',
    language,
  }),
  /** The exam in progress, also after a crash; null when there is none. */
  'exams.current': call<{ language: Language }, ExamView | null>({ language }),
  'exams.select': call<{ sessionId: string; index: number; language: Language }, ExamView>({
    sessionId: 'string',
    index: 'number',
    language,
  }),
  'exams.flag': call<
    { sessionId: string; index: number; flagged: boolean; language: Language },
    ExamView
  >({
    sessionId: 'string',
    index: 'number',
    flagged: 'boolean',
    language,
  }),
  'exams.notes': call<{ sessionId: string; notes: string }, None>({
    sessionId: 'string',
    notes: 'string',
  }),
  'exams.submit': call<{ sessionId: string; language: Language }, ExamReport>({
    sessionId: 'string',
    language,
  }),
  'exams.report': call<{ sessionId: string; language: Language }, ExamReport>({
    sessionId: 'string',
    language,
  }),
  'exams.history': call<None, ProgressView['exams']>({}),

  'clusters.list': call<None, readonly ClusterView[]>({}),
  'clusters.create': call<{ name: string; topology: string }, ClusterView>({
    name: 'string',
    topology: 'string',
  }),
  'clusters.remove': call<{ clusterId: string }, None>({ clusterId: 'string' }),
  'clusters.setSpeed': call<{ clusterId: string; speed: number }, ClusterView>({
    clusterId: 'string',
    speed: 'number',
  }),
  'clusters.advance': call<{ clusterId: string; milliseconds: number }, ClusterView>({
    clusterId: 'string',
    milliseconds: 'number',
  }),
  /** `settled` is false when something still changed after ten simulated minutes. */
  'clusters.settle': call<{ clusterId: string }, ClusterView & { readonly settled: boolean }>({
    clusterId: 'string',
  }),
  'clusters.kinds': call<{ clusterId: string }, readonly ResourceKindView[]>({
    clusterId: 'string',
  }),
  'clusters.objects': call<
    {
      clusterId: string;
      group: string;
      version: string;
      resource: string;
      namespace: string | null;
    },
    ObjectTableView
  >({
    clusterId: 'string',
    group: 'string',
    version: 'string',
    resource: 'string',
    namespace: 'string|null',
  }),
  'clusters.object': call<
    {
      clusterId: string;
      group: string;
      version: string;
      resource: string;
      namespace: string | null;
      name: string;
    },
    { yaml: string }
  >({
    clusterId: 'string',
    group: 'string',
    version: 'string',
    resource: 'string',
    namespace: 'string|null',
    name: 'string',
  }),
  /** Server-side applies each document. */
  'clusters.apply': call<{ clusterId: string; yaml: string }, { applied: readonly string[] }>({
    clusterId: 'string',
    yaml: 'string',
  }),
  'clusters.events': call<
    { clusterId: string; namespace: string | null },
    readonly ClusterEventView[]
  >({
    clusterId: 'string',
    namespace: 'string|null',
  }),
  /** Writes since `revision`, as stations of the control plane. */
  'clusters.stations': call<{ clusterId: string; revision: number }, readonly StationView[]>({
    clusterId: 'string',
    revision: 'number',
  }),

  /** Runs a shell command on a machine as root to its end, as `ssh HOST COMMAND` would. */
  'clusters.run': call<
    { clusterId: string; host: string; command: string; stdin?: string },
    { readonly exitCode: number; readonly stdout: string; readonly stderr: string }
  >({
    clusterId: 'string',
    host: 'string',
    command: 'string',
    stdin: 'string?',
  }),

  /**
   * Runs a shell command on a machine as root, as `ssh HOST COMMAND` would, and answers when it ends. Its streams are
   * messages of the caller's own numbers: `streamId` for its input (an empty message ends it) and its output,
   * `streamId + 1` for its errors. Cancelling the call hangs up on the command.
   */
  'commands.run': call<
    { clusterId: string; host: string; command: string; streamId: number; input: boolean },
    { readonly exitCode: number }
  >({
    clusterId: 'string',
    host: 'string',
    command: 'string',
    streamId: 'number',
    input: 'boolean',
  }),
  /** Answers when the command has taken in what was sent to it so far. */
  'commands.drained': call<{ streamId: number }, None>({ streamId: 'number' }),
  /** So many more bytes of output have arrived: a command waits when nobody takes what it writes. */
  'commands.taken': call<{ streamId: number; bytes: number }, None>({
    streamId: 'number',
    bytes: 'number',
  }),
  'commands.signal': call<{ streamId: number; signal: CommandSignal }, None>({
    streamId: 'number',
    signal: commandSignals,
  }),

  /** A shell on a simulated machine, or one command on a terminal of its own. */
  'terminals.open': call<
    { clusterId: string; host: string; columns: number; rows: number; command?: string },
    TerminalView
  >({
    clusterId: 'string',
    host: 'string',
    columns: 'number',
    rows: 'number',
    command: 'string?',
  }),
  /** A shell of this computer, KUBECONFIG set to the cluster. */
  'terminals.openLocal': call<{ clusterId: string; columns: number; rows: number }, TerminalView>({
    clusterId: 'string',
    columns: 'number',
    rows: 'number',
  }),
  /** Sends what the terminal still remembers, then what follows: after a reload of the page. */
  'terminals.attach': call<{ terminalId: number; columns: number; rows: number }, TerminalView>({
    terminalId: 'number',
    columns: 'number',
    rows: 'number',
  }),
  'terminals.resize': call<{ terminalId: number; columns: number; rows: number }, None>({
    terminalId: 'number',
    columns: 'number',
    rows: 'number',
  }),
  'terminals.close': call<{ terminalId: number }, None>({ terminalId: 'number' }),
  /** Answers `terminal.edit`; null leaves the file as it was. */
  'terminals.edited': call<{ editId: number; content: string | null }, None>({
    editId: 'number',
    content: 'string|null',
  }),

  'library.backups': call<None, readonly BackupView[]>({}),
  'library.backup': call<None, BackupView>({}),
  'library.restore': call<{ backupId: string }, None>({ backupId: 'string' }),
} as const;

export type Methods = typeof methods;
export type MethodName = keyof Methods;
export type ParamsOf<M extends MethodName> = Methods[M] extends Call<infer P, unknown> ? P : never;
export type ResultOf<M extends MethodName> = Methods[M] extends Call<infer _P, infer R> ? R : never;

/**
 * Checks what came over the wire against the table.
 * @returns what is wrong, naming method and parameter; undefined when nothing is.
 */
export function checkParams(method: string, params: unknown): string | undefined {
  if (!Object.hasOwn(methods, method)) return `unknown method ${JSON.stringify(method)}`;
  if (typeof params !== 'object' || params === null || Array.isArray(params))
    return `${method}: parameters must be an object`;
  const checks: Readonly<Record<string, ParamCheck>> = methods[method as MethodName].params;
  for (const name of Object.keys(params))
    if (!Object.hasOwn(checks, name)) return `${method}: unknown parameter ${JSON.stringify(name)}`;
  for (const [name, check] of Object.entries(checks)) {
    const value = (params as Record<string, unknown>)[name];
    if (!passes(check, value))
      return `${method}: parameter ${name} must be ${typeof check === 'string' ? check : check.join(' or ')}`;
  }
  return undefined;
}

function passes(check: ParamCheck, value: unknown): boolean {
  if (typeof check !== 'string') return typeof value === 'string' && check.includes(value);
  if (check === 'string|null') return value === null || typeof value === 'string';
  if (check.endsWith('?')) return value === undefined || typeof value === check.slice(0, -1);
  if (check === 'object')
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  if (check === 'number') return typeof value === 'number' && Number.isFinite(value);
  return typeof value === check;
}
