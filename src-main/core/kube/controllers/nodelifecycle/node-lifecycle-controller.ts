import type { Disposable } from '#core/base';
import { DisposableStore, jsonEqual } from '#core/base';
import type { Node, NodeCondition, Pod } from '../../apis/index.ts';
import { formatTime, isReason, keyOf } from '../../machinery/index.ts';
import { type Controller, type ControllerContext, mutableCopy, textOf } from '../shared/context.ts';
import { changeTaints, nodeCondition, nodeReference, type NodeView } from '../shared/nodes.ts';
import { isPodReady, podNodeIndex, podNodeKeys, type PodView, timeMs } from '../shared/pods.ts';
import { TaintLimiter, zoneOf, zoneState, type ZoneState } from './zones.ts';

export interface NodeLifecycleOptions {
  /** `--node-monitor-period` and its siblings, ms. */
  readonly monitorPeriodMs?: number;
  readonly monitorGracePeriodMs?: number;
  readonly startupGracePeriodMs?: number;
  readonly evictionRate?: number;
  readonly secondaryEvictionRate?: number;
  readonly largeClusterThreshold?: number;
  readonly unhealthyZoneThreshold?: number;
}

interface Health {
  probeMs: number;
  heartbeat: string | undefined;
  hasCondition: boolean;
  renewTime: string | undefined;
}

