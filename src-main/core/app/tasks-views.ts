import type { CriterionResult, GradeReport, Language, TaskSummary, TaskView } from '#contract';
import type { PracticeSession, Task, TaskInstance, TaskResult, TaskStatistics } from '#core/exam';

/** A task in the list: its title cannot name what is drawn only when it starts. */
export function taskSummary(task: Task, statistics: TaskStatistics | undefined): TaskSummary {
  return {
    taskId: task.id,
    title: task.title,
    domain: task.domain,
    competencies: task.competencies,
    tier: task.tier,
    targetSeconds: task.targetSeconds,
    weight: task.weight,
    bestScore: statistics?.bestScore ?? null,
    attempts: statistics?.attempts ?? 0,
  };
}

/** A practice session on the workbench. */
export function taskView(
  session: PracticeSession,
  instance: TaskInstance,
  language: Language,
): TaskView {
  return {
    sessionId: session.sessionId,
    taskId: session.taskId,
    seed: session.seed,
    title: instance.title[language],
    text: instance.text[language],
    host: instance.host,
    namespace: instance.namespace,
    clusterId: session.clusterId,
    targetSeconds: instance.task.targetSeconds,
    startedMs: session.startedMs,
    hintCount: instance.hints.length,
    hints: instance.hints.slice(0, session.hintsShown).map((hint) => hint[language]),
    quickref: quickrefView(instance.task, language),
  };
}

/** Links a task allows. */
export function quickrefView(
  task: Task,
  language: Language,
): readonly { readonly label: string; readonly url: string }[] {
  return task.quickref.map(({ label, url }) => ({ label: label[language], url }));
}

/** A result in one language. */
export function gradeReport(result: TaskResult, language: Language): GradeReport {
  return {
    taskId: result.taskId,
    points: result.points,
    earned: result.earned,
    criteria: result.checks.map((check): CriterionResult => ({
      criterionId: check.id,
      description: check.description[language],
      points: check.points,
      earned: check.earned,
      outcome: check.outcome,
      gate: check.gate,
      ...(check.expected === undefined ? {} : { expected: check.expected }),
      ...(check.actual === undefined ? {} : { actual: check.actual }),
      ...(check.why ? { why: check.why[language] } : {}),
      ...(check.lesson === undefined ? {} : { lessonId: check.lesson }),
      ...(check.cards ? { cards: check.cards } : {}),
    })),
  };
}
