import { type ExamRepository, instantiate, scriptOf, type Task } from '#core/exam';
import { failure, notFound } from '#core/kube';
import type { PracticeResults } from '#core/study';
import type { DomainHandlers } from './create-app.ts';
import { Exams } from './exams.ts';
import type { Handlers } from './serve.ts';
import { taskView } from './tasks-views.ts';
import { createTaskHandlers, type ExamRoomOptions, findTask, type Tell } from './tasks.ts';

/** Practice and exams: one of the `domains` of `createApp`. */
export function examDomain(
  options: ExamRoomOptions,
): (tell: Tell, onDispose?: (work: () => void) => void) => DomainHandlers {
  return (tell, onDispose) => {
    const exams = new Exams(options, tell);
    onDispose?.(() => exams.dispose());
    return {
      ...createTaskHandlers(options, tell),
      ...exams.handlers,
      ...practiceHandlers(options),
    };
  };
}

/** What study wants to know of practice and exams. */
export function practiceResults(
  repository: ExamRepository,
  tasks: readonly Task[],
): PracticeResults {
  return {
    tasks: () => {
      const statistics = repository.statistics();
      return tasks.map(({ id, title, domain }) => {
        const best = statistics.get(id)?.bestScore ?? null;
        return { taskId: id, title, domain, bestScore: best === null ? null : best / 100 };
      });
    },
    exams: () => repository.outcomes(),
    examInProgress: () => repository.currentExam() !== undefined,
  };
}

/** For the command line, which holds no page with a session. */
function practiceHandlers({
  engine,
  repository,
  tasks,
}: ExamRoomOptions): Pick<Handlers, 'practice.current' | 'practice.solve'> {
  return {
    'practice.current': ({ language }) => {
      const session = repository.openPractice().at(-1);
      if (!session) return Promise.resolve(null);
      return Promise.resolve(
        taskView(session, instantiate(findTask(tasks, session.taskId), session.seed), language),
      );
    },
    'practice.solve': async ({ sessionId }) => {
      const session = repository.practice(sessionId);
      if (!session) throw notFound({ group: '', resource: 'sessions' }, sessionId);
      if (session.endedMs !== null)
        throw failure(410, 'Gone', 'this session has ended; start the task again');
      repository.savePractice({ ...session, solutionShown: true });
      const instance = instantiate(findTask(tasks, session.taskId), session.seed);
      return engine.run(session.clusterId, instance.host, scriptOf(instance, 'ref.sh'));
    },
  };
}
