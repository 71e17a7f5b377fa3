import { loadAll } from 'js-yaml';
import type { Assertion } from './assertion.ts';
import type { ClusterObject, SeededCluster } from './graded-cluster.ts';
import type { TaskInstance } from './instance.ts';
import { parseReference } from './reference.ts';
import type { Check, SeedStep } from './task.ts';

/** Objects as they were when the task began, by reference; null where there was none. */
export type Baseline = Readonly<Record<string, ClusterObject | null>>;

/** A step of a task could not be laid out: the content is wrong, or the cluster cannot do it. */
export class SeedError extends Error {
  override readonly name = 'SeedError';
}

/** Simulated time a start may need to come to rest. */
const settleLimitMs = 120_000;

/**
 * Brings a fresh cluster to the start of a task and remembers what its do-no-harm checks compare with.
 * @throws SeedError naming task and step.
 */
export async function seedTask(
  cluster: SeededCluster,
  instance: TaskInstance,
  signal?: AbortSignal,
): Promise<Baseline> {
  for (const [index, step] of instance.steps.entries()) {
    signal?.throwIfAborted();
    try {
      await lay(cluster, instance, step);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      throw new SeedError(`task ${instance.task.id}: seed step ${index + 1}: ${problem}`, {
        cause: error,
      });
    }
  }
  await cluster.settle(settleLimitMs);
  return takeBaseline(cluster, instance.checks);
}

async function lay(cluster: SeededCluster, instance: TaskInstance, step: SeedStep): Promise<void> {
  if ('apply' in step) {
    const text = instance.manifests[step.apply];
    if (text === undefined) throw new Error(`there is no seed/${step.apply}`);
    for (const object of readManifest(text)) await cluster.apply(object);
  } else if ('file' in step) {
    const { host, path, content, mode } = step.file;
    await cluster.writeFile(
      host,
      path,
      content,
      mode === undefined ? undefined : parseInt(mode, 8),
    );
  } else if ('edit' in step) await edit(cluster, step.edit);
  else if ('unit' in step) await setUnit(cluster, step.unit);
  else if ('settle' in step) await cluster.settle(step.settle.seconds * 1000);
  else await cluster.advance(step.advance.seconds * 1000);
}

/** Documents of a manifest; empty ones are left out. */
export function readManifest(text: string): readonly ClusterObject[] {
  return loadAll(text, { maxDepth: 100 }).filter(
    (document): document is ClusterObject =>
      typeof document === 'object' && document !== null && !Array.isArray(document),
  );
}

async function edit(
  cluster: SeededCluster,
  change: { host: string; path: string; replace: string; with: string },
): Promise<void> {
  const { host, path } = change;
  const text = await cluster.readFile(host, path);
  if (text === null) throw new Error(`${host} has no file ${path}`);
  const found = text.split(change.replace).length - 1;
  if (found !== 1)
    throw new Error(
      `${host}:${path} holds ${JSON.stringify(change.replace)} ${found} times, not once`,
    );
  await cluster.writeFile(
    host,
    path,
    text.replace(change.replace, () => change.with),
  );
}

async function setUnit(
  cluster: SeededCluster,
  unit: Extract<SeedStep, { unit: unknown }>['unit'],
): Promise<void> {
  const verbs = [
    ...(unit.boot === undefined ? [] : [unit.boot === 'enabled' ? 'enable' : 'disable']),
    ...(unit.state === undefined ? [] : [unit.state === 'started' ? 'start' : 'stop']),
  ];
  for (const verb of verbs) {
    const { exitCode, stderr } = await cluster.run(unit.host, `systemctl ${verb} ${unit.name}`);
    if (exitCode !== 0) throw new Error(`systemctl ${verb} ${unit.name}: ${stderr.trim()}`);
  }
}

async function takeBaseline(cluster: SeededCluster, checks: readonly Check[]): Promise<Baseline> {
  const references = new Set(checks.flatMap(({ assert }) => watched(assert)));
  const baseline: Record<string, ClusterObject | null> = {};
  for (const reference of references)
    baseline[reference] = (await cluster.get(parseReference(reference))) ?? null;
  return baseline;
}

function watched(assertion: Assertion): readonly string[] {
  if ('unchanged' in assertion) return assertion.unchanged;
  if ('any' in assertion) return assertion.any.flatMap(watched);
  if ('all' in assertion) return assertion.all.flatMap(watched);
  return 'not' in assertion ? watched(assertion.not) : [];
}
