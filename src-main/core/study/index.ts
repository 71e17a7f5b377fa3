export {
  checkCommand,
  checkManifest,
  checkMistake,
  checkQuiz,
  checkTyped,
  judgeCommand,
  judgeManifest,
} from './answers.ts';
export {
  assembleContent,
  type CardFile,
  defaultTopology,
  joinLesson,
  liveBlocks,
  refuseProblems,
  type ReportProblem,
  unlessBroken,
} from './content.ts';
export { type ObjectReference, parsePath, parseReference } from './expectations.ts';
export { facesOf } from './faces.ts';
export { ContentError, type LessonFile, parseLessonFile } from './lesson-format.ts';
export type {
  AnswerRunner,
  BackupReason,
  BackupRecord,
  BackupStore,
  CommandAttempt,
  CommandOutcome,
  DryRunOutcome,
  ExamResult,
  Place,
  PracticeResults,
  PracticeTask,
  Review,
  StoredReview,
  StudyClock,
  StudyRepository,
} from './ports.ts';
export type { DomainReadiness } from './statistics.ts';
export {
  NotInContentError,
  type ReviewState,
  SettingsError,
  Study,
  type StudyOptions,
  type StudyStatistics,
} from './study.ts';
export { isTypedAnswer } from './typed-answer.ts';
export {
  type Card,
  type CommandCard,
  domainNames,
  domains,
  type Grade,
  type Language,
  type Lesson,
  type LessonBlock,
  type ManifestCard,
  type MemoryState,
  type MistakeBlock,
  type ObjectExpectation,
  type Settings,
  type StudyContent,
  type Verdict,
} from './types.ts';
