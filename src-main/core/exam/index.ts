export type { Assertion, CanIAssertion } from './assertion.ts';
export { checkTask, type TaskProblem } from './check-task.ts';
export { drawExam, examWeights } from './draw.ts';
export {
  ClusterDownError,
  type ClusterObject,
  type GradedCluster,
  type ObjectReference,
  type ProbeOutcome,
  type ProbeSource,
  type SeededCluster,
} from './graded-cluster.ts';
export { type CheckResult, gradeTask, type TaskResult } from './grading.ts';
export { instantiate, scriptOf, type TaskInstance } from './instance.ts';
export { applies, drawParams, paramNames, placeholders } from './params.ts';
export { parsePath } from './field-path.ts';
export { parseListReference, parseReference } from './reference.ts';
export { safePattern } from './safe-pattern.ts';
export { type ExamScore, scoreExam } from './score.ts';
export { type Baseline, readManifest, SeedError, seedTask } from './seeding.ts';
export {
  bookTime,
  type ExamOutcome,
  type ExamRepository,
  type ExamSession,
  type ExamTask,
  type PracticeSession,
  selectTask,
  type TaskAttempt,
  type TaskStatistics,
} from './sessions.ts';
export { type Blueprint, type Check, domains, type Task, type WrongSolution } from './task.ts';
