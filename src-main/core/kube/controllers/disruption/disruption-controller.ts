import { jsonEqual } from '#core/base';
import type {
  BudgetView,
  PodDisruptionBudget,
  PodDisruptionBudgetStatus,
} from '../../apis/index.ts';
import { controllerOf, type Result, WorkQueue } from '../../client/index.ts';
import {
  type Condition,
  formatTime,
  keyOf,
  matchesSelector,
  objectKey,
  type ObjectKey,
} from '../../machinery/index.ts';
import { type Controller, type ControllerContext, mutableCopy, textOf } from '../shared/context.ts';
import { enqueueSelf, queueController } from '../shared/informer-queue.ts';
import { scaledValue } from '../shared/int-or-percent.ts';
import { goSelectorText } from '../shared/selector-text.ts';
import { isPodReady, isPodTerminal, type PodView, timeMs } from '../shared/pods.ts';

/** How long an evicted pod counts as gone although it is still there. */
const deletionTimeoutMs = 2 * 60_000;

/**
 * Counts what PodDisruptionBudgets allow.
 *
 * @see k8s.io/kubernetes/pkg/controller/disruption/disruption.go
 */
export function createDisruptionController(context: ControllerContext): Controller {
  const { client, informers, recorder, clock } = context;
  const budgets = informers.for('poddisruptionbudgets.policy');
  const pods = informers.for('pods');
  const deployments = informers.for('deployments.apps');
  const replicaSets = informers.for('replicasets.apps');
  const statefulSets = informers.for('statefulsets.apps');
  const replicationControllers = informers.for('replicationcontrollers');
  const queue = new WorkQueue<ObjectKey>(clock);

  async function reconcile(key: ObjectKey): Promise<Result> {
    const budget = budgets.get(key);
    if (!budget) return {};
    try {
      return await sync(budget);
    } catch (error) {
      await failSafe(budget, error);
      throw error;
    }
  }

  async function sync(budget: BudgetView): Promise<Result> {
    const selected = pods
      .list(budget.metadata.namespace)
      .filter((pod) => matchesBudget(budget, pod) && !isPodTerminal(pod));
    if (selected.length === 0) recorder.event(budget, 'Normal', 'NoPods', 'No matching pods found');
    let counts: ReturnType<typeof expectations>;
    try {
      counts = expectations(budget, selected);
    } catch (error) {
      recorder.event(
        budget,
        'Warning',
        'CalculateExpectedPodCountFailed',
        `Failed to calculate the number of expected pods: ${textOf(error)}`,
      );
      throw error;
    }
    const { expected, desired, unmanaged } = counts;
    if (unmanaged.length > 0)
      recorder.event(
        budget,
        'Warning',
        'UnmanagedPods',
        `Pods selected by this PodDisruptionBudget (selector: ${goSelectorText(budget.spec?.selector)}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.`,
      );
    const nowMs = clock.now();
    const { disrupted, recheckMs } = disruptedPods(budget, selected, nowMs);
    const healthy = selected.filter(
      (pod) =>
        !pod.metadata.deletionTimestamp &&
        disrupted[pod.metadata.name ?? ''] === undefined &&
        isPodReady(pod),
    ).length;
    const allowed = expected <= 0 ? 0 : Math.max(0, healthy - desired);
    const status: PodDisruptionBudgetStatus = {
      ...(Object.keys(disrupted).length > 0 ? { disruptedPods: disrupted } : {}),
      currentHealthy: healthy,
      desiredHealthy: desired,
      disruptionsAllowed: allowed,
      expectedPods: expected,
      ...(budget.metadata.generation ? { observedGeneration: budget.metadata.generation } : {}),
      conditions: withCondition(budget, {
        type: 'DisruptionAllowed',
        status: allowed > 0 ? 'True' : 'False',
        reason: allowed > 0 ? 'SufficientPods' : 'InsufficientPods',
        message: '',
        ...(budget.metadata.generation ? { observedGeneration: budget.metadata.generation } : {}),
      }),
    };
    if (!jsonEqual(budget.status, status)) await write(budget, status);
    return recheckMs === undefined ? {} : { requeueAfterMs: recheckMs };
  }

  function expectations(
    budget: BudgetView,
    selected: readonly PodView[],
  ): { expected: number; desired: number; unmanaged: string[] } {
    const { maxUnavailable, minAvailable } = budget.spec ?? {};
    if (maxUnavailable !== undefined) {
      const { expected, unmanaged } = expectedScale(selected);
      const desired = Math.max(0, expected - scaledValue(maxUnavailable, expected, true));
      return { expected, desired, unmanaged };
    }
    if (typeof minAvailable === 'number')
      return { expected: selected.length, desired: minAvailable, unmanaged: [] };
    if (minAvailable !== undefined) {
      const { expected, unmanaged } = expectedScale(selected);
      return { expected, desired: scaledValue(minAvailable, expected, true), unmanaged };
    }
    return { expected: 0, desired: 0, unmanaged: [] };
  }

  /** What the pods' controllers want to run, each counted once. */
  function expectedScale(selected: readonly PodView[]): { expected: number; unmanaged: string[] } {
    const scales = new Map<string, number>();
    const unmanaged: string[] = [];
    for (const pod of selected) {
      const owner = controllerOf(pod);
      if (!owner) {
        unmanaged.push(pod.metadata.name ?? '');
        continue;
      }
      const found = scaleOf(owner, pod.metadata.namespace);
      if (!found) throw new Error(`found no controllers for pod "${pod.metadata.name ?? ''}"`);
      scales.set(found.uid, found.replicas);
    }
    return { expected: [...scales.values()].reduce((sum, count) => sum + count, 0), unmanaged };
  }

  function scaleOf(
    owner: { readonly kind: string; readonly name: string; readonly uid: string },
    namespace: string | undefined,
  ): { uid: string; replicas: number } | undefined {
    const key = keyOf(namespace, owner.name);
    if (owner.kind === 'ReplicaSet') {
      const set = replicaSets.get(key);
      const parent = set && controllerOf(set);
      const deployment =
        parent?.kind === 'Deployment' ? deployments.get(keyOf(namespace, parent.name)) : undefined;
      if (deployment && parent && deployment.metadata.uid === parent.uid)
        return { uid: parent.uid, replicas: deployment.spec?.replicas ?? 1 };
      return set && set.metadata.uid === owner.uid
        ? { uid: owner.uid, replicas: set.spec?.replicas ?? 1 }
        : undefined;
    }
    const object =
      owner.kind === 'StatefulSet'
        ? statefulSets.get(key)
        : owner.kind === 'ReplicationController'
          ? replicationControllers.get(key)
          : undefined;
    return object && object.metadata.uid === owner.uid
      ? { uid: owner.uid, replicas: object.spec?.replicas ?? 1 }
      : undefined;
  }

  function disruptedPods(
    budget: BudgetView,
    selected: readonly PodView[],
    nowMs: number,
  ): { disrupted: Record<string, string>; recheckMs?: number } {
    const disrupted: Record<string, string> = {};
    let recheckMs: number | undefined;
    for (const pod of selected) {
      const name = pod.metadata.name ?? '';
      const time = budget.status?.disruptedPods?.[name];
      if (time === undefined || pod.metadata.deletionTimestamp) continue;
      const leftMs = (timeMs(time) ?? 0) + deletionTimeoutMs - nowMs;
      if (leftMs < 0) {
        const namespace = budget.metadata.namespace ?? '';
        recorder.event(
          pod,
          'Warning',
          'NotDeleted',
          `Pod was expected by PDB ${namespace}/${namespace} to be deleted but it wasn't`,
        );
        continue;
      }
      disrupted[name] = time;
      recheckMs = Math.min(recheckMs ?? leftMs, leftMs);
    }
    return { disrupted, ...(recheckMs === undefined ? {} : { recheckMs: recheckMs + 1 }) };
  }

  /** Nothing may be disrupted while the count is not known. */
  async function failSafe(budget: BudgetView, error: unknown): Promise<void> {
    const before = mutableCopy<PodDisruptionBudgetStatus>(
      budget.status ?? {
        currentHealthy: 0,
        desiredHealthy: 0,
        disruptionsAllowed: 0,
        expectedPods: 0,
      },
    );
    const status = {
      ...before,
      disruptionsAllowed: 0,
      conditions: withCondition(budget, {
        type: 'DisruptionAllowed',
        status: 'False',
        reason: 'SyncFailed',
        message: textOf(error),
      }),
    };
    if (!jsonEqual(before, status)) await write(budget, status);
  }

  function withCondition(budget: BudgetView, condition: Condition): Condition[] {
    const present = budget.status?.conditions?.find(({ type }) => type === condition.type);
    const time = present?.status === condition.status ? present.lastTransitionTime : undefined;
    return [
      ...mutableCopy<Condition[]>(budget.status?.conditions ?? []).filter(
        ({ type }) => type !== condition.type,
      ),
      { ...condition, lastTransitionTime: time ?? formatTime(clock.now()) },
    ];
  }

  async function write(budget: BudgetView, status: PodDisruptionBudgetStatus): Promise<void> {
    const draft = mutableCopy<PodDisruptionBudget>(budget);
    await client.resource('poddisruptionbudgets.policy').updateStatus({ ...draft, status });
  }

  function enqueueFor(...states: readonly PodView[]): void {
    for (const budget of budgets.list(states[0]?.metadata.namespace))
      if (states.some((pod) => matchesBudget(budget, pod))) queue.add(objectKey(budget.metadata));
  }

  return queueController(context, {
    name: 'disruption-controller',
    queue,
    reconcile,
    workers: 1,
    handlers: (own) => {
      own(enqueueSelf(budgets, queue));
      own(
        pods.addHandler({
          onAdd: (pod) => enqueueFor(pod),
          onUpdate: (previous, pod) => enqueueFor(previous, pod),
          onDelete: (pod) => enqueueFor(pod),
        }),
      );
    },
  });
}

/** An empty selector selects all pods of the namespace, an absent one none. */
function matchesBudget(budget: BudgetView, pod: PodView): boolean {
  const selector = budget.spec?.selector;
  return selector !== undefined && matchesSelector(selector, pod.metadata.labels);
}
