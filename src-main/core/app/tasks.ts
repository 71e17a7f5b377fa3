import type { EventFrame } from '#contract';
import { type Clock, hex, type Logger, type Random, Turns } from '#core/base';
import {
  type Blueprint,
  type ExamRepository,
  gradeTask,
  instantiate,
  type PracticeSession,
  seedTask,
  type Task,
  type TaskInstance,
  type TaskResult,
} from '#core/exam';
import { badRequest, failure, isReason, notFound } from '#core/kube';
import type { Engine } from './engine-port.ts';
import type { CallContext, Handlers } from './serve.ts';
import { createTaskCluster, rewind } from './tasks-cluster.ts';
import { gradeReport, taskSummary, taskView } from './tasks-views.ts';

/** What tasks and exams need of their host. */
export interface ExamRoomOptions {
  readonly engine: Engine;
  readonly repository: ExamRepository;
  readonly tasks: readonly Task[];
  readonly blueprints: readonly Blueprint[];
  /** Wall clock. */
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Told of what belongs to failed checks, so that its cards fall due. */
  readonly onMissed?: (missed: Missed) => void;
}

/** What a person has to look at again. */
export interface Missed {
  /** Named by the failed checks, or by their tasks. */
  readonly cards: readonly string[];
  /** Of the tasks with failed checks for which no card is named. */
  readonly competencies: readonly string[];
}

export type Tell = (frame: EventFrame) => void;
type TaskHandlers = Pick<Handlers, Extract<keyof Handlers, `tasks.${string}`>>;

/** Mark of a cluster before its task was laid out. */
const pristine = 'pristine';
/** Mark of a cluster at the start of its task. */
const start = 'start';

/** Practice: one task at a time on a cluster of its own. */
export function createTaskHandlers(options: ExamRoomOptions, tell: Tell): TaskHandlers {
  const { engine, repository, clock, random } = options;
  const turns = new Map<string, Turns>();

  /** Calls of one session run one after the other. */
  const inOrder = <T>(sessionId: string, work: () => Promise<T>): Promise<T> => {
    const own = turns.get(sessionId) ?? new Turns();
    turns.set(sessionId, own);
    return own.take(work);
  };
  const sessionOf = (sessionId: string): PracticeSession => {
    const session = repository.practice(sessionId);
    if (!session) throw notFound({ group: '', resource: 'sessions' }, sessionId);
    return session;
  };
  /** A session whose cluster still stands. */
  const openSession = (sessionId: string): PracticeSession => {
    const session = sessionOf(sessionId);
    if (session.endedMs !== null)
      throw failure(410, 'Gone', 'this session has ended; start the task again');
    return session;
  };
  const instanceOf = ({ taskId, seed }: PracticeSession): TaskInstance =>
    instantiate(findTask(options.tasks, taskId), seed);
  const end = async (session: PracticeSession): Promise<void> => {
    repository.savePractice({ ...session, endedMs: clock.now() });
    await removeCluster(engine, session.clusterId);
  };

  // Practice clusters live in memory: what a former run left open cannot be gone on with.
  for (const session of repository.openPractice())
    repository.savePractice({ ...session, endedMs: clock.now() });

  const startTask = async (
    task: Task,
    seed: string,
    context: CallContext,
  ): Promise<PracticeSession> => {
    const { signal } = context;
    for (const open of repository.openPractice()) await end(open);
    const instance = instantiate(task, seed);
    const sessionId = hex(random, 16);
    const clusterId = `practice-${sessionId.slice(0, 8)}`;
    context.progress({ step: 'cluster.starting' });
    try {
      await engine.create({
        clusterId,
        name: task.id,
        topology: task.lab.topology,
        purpose: 'practice',
        seed: `${task.id}/${seed}`,
        persistent: false,
      });
      await engine.mark(clusterId, pristine);
      context.progress({ step: 'task.seeding' });
      const baseline = await seedTask(createTaskCluster(engine, clusterId), instance, signal);
      await engine.mark(clusterId, start);
      signal.throwIfAborted();
      const session: PracticeSession = {
        sessionId,
        taskId: task.id,
        seed,
        clusterId,
        startedMs: clock.now(),
        endedMs: null,
        hintsShown: 0,
        solutionShown: false,
        resets: 0,
        baseline,
      };
      repository.savePractice(session);
      return session;
    } catch (error) {
      await removeCluster(engine, clusterId);
      throw error;
    }
  };

  return {
    'tasks.list': () =>
      atOnce(() => {
        const statistics = repository.statistics();
        return options.tasks.map((task) => taskSummary(task, statistics.get(task.id)));
      }),
    'tasks.start': async ({ taskId, seed, language }, context) => {
      const task = findTask(options.tasks, taskId);
      const wanted = seedOf(seed, random);
      const session = await inOrder('start', () => startTask(task, wanted, context));
      tellChanged(tell);
      return taskView(session, instanceOf(session), language);
    },
    'tasks.get': ({ sessionId, language }) =>
      atOnce(() => {
        const session = sessionOf(sessionId);
        return taskView(session, instanceOf(session), language);
      }),
    'tasks.check': ({ sessionId, language }, context) =>
      inOrder(sessionId, async () => {
        const session = openSession(sessionId);
        const instance = instanceOf(session);
        context.progress({ step: 'task.grading' });
        const cluster = createTaskCluster(engine, session.clusterId);
        const result = await gradeTask(cluster, instance, session.baseline, context.signal);
        repository.recordAttempt({
          sessionId,
          taskId: session.taskId,
          seed: session.seed,
          gradedMs: clock.now(),
          durationMs: clock.now() - session.startedMs,
          points: result.points,
          earned: result.earned,
          hintsShown: session.hintsShown,
          solutionShown: session.solutionShown,
          inExam: false,
        });
        tellMissed(options, tell, [result]);
        tellChanged(tell);
        return gradeReport(result, language);
      }),
    'tasks.hint': ({ sessionId, language }) =>
      atOnce(() => {
        const session = openSession(sessionId);
        const instance = instanceOf(session);
        const hintsShown = Math.min(session.hintsShown + 1, instance.hints.length);
        const changed = { ...session, hintsShown };
        repository.savePractice(changed);
        return taskView(changed, instance, language);
      }),
    'tasks.solution': ({ sessionId, language }) =>
      atOnce(() => {
        const session = sessionOf(sessionId);
        if (!session.solutionShown) repository.savePractice({ ...session, solutionShown: true });
        return { markdown: instanceOf(session).solution[language] };
      }),
    'tasks.reset': ({ sessionId, language }, { signal }) =>
      inOrder(sessionId, async () => {
        const session = openSession(sessionId);
        const instance = instanceOf(session);
        const { clusterId } = session;
        let { baseline } = session;
        // A reset waits until the cluster is whole, which the start of such a task never is.
        if (instance.task.lab.isolated) {
          await rewind(engine, clusterId, pristine);
          baseline = await seedTask(createTaskCluster(engine, clusterId), instance, signal);
        } else await rewind(engine, clusterId, start);
        const changed = { ...session, baseline, resets: session.resets + 1 };
        repository.savePractice(changed);
        return taskView(changed, instance, language);
      }),
    'tasks.end': ({ sessionId }) =>
      inOrder(sessionId, async () => {
        const session = sessionOf(sessionId);
        if (session.endedMs === null) await end(session);
        turns.delete(sessionId);
        return {};
      }),
  };
}

