import { type Random, seededRandom } from '#core/base';
import { type Blueprint, type Domain, domains, type Task } from './task.ts';

/** Tries of which the one that fits the clock best is taken. */
const tries = 200;
/** Sum of the target times, as a share of the exam's length, that an exam should have. */
const fitting = { least: 0.85, most: 1.05 };

/**
 * Draws the tasks of an exam: by domain as its shares demand, no task twice, target times near the length of
 * the exam. The same seed and pool draw the same.
 *
 * @throws Error the pool is too small for the blueprint.
 */
export function drawExam(
  blueprint: Blueprint,
  pool: readonly Task[],
  seed: string,
): readonly Task[] {
  const allowed = blueprint.tasks ? new Set(blueprint.tasks) : undefined;
  const tasks = pool
    .filter(({ id }) => !allowed || allowed.has(id))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  if (tasks.length < blueprint.taskCount)
    throw new Error(
      `exam ${blueprint.id} needs ${blueprint.taskCount} tasks, but there are only ${tasks.length}`,
    );
  const random = seededRandom(`${seed}/${blueprint.id}`);
  const counts = apportion(blueprint, tasks, random);
  let best: { readonly drawn: readonly Task[]; readonly misfit: number } | undefined;
  for (let attempt = 0; attempt < tries; attempt++) {
    const drawn = domains.flatMap((domain) =>
      shuffled(
        tasks.filter((task) => task.domain === domain),
        random,
      ).slice(0, counts.get(domain) ?? 0),
    );
    const misfit = misfitOf(drawn, blueprint.minutes * 60);
    if (!best || misfit < best.misfit) best = { drawn, misfit };
    if (misfit === 0) break;
  }
  return shuffled(best?.drawn ?? [], random);
}

/**
 * How many tasks of each domain. Systematic sampling: equidistant points with a random start on the line of the
 * shares, so a small share comes up as often as it should over many exams. What a domain lacks goes to the
 * others in the order of their shares.
 */
function apportion(
  blueprint: Blueprint,
  tasks: readonly Task[],
  random: Random,
): ReadonlyMap<Domain, number> {
  const available = new Map(
    domains.map((domain) => [domain, tasks.filter((task) => task.domain === domain).length]),
  );
  const counts = new Map<Domain, number>(domains.map((domain) => [domain, 0]));
  const total = domains.reduce((sum, domain) => sum + blueprint.domains[domain], 0);
  const start = random.next();
  for (let index = 0; index < blueprint.taskCount; index++) {
    let point = ((start + index) / blueprint.taskCount) * total;
    const hit = domains.find((domain) => (point -= blueprint.domains[domain]) < 0);
    const order = [...(hit ? [hit] : []), ...domains];
    const free = order.find((domain) => (counts.get(domain) ?? 0) < (available.get(domain) ?? 0));
    if (free) counts.set(free, (counts.get(free) ?? 0) + 1);
  }
  return counts;
}

/** Seconds by which the sum of target times misses the fitting range. */
function misfitOf(tasks: readonly Task[], examSeconds: number): number {
  const seconds = tasks.reduce((sum, task) => sum + task.targetSeconds, 0);
  return Math.max(0, fitting.least * examSeconds - seconds, seconds - fitting.most * examSeconds);
}

function shuffled<T>(items: readonly T[], random: Random): readonly T[] {
  const copy = [...items];
  for (let index = copy.length - 1; index > 0; index--) {
    const other = random.integer(index + 1);
    [copy[index], copy[other]] = [copy[other] as T, copy[index] as T];
  }
  return copy;
}

/**
 * What each task counts in the exam, percent: a domain's share, divided among its tasks by their weights. Domains
 * that were not drawn leave their share to the others.
 */
export function examWeights(blueprint: Blueprint, tasks: readonly Task[]): readonly number[] {
  const drawn = domains.filter((domain) => tasks.some((task) => task.domain === domain));
  const total = drawn.reduce((sum, domain) => sum + blueprint.domains[domain], 0);
  return tasks.map((task) => {
    const kin = tasks.filter(({ domain }) => domain === task.domain);
    const weights = kin.reduce((sum, { weight }) => sum + weight, 0);
    return ((blueprint.domains[task.domain] / total) * 100 * task.weight) / weights;
  });
}
