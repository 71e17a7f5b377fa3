import {
  formatTime,
  isEmptySelector,
  isReason,
  matchesSelector,
  objectKey,
} from '../../machinery/index.ts';
import {
  type CycleState,
  failed,
  type NodeStatuses,
  type Plugin,
  type PostFilterAnswer,
  type Status,
  unresolvable,
  unschedulable,
} from '../framework.ts';
import { fitErrorMessage } from '../fit-error.ts';
import type { NodeInfo } from '../node-info.ts';
import type { PodInfo } from '../pod-info.ts';
import { messageOf } from '../profile.ts';
import {
  type BudgetView,
  labelsOf,
  namespaceOf,
  type PodView,
  priorityOf,
  uidOf,
} from '../views.ts';
import type { Handle } from './handle.ts';

export interface PreemptionArgs {
  readonly minCandidateNodesPercentage: number;
  readonly minCandidateNodesAbsolute: number;
}

interface Candidate {
  readonly node: string;
  /** Most important first. */
  readonly victims: readonly PodInfo[];
  readonly violations: number;
}

const startMs = (pod: PodView): number =>
  pod.status?.startTime ? Date.parse(pod.status.startTime) : Number.POSITIVE_INFINITY;

/** Higher priority first, then the longer running. @see pkg/scheduler/util/utils.go, MoreImportantPod */
function byImportance(a: PodInfo, b: PodInfo): number {
  const first = startMs(a.pod);
  const second = startMs(b.pod);
  return b.priority - a.priority || (first === second ? 0 : first < second ? -1 : 1);
}

/**
 * The most important first. Of pods that no kubelet has started the later placed counts as the more important one: upstream
 * takes the time of the comparison for their start, and its sort lets each overtake those before it.
 */
function sortedByImportance(pods: readonly PodInfo[]): PodInfo[] {
  const places = new Map(pods.map((info, index) => [info, index]));
  const placeOf = (info: PodInfo): number => places.get(info) ?? 0;
  return [...pods].sort(
    (a, b) => byImportance(a, b) || (a.pod.status?.startTime ? 0 : placeOf(b) - placeOf(a)),
  );
}

/** Splits pods by whether their eviction would break a budget; order is kept. */
function splitByBudget(
  pods: readonly PodInfo[],
  budgets: readonly BudgetView[],
): { readonly violating: PodInfo[]; readonly others: PodInfo[] } {
  const allowed = budgets.map(({ status }) => status?.disruptionsAllowed ?? 0);
  const violating: PodInfo[] = [];
  const others: PodInfo[] = [];
  for (const info of pods) {
    const { pod } = info;
    const labels = labelsOf(pod);
    let violated = false;
    if (Object.keys(labels).length > 0)
      for (const [index, budget] of budgets.entries()) {
        const selector = budget.spec?.selector;
        if (budget.metadata.namespace !== namespaceOf(pod)) continue;
        if (!selector || isEmptySelector(selector) || !matchesSelector(selector, labels)) continue;
        if (budget.status?.disruptedPods?.[pod.metadata.name ?? ''] !== undefined) continue;
        const left = (allowed[index] ?? 0) - 1;
        allowed[index] = left;
        if (left < 0) violated = true;
      }
    (violated ? violating : others).push(info);
  }
  return { violating, others };
}