/** @throws StatusError 404 */
export function findTask(tasks: readonly Task[], taskId: string): Task {
  const task = tasks.find(({ id }) => id === taskId);
  if (!task) throw notFound({ group: '', resource: 'tasks' }, taskId);
  return task;
}

/** The seed that a person gave, or one drawn by chance. @throws StatusError 400 it is too long. */
export function seedOf(given: string | undefined, random: Random): string {
  const seed = given?.trim() ?? '';
  if (seed.length > 100) throw badRequest('a seed has at most 100 characters');
  return seed === '' ? hex(random, 8) : seed;
}

/** Answers at once; what is thrown rejects. */
export function atOnce<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => resolve(work()));
}

/** Removes a cluster that may be gone already. */
export async function removeCluster(engine: Engine, clusterId: string): Promise<void> {
  await engine.remove(clusterId).catch((error: unknown) => {
    if (!isReason(error, 'NotFound')) throw error;
  });
}

/** Lets the cards of failed checks fall due, and tells the pages. */
export function tellMissed(
  { onMissed, tasks }: ExamRoomOptions,
  tell: Tell,
  results: readonly TaskResult[],
): void {
  const cards = new Set<string>();
  const competencies = new Set<string>();
  for (const { taskId, checks } of results) {
    const failed = checks.filter(({ outcome }) => outcome === 'failed');
    if (failed.length === 0) continue;
    const task = tasks.find(({ id }) => id === taskId);
    const named = failed.flatMap((check) => check.cards ?? task?.cards ?? []);
    for (const card of named) cards.add(card);
    if (named.length === 0) for (const each of task?.competencies ?? []) competencies.add(each);
  }
  if (!onMissed || cards.size + competencies.size === 0) return;
  onMissed({ cards: [...cards], competencies: [...competencies] });
  tell({ kind: 'event', event: 'study.changed', payload: { what: 'cards' } });
}

function tellChanged(tell: Tell): void {
  tell({ kind: 'event', event: 'study.changed', payload: { what: 'tasks' } });
}
