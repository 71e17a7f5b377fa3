import { evaluate, type Evidence } from './evaluate.ts';
import { ClusterDownError, type GradedCluster, type ObjectReference } from './graded-cluster.ts';
import type { TaskInstance } from './instance.ts';
import type { Baseline } from './seeding.ts';
import type { Bilingual, Check } from './task.ts';

/** What one check found. A passed one carries no more than its text. */
export interface CheckResult {
  readonly id: string;
  readonly description: Bilingual;
  readonly points: number;
  readonly earned: number;
  /** `ungraded`: it could not be decided, and that is not the candidate's fault. */
  readonly outcome: 'passed' | 'failed' | 'ungraded';
  readonly gate: boolean;
  readonly expected?: string;
  readonly actual?: string;
  readonly why?: Bilingual;
  readonly lesson?: string;
  readonly cards?: readonly string[];
}

export interface TaskResult {
  readonly taskId: string;
  readonly points: number;
  /** 0 when a gate failed, whatever else passed. */
  readonly earned: number;
  readonly checks: readonly CheckResult[];
}

/** Simulated time that work under way may take before it counts as not done. */
const settleLimitMs = 60_000;

/**
 * Grades a task on the settled state of its cluster. Objects are read once, so that all checks see one state.
 */
export async function gradeTask(
  cluster: GradedCluster,
  instance: TaskInstance,
  baseline: Baseline,
  signal?: AbortSignal,
): Promise<TaskResult> {
  await cluster.settle(settleLimitMs);
  const evidence: Evidence = { cluster: readOnce(cluster), baseline };
  const checks: CheckResult[] = [];
  for (const check of instance.checks) {
    signal?.throwIfAborted();
    checks.push(await gradeCheck(check, instance, evidence));
  }
  const gateFailed = checks.some(({ gate, outcome }) => gate && outcome === 'failed');
  return {
    taskId: instance.task.id,
    points: sum(checks.map(({ points }) => points)),
    earned: gateFailed ? 0 : sum(checks.map(({ earned }) => earned)),
    checks,
  };
}

async function gradeCheck(
  check: Check,
  instance: TaskInstance,
  evidence: Evidence,
): Promise<CheckResult> {
  const result = {
    id: check.id,
    description: check.description,
    points: check.points,
    gate: check.gate ?? false,
  };
  try {
    const { holds, expected, actual } = await evaluate(check.assert, evidence);
    if (holds) return { ...result, earned: check.points, outcome: 'passed' };
    const miss = await findMiss(check, evidence);
    const lesson = miss?.lesson ?? instance.task.lesson;
    return {
      ...result,
      earned: 0,
      outcome: 'failed',
      expected,
      actual,
      ...(miss ? { why: miss.why } : {}),
      ...(lesson === undefined ? {} : { lesson }),
      ...(miss?.cards ? { cards: miss.cards } : {}),
    };
  } catch (error) {
    return {
      ...result,
      earned: 0,
      outcome: error instanceof ClusterDownError ? 'failed' : 'ungraded',
      actual: error instanceof Error ? error.message : String(error),
    };
  }
}

/** The first misconception that the state shows. */
async function findMiss(
  check: Check,
  evidence: Evidence,
): Promise<NonNullable<Check['miss']>[number] | undefined> {
  for (const miss of check.miss ?? [])
    if (!miss.when || (await evaluate(miss.when, evidence)).holds) return miss;
  return undefined;
}

/** The same cluster with every object read at most once. */
function readOnce(cluster: GradedCluster): GradedCluster {
  const seen = new Map<string, Promise<unknown>>();
  const once = <T>(key: string, read: () => Promise<T>): Promise<T> => {
    const known = seen.get(key) ?? read();
    seen.set(key, known);
    return known as Promise<T>;
  };
  const keyOf = (reference: Partial<ObjectReference>, more: string): string =>
    [reference.apiVersion, reference.kind, reference.namespace, reference.name, more].join('\n');
  return {
    get: (reference) => once(keyOf(reference, 'get'), () => cluster.get(reference)),
    list: (reference, selector = '') =>
      once(keyOf(reference, `list ${selector}`), () =>
        cluster.list(reference, selector === '' ? undefined : selector),
      ),
    canI: (question) => cluster.canI(question),
    probe: (request) => cluster.probe(request),
    readFile: (host, path) => cluster.readFile(host, path),
    unit: (host, name) => cluster.unit(host, name),
    run: (host, command) => cluster.run(host, command),
    settle: (limitMs) => cluster.settle(limitMs),
  };
}

const sum = (numbers: readonly number[]): number =>
  numbers.reduce((total, number) => total + number, 0);
