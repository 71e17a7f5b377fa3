import type { ExamReport, ExamView, Language } from '#contract';
import { type Disposable, hex, Turns } from '#core/base';
import {
  type Blueprint,
  bookTime,
  drawExam,
  type ExamSession,
  type ExamTask,
  examWeights,
  gradeTask,
  instantiate,
  scoreExam,
  seedTask,
  selectTask,
  type Task,
  type TaskResult,
} from '#core/exam';
import { badRequest, failure, isReason, notFound } from '#core/kube';
import type { CallContext, Handlers } from './serve.ts';
import { createTaskCluster } from './tasks-cluster.ts';
import { gradeReport, quickrefView } from './tasks-views.ts';
import {
  atOnce,
  type ExamRoomOptions,
  findTask,
  removeCluster,
  seedOf,
  type Tell,
  tellMissed,
} from './tasks.ts';

type ExamHandlers = Pick<Handlers, Extract<keyof Handlers, `exams.${string}`>>;

const tickMs = 1000;
const longestNotes = 100_000;

/** Exams under exam conditions: no hints, no feedback, a clock that never stops. */
export class Exams {
  readonly #options: ExamRoomOptions;
  readonly #tell: Tell;
  #ticker: Disposable | undefined;
  /** Starts and submissions run one after the other. */
  readonly #turns = new Turns();

  constructor(options: ExamRoomOptions, tell: Tell) {
    this.#options = options;
    this.#tell = tell;
    if (options.repository.currentExam()) this.#tick();
  }

