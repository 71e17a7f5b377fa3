import type { Handlers } from './serve.ts';
import type { StudyDeps } from './study-deps.ts';

/** What was learnt so far. */
export function progressHandlers({ study, practice }: StudyDeps): Pick<Handlers, 'progress.get'> {
  return {
    'progress.get': () =>
      Promise.resolve({
        ...study.statistics(),
        domains: study.readiness(practice.tasks()),
        exams: practice.exams(),
      }),
  };
}
