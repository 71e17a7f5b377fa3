import type { TodayView } from '#contract';
import type { DomainReadiness, PracticeTask } from '#core/study';
import { lessonSummary } from './lessons.ts';
import type { Handlers } from './serve.ts';
import type { StudyDeps } from './study-deps.ts';

/** What to do today. */
export function todayHandlers({ study, practice }: StudyDeps): Pick<Handlers, 'today.get'> {
  return {
    'today.get': () => {
      const tasks = practice.tasks();
      const domains = study.readiness(tasks);
      const lesson = study.nextLesson();
      return Promise.resolve({
        counts: study.review().counts,
        nextLesson: lesson ? lessonSummary(study, lesson) : null,
        drill: drillOf(tasks, domains),
        examDate: study.settings().examDate,
        daysToExam: study.daysToExam(),
        domains,
        streakDays: study.streakDays(),
        examInProgress: practice.examInProgress(),
      });
    },
  };
}

/** The task done worst of the domain where the most points of the exam are missing. */
function drillOf(
  tasks: readonly PracticeTask[],
  domains: readonly DomainReadiness[],
): TodayView['drill'] {
  const missing = [...domains].sort(
    (a, b) => b.weight * (1 - (b.readiness ?? 0)) - a.weight * (1 - (a.readiness ?? 0)),
  );
  for (const { domain } of missing) {
    const [worst] = tasks
      .filter((task) => task.domain === domain && (task.bestScore ?? 0) < 1)
      .sort((a, b) => (a.bestScore ?? 0) - (b.bestScore ?? 0));
    if (worst) return { taskId: worst.taskId, title: worst.title, domain };
  }
  return null;
}
