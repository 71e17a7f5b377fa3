import { badRequest, failure } from '#core/kube';
import {
  type BackupStore,
  NotInContentError,
  type PracticeResults,
  SettingsError,
  type Study,
} from '#core/study';
import { createAnswerRunner } from './answer-runner.ts';
import type { DomainHandlers } from './create-app.ts';
import type { Engine } from './engine-port.ts';
import { lessonHandlers } from './lessons.ts';
import { libraryHandlers } from './library.ts';
import { progressHandlers } from './progress.ts';
import { reviewHandlers } from './review.ts';
import { settingsHandlers } from './settings.ts';
import { StudyClusters } from './study-clusters.ts';
import type { StudyDeps } from './study-deps.ts';
import { todayHandlers } from './today.ts';

export interface StudyDomainOptions {
  readonly study: Study;
  readonly engine: Engine;
  readonly backups: BackupStore;
  /** What tasks and exams know; absent while there are none. */
  readonly practice?: PracticeResults;
}

const noPractice: PracticeResults = {
  tasks: () => [],
  exams: () => [],
  examInProgress: () => false,
};

/** Lessons, cards, today, progress, settings and backups: one of the `domains` of `createApp`. */
export function studyDomain({
  study,
  engine,
  backups,
  practice = noPractice,
}: StudyDomainOptions): (tell: StudyDeps['tell']) => DomainHandlers {
  return (tell) => {
    const clusters = new StudyClusters(engine);
    const runner = createAnswerRunner(engine, clusters, study);
    const deps: StudyDeps = { study, clusters, runner, practice, backups, tell };
    return withStatus({
      ...lessonHandlers(deps),
      ...reviewHandlers(deps),
      ...todayHandlers(deps),
      ...progressHandlers(deps),
      ...settingsHandlers(deps),
      ...libraryHandlers(deps),
    });
  };
}

/** What study throws by name leaves as a Status: 404 for what is not in the content, 400 for a wrong setting. */
function withStatus(handlers: DomainHandlers): DomainHandlers {
  type AnyHandler = (params: unknown, context: unknown) => Promise<unknown>;
  const wrapped = Object.entries(handlers as Record<string, AnyHandler>).map(
    ([method, handler]): [string, AnyHandler] => [
      method,
      async (params, context) => {
        try {
          return await handler(params, context);
        } catch (error) {
          if (error instanceof NotInContentError) throw failure(404, 'NotFound', error.message);
          if (error instanceof SettingsError) throw badRequest(error.message);
          throw error;
        }
      },
    ],
  );
  return Object.fromEntries(wrapped);
}