/** The least set of pods of a node that must go. @param node a copy, changed on the way */
function selectVictims(
  handle: Handle,
  state: CycleState,
  pod: PodInfo,
  node: NodeInfo,
  budgets: readonly BudgetView[],
): { readonly victims: PodInfo[]; readonly violations: number } | Status {
  const possible = [...node.pods.values()].filter(({ priority }) => priority < pod.priority);
  const remove = (info: PodInfo): void => {
    node.removePod(info.uid);
    handle.notifyRemoved(state, pod, info, node);
  };
  for (const info of possible) remove(info);
  if (possible.length === 0) return unresolvable('No preemption victims found for incoming pod');
  const status = handle.runFilters(state, pod, node);
  if (status) return status;
  const victims: PodInfo[] = [];
  /** Lets a pod stay if the newcomer fits beside it. */
  const reprieve = (info: PodInfo): boolean => {
    node.addPod(info);
    handle.notifyAdded(state, pod, info, node);
    if (!handle.runFilters(state, pod, node)) return true;
    remove(info);
    victims.push(info);
    return false;
  };
  const { violating, others } = splitByBudget(sortedByImportance(possible), budgets);
  let violations = 0;
  for (const info of violating) if (!reprieve(info)) violations += 1;
  for (const info of others) reprieve(info);
  return { victims: sortedByImportance(victims), violations };
}

/** When the earliest of the most important victims started. */
function earliestStart({ victims }: Candidate): number {
  const top = victims[0]?.priority ?? 0;
  return Math.min(
    ...victims.filter(({ priority }) => priority === top).map(({ pod }) => startMs(pod)),
  );
}

/** @see framework/preemption/preemption.go, pickOneNodeForPreemption */
function pickOne(candidates: readonly Candidate[]): Candidate | undefined {
  const scores: ((candidate: Candidate) => number)[] = [
    ({ violations }) => -violations,
    ({ victims }) => -(victims[0]?.priority ?? 0),
    ({ victims }) => -victims.reduce((sum, { priority }) => sum + priority + 2 ** 31, 0),
    ({ victims }) => -victims.length,
    earliestStart,
  ];
  let left = candidates;
  for (const score of scores) {
    const values = left.map(score);
    const best = Math.max(...values);
    left = left.filter((_, index) => values[index] === best);
    if (left.length === 1) break;
  }
  return left[0];
}

function beingPreempted(pod: PodView): boolean {
  if (!pod.metadata.deletionTimestamp) return false;
  const condition = pod.status?.conditions?.find(({ type }) => type === 'DisruptionTarget');
  return condition?.status === 'True' && condition.reason === 'PreemptionByScheduler';
}