  readonly handlers: ExamHandlers = {
    'exams.list': () =>
      atOnce(() =>
        this.#options.blueprints.map(({ id, title, minutes, taskCount, passPercent }) => ({
          examId: id,
          title,
          minutes,
          taskCount,
          passPercent,
        })),
      ),
    'exams.start': ({ examId, seed, language }, context) =>
      this.#turns.take(async () => {
        if (this.#options.repository.currentExam())
          throw failure(409, 'Conflict', 'an exam is in progress: go on with it or submit it');
        const wanted = seedOf(seed, this.#options.random);
        const session = await this.#start(this.#blueprint(examId), wanted, context);
        return this.#view(session, language);
      }),
    'exams.current': ({ language }) =>
      this.#turns.take(async () => {
        const session = this.#options.repository.currentExam();
        if (!session) return null;
        await this.#bringUp(session);
        if (this.#options.clock.now() >= session.endsMs) {
          await this.#submit(session);
          return null;
        }
        this.#tick();
        return this.#view(session, language);
      }),
    'exams.select': ({ sessionId, index, language }) =>
      atOnce(() => {
        const session = this.#running(sessionId);
        this.#demandIndex(session, index);
        return this.#save(selectTask(session, index, this.#options.clock.now()), language);
      }),
    'exams.flag': ({ sessionId, index, flagged, language }) =>
      atOnce(() => {
        const session = this.#running(sessionId);
        this.#demandIndex(session, index);
        const tasks = session.tasks.map((task, at) => (at === index ? { ...task, flagged } : task));
        return this.#save({ ...session, tasks }, language);
      }),
    'exams.notes': ({ sessionId, notes }) =>
      atOnce(() => {
        if (notes.length > longestNotes)
          throw badRequest(`notes have at most ${longestNotes} characters`);
        this.#options.repository.saveExam({ ...this.#running(sessionId), notes });
        return {};
      }),
    'exams.submit': ({ sessionId, language }, context) =>
      this.#turns.take(async () => {
        const session = this.#session(sessionId);
        if (session.finishedMs !== null) return this.#report(session, language);
        await this.#bringUp(session);
        const finished = await this.#submit(session, (done, total) =>
          context.progress({ step: 'exam.grading', fraction: done / total }),
        );
        return this.#report(finished, language);
      }),
    'exams.report': ({ sessionId, language }) =>
      atOnce(() => this.#report(this.#session(sessionId), language)),
    'exams.history': () => atOnce(() => this.#options.repository.outcomes()),
  };

  /** Stops the clock's pushes. */
  dispose(): void {
    this.#ticker?.dispose();
    this.#ticker = undefined;
  }

  async #start(blueprint: Blueprint, seed: string, context: CallContext): Promise<ExamSession> {
    const { signal } = context;
    const { engine, repository, clock, random } = this.#options;
    // The clusters of an exam stay for a look afterwards, until the next one begins.
    for (const { clusterId, purpose } of await engine.list())
      if (purpose === 'exam') await removeCluster(engine, clusterId);
    const drawn = drawExam(blueprint, this.#options.tasks, seed);
    const weights = examWeights(blueprint, drawn);
    const sessionId = hex(random, 16);
    const clusterIds = assignClusters(drawn, sessionId);
    try {
      const tasks: ExamTask[] = [];
      for (const [index, task] of drawn.entries()) {
        signal.throwIfAborted();
        context.progress({ step: 'exam.preparing', fraction: index / drawn.length });
        const clusterId = clusterIds[index] ?? '';
        if (clusterIds.indexOf(clusterId) === index) await this.#create(clusterId, task, seed);
        tasks.push({
          taskId: task.id,
          domain: task.domain,
          seed,
          clusterId,
          weight: weights[index] ?? 0,
          flagged: false,
          spentMs: 0,
          baseline: await seedTask(
            createTaskCluster(engine, clusterId),
            instantiate(task, seed),
            signal,
          ),
        });
      }
      // What was broken in files is on disk before the clock starts: a crash must not mend it.
      for (const clusterId of new Set(clusterIds)) await engine.save(clusterId);
      signal.throwIfAborted();
      const startedMs = clock.now();
      const session: ExamSession = {
        sessionId,
        examId: blueprint.id,
        seed,
        startedMs,
        endsMs: startedMs + blueprint.minutes * 60_000,
        finishedMs: null,
        current: 0,
        currentSinceMs: startedMs,
        notes: '',
        tasks,
        results: null,
      };
      repository.saveExam(session);
      this.#tellChanged();
      this.#tick();
      return session;
    } catch (error) {
      for (const clusterId of new Set(clusterIds)) await removeCluster(engine, clusterId);
      throw error;
    }
  }

  async #create(clusterId: string, task: Task, seed: string): Promise<void> {
    await this.#options.engine.create({
      clusterId,
      name: clusterId,
      topology: task.lab.topology,
      purpose: 'exam',
      seed,
      persistent: true,
    });
  }

  /** Brings up again what a crash took down; a cluster that will not come up leaves its tasks ungraded. */
  async #bringUp(session: ExamSession): Promise<void> {
    const { engine, logger } = this.#options;
    for (const clusterId of new Set(session.tasks.map((task) => task.clusterId))) {
      try {
        await engine.get(clusterId).catch(async (error: unknown) => {
          if (!isReason(error, 'NotFound')) throw error;
          const task = session.tasks.find((one) => one.clusterId === clusterId);
          if (task)
            await this.#create(clusterId, findTask(this.#options.tasks, task.taskId), session.seed);
        });
      } catch (error) {
        logger.log('error', `exam cluster ${clusterId} does not come up`, { error });
      }
    }
  }

  async #submit(
    running: ExamSession,
    onProgress: (done: number, total: number) => void = () => undefined,
  ): Promise<ExamSession> {
    const { engine, repository, clock } = this.#options;
    const finishedMs = Math.min(clock.now(), running.endsMs);
    const session = bookTime(running, finishedMs);
    const results: TaskResult[] = [];
    for (const [index, { taskId, seed, clusterId, baseline }] of session.tasks.entries()) {
      onProgress(index, session.tasks.length);
      const instance = instantiate(findTask(this.#options.tasks, taskId), seed);
      results.push(await gradeTask(createTaskCluster(engine, clusterId), instance, baseline));
    }
    const finished: ExamSession = { ...session, finishedMs, results };
    const { score } = scoreExam(finished);
    repository.saveExam(finished);
    repository.recordOutcome({
      sessionId: session.sessionId,
      examId: session.examId,
      finishedMs,
      score,
      passed: score >= this.#blueprint(session.examId).passPercent,
    });
    for (const [index, task] of finished.tasks.entries())
      repository.recordAttempt({
        sessionId: `${session.sessionId}/${index}`,
        taskId: task.taskId,
        seed: task.seed,
        gradedMs: finishedMs,
        durationMs: task.spentMs,
        points: results[index]?.points ?? 0,
        earned: results[index]?.earned ?? 0,
        hintsShown: 0,
        solutionShown: false,
        inExam: true,
      });
    this.dispose();
    tellMissed(this.#options, this.#tell, results);
    this.#tellChanged();
    return finished;
  }

  /** Pushes the time left every second, and submits when there is none. */
  #tick(): void {
    this.#ticker?.dispose();
    const session = this.#options.repository.currentExam();
    if (!session) return;
    const { clock, logger } = this.#options;
    const remainingMs = Math.max(0, session.endsMs - clock.now());
    const { sessionId } = session;
    this.#tell({ kind: 'event', event: 'exam.clock', payload: { sessionId, remainingMs } });
    if (remainingMs > 0)
      this.#ticker = clock.setTimer(Math.min(tickMs, remainingMs), () => this.#tick(), {
        background: true,
      });
    else
      this.#turns
        .take(async () => {
          const current = this.#options.repository.currentExam();
          if (!current || current.sessionId !== sessionId) return;
          await this.#bringUp(current);
          await this.#submit(current);
        })
        .catch((error: unknown) =>
          logger.log('error', 'the exam could not be graded when its time was up', { error }),
        );
  }

  #save(session: ExamSession, language: Language): ExamView {
    this.#options.repository.saveExam(session);
    return this.#view(session, language);
  }

  #view(session: ExamSession, language: Language): ExamView {
    return {
      sessionId: session.sessionId,
      examId: session.examId,
      title: this.#blueprint(session.examId).title[language],
      seed: session.seed,
      clusterId: session.tasks[session.current]?.clusterId ?? '',
      startedMs: session.startedMs,
      endsMs: session.endsMs,
      current: session.current,
      notes: session.notes,
      tasks: session.tasks.map((task, index) => {
        const instance = instantiate(findTask(this.#options.tasks, task.taskId), task.seed);
        return {
          index,
          taskId: task.taskId,
          title: instance.title[language],
          text: instance.text[language],
          host: instance.host,
          namespace: instance.namespace,
          clusterId: task.clusterId,
          weight: Math.round(task.weight),
          domain: task.domain,
          flagged: task.flagged,
          quickref: quickrefView(instance.task, language),
        };
      }),
    };
  }

  #report(session: ExamSession, language: Language): ExamReport {
    const { results, finishedMs } = session;
    if (!results || finishedMs === null)
      throw failure(409, 'Conflict', 'the exam is still in progress');
    const blueprint = this.#blueprint(session.examId);
    const { score, domains } = scoreExam(session);
    return {
      sessionId: session.sessionId,
      examId: session.examId,
      title: blueprint.title,
      seed: session.seed,
      startedMs: session.startedMs,
      finishedMs,
      score,
      passPercent: blueprint.passPercent,
      passed: score >= blueprint.passPercent,
      domains,
      tasks: session.tasks.flatMap((task, index) => {
        const result = results[index];
        if (!result) return [];
        const known = this.#options.tasks.find(({ id }) => id === task.taskId);
        return [
          {
            taskId: task.taskId,
            title: known
              ? instantiate(known, task.seed).title
              : { ko: task.taskId, en: task.taskId },
            domain: task.domain,
            weight: Math.round(task.weight),
            spentMs: task.spentMs,
            clusterId: task.clusterId,
            report: gradeReport(result, language),
          },
        ];
      }),
    };
  }

  #blueprint(examId: string): Blueprint {
    const blueprint = this.#options.blueprints.find(({ id }) => id === examId);
    if (!blueprint) throw notFound({ group: '', resource: 'exams' }, examId);
    return blueprint;
  }

  #session(sessionId: string): ExamSession {
    const session = this.#options.repository.exam(sessionId);
    if (!session) throw notFound({ group: '', resource: 'sessions' }, sessionId);
    return session;
  }

  /** @throws StatusError 410 it is over, or its time is. */
  #running(sessionId: string): ExamSession {
    const session = this.#session(sessionId);
    if (session.finishedMs !== null || this.#options.clock.now() >= session.endsMs)
      throw failure(410, 'Gone', 'the exam is over');
    return session;
  }

  #demandIndex(session: ExamSession, index: number): void {
    if (!session.tasks[index])
      throw badRequest(`the exam has tasks 0 to ${session.tasks.length - 1}, not ${index}`);
  }

  #tellChanged(): void {
    this.#tell({ kind: 'event', event: 'study.changed', payload: { what: 'exams' } });
  }
}

/** Tasks share a cluster of their topology, but one that breaks what others need has its own. */
function assignClusters(tasks: readonly Task[], sessionId: string): readonly string[] {
  const groups: string[] = [];
  return tasks.map((task, index) => {
    const key = task.lab.isolated ? `task ${index}` : task.lab.topology;
    if (!groups.includes(key)) groups.push(key);
    return `exam-${sessionId.slice(0, 8)}-${groups.indexOf(key) + 1}`;
  });
}
