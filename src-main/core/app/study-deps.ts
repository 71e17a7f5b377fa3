import type { EventFrame } from '#contract';
import type { AnswerRunner, BackupStore, PracticeResults, Study } from '#core/study';
import type { StudyClusters } from './study-clusters.ts';

/** What the handlers of study share. */
export interface StudyDeps {
  readonly study: Study;
  readonly clusters: StudyClusters;
  readonly runner: AnswerRunner;
  readonly practice: PracticeResults;
  readonly backups: BackupStore;
  readonly tell: (frame: EventFrame) => void;
}