/** @see plugins/defaultpreemption/default_preemption.go */
export function defaultPreemption(args: PreemptionArgs, handle: Handle): Plugin {
  /** Pods whose victims are being evicted, and the last of them to go. */
  const running = new Map<string, PodView | undefined>();
  const pods = handle.informers.for('pods');
  const budgets = handle.informers.for('poddisruptionbudgets.policy');

  const evict = async (victim: PodView, preemptor: PodView, nodeName: string): Promise<void> => {
    const resource = handle.client.resource('pods');
    const { namespace, name = '' } = victim.metadata;
    try {
      await resource.patch(
        namespace,
        name,
        'strategic',
        {
          metadata: { uid: victim.metadata.uid },
          status: {
            conditions: [
              {
                type: 'DisruptionTarget',
                status: 'True',
                reason: 'PreemptionByScheduler',
                message: `${preemptor.spec?.schedulerName ?? ''}: preempting to accommodate a higher priority pod`,
                lastProbeTime: null,
                lastTransitionTime: formatTime(handle.clock.now()),
                ...(victim.metadata.generation
                  ? { observedGeneration: victim.metadata.generation }
                  : {}),
              },
            ],
          },
        },
        { subresource: 'status' },
      );
      await resource.delete(namespace, name);
    } catch (error) {
      if (isReason(error, 'NotFound')) return;
      throw error;
    }
    // Of whom it is for only the message tells: what upstream names there cannot be referred to.
    handle.events.record(
      victim,
      undefined,
      'Normal',
      'Preempted',
      'Preempting',
      `Preempted by pod ${uidOf(preemptor)} on node ${nodeName}`,
    );
  };

  const actuate = async ({ victims, node }: Candidate, pod: PodView): Promise<void> => {
    const going = victims.map((victim) => victim.pod).filter((v) => !v.metadata.deletionTimestamp);
    if (going.length === 0) return;
    const uid = uidOf(pod);
    running.set(uid, undefined);
    try {
      for (const other of handle.nominatedTo(node))
        if (other.priority < priorityOf(pod)) await handle.clearNomination(other.pod);
      for (const [index, victim] of going.entries()) {
        if (index === going.length - 1) running.set(uid, victim);
        await evict(victim, pod, node);
      }
      running.delete(uid);
    } catch (error) {
      running.delete(uid);
      handle.logger.log('warn', 'preemption failed', {
        pod: pod.metadata.name,
        error: error instanceof Error ? error.message : String(error),
      });
      handle.activate(pod);
    }
  };

  const preempt = (
    state: CycleState,
    pod: PodInfo,
    { byNode, absent }: NodeStatuses,
  ): PostFilterAnswer => {
    const current = pods.get(objectKey(pod.pod.metadata));
    if (!current) return { status: failed(`pod "${pod.pod.metadata.name ?? ''}" not found`) };
    if (current.spec?.preemptionPolicy === 'Never')
      return { status: unschedulable('not eligible due to preemptionPolicy=Never.') };
    const nominated = current.status?.nominatedNodeName;
    if (nominated && (byNode.get(nominated) ?? absent).code !== 'unresolvable') {
      const there = handle.cache.node(nominated)?.pods.values() ?? [];
      for (const other of there)
        if (other.priority < pod.priority && beingPreempted(other.pod))
          return {
            status: unschedulable('not eligible due to a terminating pod on the nominated node.'),
          };
    }
    const { nodes } = handle.cache;
    const potential = nodes.filter(
      ({ name }) => (byNode.get(name) ?? absent).code === 'unschedulable',
    );
    const statuses = new Map<string, Status>();
    const safe: Candidate[] = [];
    const violating: Candidate[] = [];
    if (potential.length > 0) {
      const wanted = Math.min(
        potential.length,
        Math.max(
          Math.trunc((potential.length * args.minCandidateNodesPercentage) / 100),
          args.minCandidateNodesAbsolute,
        ),
      );
      const offset = handle.random.integer(potential.length);
      const all = budgets.list();
      for (let i = 0; i < potential.length; i++) {
        const node = potential[(offset + i) % potential.length];
        if (!node) continue;
        const found = selectVictims(handle, state.clone(), pod, node.clone(), all);
        if ('code' in found) statuses.set(node.name, found);
        else if (found.victims.length === 0)
          statuses.set(
            node.name,
            failed(`expected at least one victim pod on node "${node.name}"`),
          );
        else (found.violations === 0 ? safe : violating).push({ node: node.name, ...found });
        if (safe.length > 0 && safe.length + violating.length >= wanted) break;
      }
    }
    const best = pickOne([...safe, ...violating]);
    if (!best) {
      const broken = [...statuses.values()].filter(({ code }) => code === 'error');
      if (broken.length > 0) return { status: failed(broken.map(messageOf).join(', ')) };
      const message = fitErrorMessage(nodes.length, {
        statuses: {
          byNode: statuses,
          absent: unresolvable('Preemption is not helpful for scheduling'),
        },
      });
      return { status: unschedulable(message), nominatedNodeName: '' };
    }
    void actuate(best, current);
    return { nominatedNodeName: best.node };
  };

  return {
    name: 'DefaultPreemption',
    events: [{ resource: 'AssignedPod', actions: ['delete'], hint: () => false }],
    preEnqueue: (pod) => {
      if (!running.has(uidOf(pod))) return undefined;
      const last = running.get(uidOf(pod));
      const now = last && pods.get(objectKey(last.metadata));
      if (last && (!now || now.metadata.deletionTimestamp)) return undefined;
      return unresolvable('waiting for the preemption for this pod to be finished');
    },
    postFilter: (state, pod, statuses) => {
      const answer = preempt(state, pod, statuses);
      return answer.status
        ? {
            ...answer,
            status: { ...answer.status, reasons: [`preemption: ${messageOf(answer.status)}`] },
          }
        : answer;
    },
  };
}