const unreachableTaint = { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' };
const notReadyTaint = { key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' };

/** Condition and status → the NoSchedule taint that says it. */
const conditionTaints: readonly (readonly [type: string, status: string, key: string])[] = [
  ['Ready', 'False', 'node.kubernetes.io/not-ready'],
  ['Ready', 'Unknown', 'node.kubernetes.io/unreachable'],
  ['MemoryPressure', 'True', 'node.kubernetes.io/memory-pressure'],
  ['DiskPressure', 'True', 'node.kubernetes.io/disk-pressure'],
  ['NetworkUnavailable', 'True', 'node.kubernetes.io/network-unavailable'],
  ['PIDPressure', 'True', 'node.kubernetes.io/pid-pressure'],
];
const kubeletConditions = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

/**
 * Finds nodes whose kubelet is silent, and taints nodes by their conditions.
 *
 * @see k8s.io/kubernetes/pkg/controller/nodelifecycle/node_lifecycle_controller.go
 */
export function createNodeLifecycleController(
  context: ControllerContext,
  options: NodeLifecycleOptions = {},
): Controller {
  const { client, informers, recorder, clock, logger } = context;
  const monitorPeriodMs = options.monitorPeriodMs ?? 5000;
  const graceMs = options.monitorGracePeriodMs ?? 50_000;
  const startupGraceMs = options.startupGracePeriodMs ?? 60_000;
  const evictionRate = options.evictionRate ?? 0.1;
  const nodes = informers.for('nodes');
  const pods = informers.for('pods');
  const leases = informers.for('leases.coordination.k8s.io');
  const health = new Map<string, Health>();
  const known = new Map<string, string | undefined>();
  const limiters = new Map<string, TaintLimiter>();
  const states = new Map<string, ZoneState>();
  const toRetry = new Set<string>();
  const owned = new DisposableStore();
  let timer: Disposable | undefined;
  let disposed = false;
  let taintWork = Promise.resolve();

  const limiterOf = (node: NodeView): TaintLimiter => {
    const zone = zoneOf(node);
    let limiter = limiters.get(zone);
    if (!limiter) limiters.set(zone, (limiter = new TaintLimiter(clock, evictionRate)));
    return limiter;
  };

  /** A round over all nodes. */
  async function monitor(): Promise<void> {
    const all = nodes.list();
    for (const node of all) {
      const name = node.metadata.name ?? '';
      if (known.has(name)) continue;
      known.set(name, node.metadata.uid);
      recordNode(
        name,
        node.metadata.uid,
        'RegisteredNode',
        `Registered Node ${name} in Controller`,
      );
      await markReachable(node);
    }
    for (const [name, uid] of known) {
      if (nodes.get(keyOf(undefined, name))) continue;
      known.delete(name);
      health.delete(name);
      recordNode(name, uid, 'RemovingNode', `Removing Node ${name} from Controller`);
    }
    const zones = new Map<string, { ready: number; notReady: number }>();
    for (const node of all) {
      try {
        const current = await checkNode(node);
        if (node.metadata.labels?.['node.kubernetes.io/exclude-disruption'] !== undefined) continue;
        const zone = zones.get(zoneOf(node)) ?? { ready: 0, notReady: 0 };
        if (current === 'True') zone.ready += 1;
        else zone.notReady += 1;
        zones.set(zoneOf(node), zone);
      } catch (error) {
        logger.log('debug', 'node health not updated', {
          node: node.metadata.name,
          error: textOf(error),
        });
      }
    }
    await handleDisruption(zones, all);
    await taintWaiting();
  }

  /** @returns the Ready status the node has now. */
  async function checkNode(cached: NodeView): Promise<string | undefined> {
    const name = cached.metadata.name ?? '';
    let node = cached;
    const observed = nodeCondition(node, 'Ready')?.status ?? 'Unknown';
    if (isSilent(node)) node = (await markUnknown(node)) ?? node;
    const current = nodeCondition(node, 'Ready')?.status;
    if (current === undefined) return undefined;
    await taintByReadiness(node, current);
    const becameNotReady = current !== 'True' && observed === 'True';
    if (becameNotReady)
      recordNode(
        name,
        node.metadata.uid,
        'NodeNotReady',
        `Node ${name} status is now: NodeNotReady`,
      );
    if (becameNotReady || (toRetry.has(name) && current !== 'True')) {
      toRetry.add(name);
      await markPodsNotReady(podsOn(name), name);
    }
    toRetry.delete(name);
    return current;
  }

  /** Notes signs of life; true when there were none for the grace period. */
  function isSilent(node: NodeView): boolean {
    const name = node.metadata.name ?? '';
    const ready = nodeCondition(node, 'Ready');
    const nowMs = clock.now();
    const lease = leases.get(keyOf('kube-node-lease', name));
    const renewTime = lease?.spec?.renewTime;
    let state = health.get(name);
    if (!state) {
      const createdMs = timeMs(node.metadata.creationTimestamp) ?? nowMs;
      state = {
        probeMs: ready ? nowMs : createdMs,
        heartbeat: ready?.lastHeartbeatTime,
        hasCondition: ready !== undefined,
        renewTime: undefined,
      };
      health.set(name, state);
    } else if (
      state.hasCondition !== (ready !== undefined) ||
      (ready && state.heartbeat !== ready.lastHeartbeatTime)
    ) {
      state.probeMs = nowMs;
    }
    state.heartbeat = ready?.lastHeartbeatTime;
    state.hasCondition = ready !== undefined;
    if (renewTime !== undefined && (!state.renewTime || state.renewTime < renewTime)) {
      state.renewTime = renewTime;
      state.probeMs = nowMs;
    }
    return nowMs > state.probeMs + (ready ? graceMs : startupGraceMs);
  }

  async function markUnknown(node: NodeView): Promise<NodeView | undefined> {
    const draft = mutableCopy<Node>(node);
    const time = formatTime(clock.now());
    const conditions: NodeCondition[] = ((draft.status ??= {}).conditions ??= []);
    for (const type of kubeletConditions) {
      const condition = conditions.find((other) => other.type === type);
      if (!condition)
        conditions.push({
          type,
          status: 'Unknown',
          reason: 'NodeStatusNeverUpdated',
          message: 'Kubelet never posted node status.',
          ...(draft.metadata.creationTimestamp
            ? { lastHeartbeatTime: draft.metadata.creationTimestamp }
            : {}),
          lastTransitionTime: time,
        });
      else if (condition.status !== 'Unknown')
        Object.assign(condition, {
          status: 'Unknown',
          reason: 'NodeStatusUnknown',
          message: 'Kubelet stopped posting node status.',
          lastTransitionTime: time,
        });
    }
    if (jsonEqual(nodeCondition(node, 'Ready'), nodeCondition(draft, 'Ready'))) return node;
    try {
      return await client.resource('nodes').updateStatus(draft);
    } catch (error) {
      if (isReason(error, 'NotFound') || isReason(error, 'Conflict')) return undefined;
      throw error;
    }
  }

  async function taintByReadiness(node: NodeView, status: string): Promise<void> {
    const name = node.metadata.name ?? '';
    if (status === 'True') {
      await markReachable(node);
      return;
    }
    const [wanted, other] =
      status === 'False' ? [notReadyTaint, unreachableTaint] : [unreachableTaint, notReadyTaint];
    if (hasTaint(node, other)) await changeTaints(client, name, [wanted], [other], clock.now());
    else if (!hasTaint(node, wanted)) limiterOf(node).waiting.add(name);
  }

  async function markReachable(node: NodeView): Promise<void> {
    limiterOf(node).waiting.delete(node.metadata.name ?? '');
    const taints = [unreachableTaint, notReadyTaint];
    if (taints.some((taint) => hasTaint(node, taint)))
      await changeTaints(client, node.metadata.name ?? '', [], taints, clock.now());
  }

  /** Puts the NoExecute taint on those whose turn it is. */
  async function taintWaiting(): Promise<void> {
    for (const limiter of limiters.values()) {
      for (let name = limiter.take(); name !== undefined; name = limiter.take()) {
        const node = nodes.get(keyOf(undefined, name));
        const status = node && nodeCondition(node, 'Ready')?.status;
        if (status === 'False')
          await changeTaints(client, name, [notReadyTaint], [unreachableTaint], clock.now());
        else if (status === 'Unknown')
          await changeTaints(client, name, [unreachableTaint], [notReadyTaint], clock.now());
      }
    }
  }

  /** Slows evictions down in a zone where many nodes are away, and stops them when all are. */
  async function handleDisruption(
    zones: ReadonlyMap<string, { ready: number; notReady: number }>,
    all: readonly NodeView[],
  ): Promise<void> {
    const next = new Map<string, ZoneState>();
    for (const [zone, { ready, notReady }] of zones) {
      next.set(zone, zoneState(ready, notReady, options.unhealthyZoneThreshold ?? 0.55));
      if (!states.has(zone)) states.set(zone, 'Initial');
    }
    for (const zone of states.keys()) if (!zones.has(zone)) states.delete(zone);
    if (zones.size === 0) return;
    const areAllDown = [...next.values()].every((state) => state === 'FullDisruption');
    const wereAllDown = [...states.values()].every((state) => state === 'FullDisruption');
    if (areAllDown && wereAllDown) return;
    if (areAllDown) {
      // The master is more likely cut off than every node gone.
      for (const node of all) await markReachable(node);
      for (const zone of states.keys()) {
        limiters.get(zone)?.setRate(0);
        states.set(zone, 'FullDisruption');
      }
      return;
    }
    if (wereAllDown) for (const state of health.values()) state.probeMs = clock.now();
    for (const [zone, state] of next) {
      if (!wereAllDown && states.get(zone) === state) continue;
      const { ready, notReady } = zones.get(zone) ?? { ready: 0, notReady: 0 };
      const reduced =
        ready + notReady > (options.largeClusterThreshold ?? 50)
          ? (options.secondaryEvictionRate ?? 0.01)
          : 0;
      limiters.get(zone)?.setRate(state === 'PartialDisruption' ? reduced : evictionRate);
      states.set(zone, state);
    }
  }

  /** NoSchedule taints follow conditions and `spec.unschedulable` at once. */
  async function taintByConditions(name: string): Promise<void> {
    const node = nodes.get(keyOf(undefined, name));
    if (!node) return;
    const all = [
      ...conditionTaints.map(([type, status, key]) => ({
        key,
        wanted: nodeCondition(node, type)?.status === status,
      })),
      { key: 'node.kubernetes.io/unschedulable', wanted: node.spec?.unschedulable === true },
    ].map(({ key, wanted }) => ({ taint: { key, effect: 'NoSchedule' }, wanted }));
    const add = all.filter(({ taint, wanted }) => wanted && !hasTaint(node, taint));
    const remove = all.filter(({ taint, wanted }) => !wanted && hasTaint(node, taint));
    if (add.length + remove.length === 0) return;
    const taints = (list: typeof all) => list.map(({ taint }) => taint);
    await changeTaints(client, name, taints(add), taints(remove), clock.now());
  }

  function podsOn(name: string): readonly PodView[] {
    return pods.byIndex(podNodeIndex, name);
  }

  async function markPodsNotReady(list: readonly PodView[], name: string): Promise<void> {
    for (const pod of list) {
      if (!isPodReady(pod)) continue;
      const draft = mutableCopy<Pod>(pod);
      for (const condition of draft.status?.conditions ?? [])
        if (condition.type === 'Ready') {
          condition.status = 'False';
          condition.lastTransitionTime = formatTime(clock.now());
        }
      try {
        await client.resource('pods').updateStatus(draft);
        recorder.event(pod, 'Warning', 'NodeNotReady', 'Node is not ready');
      } catch (error) {
        if (!isReason(error, 'NotFound')) {
          toRetry.add(name);
          throw error;
        }
      }
    }
  }

  function recordNode(name: string, uid: string | undefined, reason: string, what: string): void {
    recorder.event(
      nodeReference(name, uid),
      'Normal',
      reason,
      reason === 'NodeNotReady' ? what : `Node ${name} event: ${what}`,
    );
  }

  function loop(): void {
    if (disposed) return;
    timer = clock.setTimer(
      monitorPeriodMs,
      () => {
        monitor()
          .catch((error: unknown) =>
            logger.log('warn', 'node monitor failed', { error: textOf(error) }),
          )
          .finally(loop);
      },
      { background: true },
    );
  }

  const enqueueTaints = (name: string): void => {
    taintWork = taintWork
      .then(() => (disposed ? undefined : taintByConditions(name)))
      .catch((error: unknown) =>
        logger.log('debug', 'node not tainted', { node: name, error: textOf(error) }),
      );
  };

  pods.addIndex(podNodeIndex, podNodeKeys);
  return {
    start: () => {
      void informers.waitForSync().then(() => {
        if (disposed) return;
        const onNode = (node: NodeView): void => enqueueTaints(node.metadata.name ?? '');
        owned.add(nodes.addHandler({ onAdd: onNode, onUpdate: (_, node) => onNode(node) }));
        owned.add(
          pods.addHandler({
            onUpdate: (previous, pod) => {
              // A pod bound to, or marked ready on, a node that is away.
              const name = pod.spec?.nodeName ?? '';
              const node = name && nodes.get(keyOf(undefined, name));
              if (!node || previous.spec?.nodeName === name) return;
              const ready = nodeCondition(node, 'Ready');
              if (ready && ready.status !== 'True')
                markPodsNotReady([pod], name).catch(() => undefined);
            },
          }),
        );
        loop();
      });
    },
    dispose: () => {
      disposed = true;
      timer?.dispose();
      owned.dispose();
    },
  };
}

function hasTaint(
  node: NodeView,
  wanted: { readonly key: string; readonly effect: string },
): boolean {
  return (node.spec?.taints ?? []).some(
    ({ key, effect }) => key === wanted.key && effect === wanted.effect,
  );
}
