import { type DeepReadonly, jsonEqual } from '#core/base';
import type {
  CrossVersionObjectReference,
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerCondition,
  HorizontalPodAutoscalerStatus,
  MetricStatus,
} from '../../apis/index.ts';
import { type Result, WorkQueue } from '../../client/index.ts';
import {
  formatTime,
  isReason,
  type KubeObject,
  matchesLabels,
  objectKey,
  type ObjectKey,
  parseGroupVersion,
  parseLabelSelector,
  splitKey,
} from '../../machinery/index.ts';
import { type Controller, type ControllerContext, mutableCopy, textOf } from '../shared/context.ts';
import { discover, type DiscoveredResource } from '../shared/discovery.ts';
import { queueController } from '../shared/informer-queue.ts';
import type { PodView } from '../shared/pods.ts';
import { MetricFailure, type Outcome, proposeFor } from './metric-proposals.ts';
import { MetricsClients, milliOf } from './metrics-clients.ts';
import { ScalingHistory, type Wish } from './scaling-history.ts';

type HpaView = DeepReadonly<HorizontalPodAutoscaler>;

/** `--horizontal-pod-autoscaler-sync-period`. */
const syncPeriodMs = 15_000;
/** `--horizontal-pod-autoscaler-tolerance`. */
const tolerance = 0.1;

interface Scale extends KubeObject {
  spec?: { replicas?: number };
  status?: { replicas?: number; selector?: string };
}

/**
 * Scales workloads by what their pods use, or by whatever else is measured.
 *
 * @see k8s.io/kubernetes/pkg/controller/podautoscaler/horizontal.go
 */
export function createHorizontalPodAutoscalerController(context: ControllerContext): Controller {
  const { client, informers, recorder, clock } = context;
  const autoscalers = informers.for('horizontalpodautoscalers.autoscaling');
  const pods = informers.for('pods');
  const queue = new WorkQueue<ObjectKey>(clock);
  const histories = new Map<ObjectKey, ScalingHistory>();
  /** Of the targets, as they were seen last. */
  const selectors = new Map<ObjectKey, string>();
  const resources = new Map<string, DiscoveredResource>();

  async function reconcile(key: ObjectKey): Promise<Result> {
    const cached = autoscalers.get(key);
    if (!cached) {
      histories.delete(key);
      selectors.delete(key);
      return {};
    }
    const draft = mutableCopy<HorizontalPodAutoscaler>(cached);
    try {
      await sync(key, draft);
    } catch (error) {
      context.logger.log('debug', 'autoscaler not synced', { key, error: textOf(error) });
    } finally {
      await writeStatus(cached, draft);
    }
    return { requeueAfterMs: syncPeriodMs, background: true };
  }

  function set(
    draft: HorizontalPodAutoscaler,
    type: string,
    status: string,
    reason: string,
    message: string,
  ): void {
    const conditions = ((draft.status ??= blankStatus()).conditions ??= []);
    let condition = conditions.find((candidate) => candidate.type === type);
    if (!condition) {
      condition = { type, status: '' } satisfies HorizontalPodAutoscalerCondition;
      conditions.push(condition);
    }
    if (condition.status !== status) condition.lastTransitionTime = formatTime(clock.now());
    Object.assign(condition, { status, reason, message });
  }

  const clients = new MetricsClients(client, async (reference) => {
    const { group, resource } = await resourceOfKind(reference);
    return group === '' ? resource : `${resource}.${group}`;
  });

  /** @throws Error no such kind is served. */
  async function resourceOfKind({
    apiVersion = '',
    kind,
  }: CrossVersionObjectReference): Promise<DiscoveredResource> {
    const { group } = parseGroupVersion(apiVersion);
    const name = `${group}/${kind}`;
    if (!resources.has(name))
      for (const resource of (await discover(client)).resources)
        resources.set(`${resource.group}/${resource.kind}`, resource);
    const found = resources.get(name);
    if (!found) throw new Error(`no matches for kind "${kind}" in group "${group}"`);
    return found;
  }

  async function sync(key: ObjectKey, draft: HorizontalPodAutoscaler): Promise<void> {
    const { namespace = '' } = draft.metadata;
    const {
      scaleTargetRef,
      minReplicas = 1,
      maxReplicas,
    } = draft.spec ?? {
      scaleTargetRef: { kind: '', name: '' },
      maxReplicas: 0,
    };
    let scale: Scale;
    let target: DiscoveredResource;
    try {
      target = await resourceOfKind(scaleTargetRef);
      scale = (await client
        .dynamic(target)
        .getSubresource(namespace, scaleTargetRef.name, 'scale')) as Scale;
    } catch (error) {
      recorder.event(draft, 'Warning', 'FailedGetScale', textOf(error));
      set(
        draft,
        'AbleToScale',
        'False',
        'FailedGetScale',
        `the HPA controller was unable to get the target's current scale: ${textOf(error)}`,
      );
      return;
    }
    set(
      draft,
      'AbleToScale',
      'True',
      'SucceededGetScale',
      "the HPA controller was able to get the target's current scale",
    );
    const current = scale.spec?.replicas ?? 0;
    if (!histories.has(key)) histories.set(key, new ScalingHistory(current, clock.now()));
    const statuses: MetricStatus[] = [];
    let desired = current;
    let reason = '';
    if (current === 0)
      set(
        draft,
        'ScalingActive',
        'False',
        'ScalingDisabled',
        'scaling is disabled since the replica count of the target is zero',
      );
    else if (current > maxReplicas) {
      reason = 'Current number of replicas above Spec.MaxReplicas';
      desired = maxReplicas;
    } else if (current < minReplicas) {
      reason = 'Current number of replicas below Spec.MinReplicas';
      desired = minReplicas;
    } else {
      try {
        const outcome = await compute(draft, scale, current, statuses);
        desired = outcome.replicas;
        if (desired > current) reason = `${outcome.metric} above target`;
        else if (desired < current) reason = 'All metrics below target';
      } catch (error) {
        setCounts(draft, current, draft.status?.desiredReplicas ?? 0, statuses);
        recorder.event(draft, 'Warning', 'FailedComputeMetricsReplicas', textOf(error));
        return;
      }
      const limits = { min: minReplicas, max: maxReplicas };
      desired = normalize(key, draft, { current, desired, ...limits });
    }
    if (desired !== current) {
      if (!(await rescale(draft, target, scale, desired, reason))) {
        setCounts(draft, current, draft.status?.desiredReplicas ?? 0, statuses);
        return;
      }
      histories.get(key)?.note(current, desired, draft.spec?.behavior, clock.now());
    }
    setCounts(draft, current, desired, statuses);
  }

  function setCounts(
    draft: HorizontalPodAutoscaler,
    current: number,
    desired: number,
    statuses: readonly MetricStatus[],
  ): void {
    const { lastScaleTime, conditions } = draft.status ?? blankStatus();
    draft.status = {
      ...(conditions ? { conditions } : {}),
      ...(statuses.length > 0 ? { currentMetrics: [...statuses] } : {}),
      ...(current > 0 ? { currentReplicas: current } : {}),
      desiredReplicas: desired,
      ...(lastScaleTime ? { lastScaleTime } : {}),
    };
  }

  async function rescale(
    draft: HorizontalPodAutoscaler,
    target: DiscoveredResource,
    scale: Scale,
    replicas: number,
    reason: string,
  ): Promise<boolean> {
    const { namespace = '' } = draft.metadata;
    const name = draft.spec?.scaleTargetRef.name ?? '';
    const objects = client.dynamic(target);
    for (let tries = 1, latest = scale; ; tries++) {
      try {
        await objects.updateSubresource(namespace, name, 'scale', {
          ...mutableCopy<Scale>(latest),
          spec: { ...latest.spec, replicas },
        });
        break;
      } catch (error) {
        if (isReason(error, 'Conflict') && tries < 5) {
          latest = (await objects.getSubresource(namespace, name, 'scale')) as Scale;
          continue;
        }
        recorder.event(
          draft,
          'Warning',
          'FailedRescale',
          `New size: ${replicas}; reason: ${reason}; error: ${textOf(error)}`,
        );
        set(
          draft,
          'AbleToScale',
          'False',
          'FailedUpdateScale',
          `the HPA controller was unable to update the target scale: ${textOf(error)}`,
        );
        return false;
      }
    }
    set(
      draft,
      'AbleToScale',
      'True',
      'SucceededRescale',
      `the HPA controller was able to update the target scale to ${replicas}`,
    );
    recorder.event(
      draft,
      'Normal',
      'SuccessfulRescale',
      `New size: ${replicas}; reason: ${reason}`,
    );
    if (draft.status) draft.status.lastScaleTime = formatTime(clock.now());
    return true;
  }

  /** Whose pods are these? Two autoscalers of the same pods would work against each other. */
  function checkSelector(draft: HorizontalPodAutoscaler, selector: string): readonly PodView[] {
    const fail = (reason: string, text: string, condition = text): never => {
      recorder.event(draft, 'Warning', reason, text);
      const type = reason === 'SelectorRequired' ? 'InvalidSelector' : reason;
      set(draft, 'ScalingActive', 'False', type, condition);
      throw new Error(text);
    };
    if (selector === '')
      return fail(
        'SelectorRequired',
        'selector is required',
        "the HPA target's scale is missing a selector",
      );
    const key = objectKey(draft.metadata);
    selectors.set(key, selector);
    const { namespace = '' } = draft.metadata;
    const labelsOf = (text: string): ((pod: PodView) => boolean) => {
      const parsed = parseLabelSelector(text);
      return (pod) => matchesLabels(parsed, pod.metadata.labels ?? {});
    };
    const members = pods.list(namespace).filter(labelsOf(selector));
    const sharing = [...selectors]
      .filter(
        ([other, text]) =>
          splitKey(other).namespace === namespace &&
          autoscalers.get(other) !== undefined &&
          members.some(labelsOf(text)),
      )
      .map(([other]) => other)
      .sort();
    if (sharing.length > 1)
      return fail(
        'AmbiguousSelector',
        `pods by selector ${selector} are controlled by multiple HPAs: [${sharing.join(' ')}]`,
      );
    return members;
  }

  /** The highest proposal of all metrics. @throws Error none could be computed, or too few of them. */
  async function compute(
    draft: HorizontalPodAutoscaler,
    scale: Scale,
    current: number,
    statuses: MetricStatus[],
  ): Promise<Outcome> {
    const selector = scale.status?.selector ?? '';
    const members = checkSelector(draft, selector);
    const { scaleDown, scaleUp } = draft.spec?.behavior ?? {};
    const share = (text: string | undefined): number =>
      text === undefined ? tolerance : milliOf(text) / 1000;
    const workload = {
      namespace: draft.metadata.namespace ?? '',
      selector,
      pods: members,
      current,
      statusReplicas: scale.status?.replicas ?? 0,
      tolerances: { down: share(scaleDown?.tolerance), up: share(scaleUp?.tolerance) },
      nowMs: clock.now(),
    };
    const metrics = draft.spec?.metrics ?? [];
    let best: Outcome | undefined;
    let first: MetricFailure | undefined;
    let failed = 0;
    for (const metric of metrics) {
      try {
        const outcome = await proposeFor(clients, metric, workload);
        statuses.push(outcome.status);
        if (!best || outcome.replicas > best.replicas) best = outcome;
      } catch (error) {
        if (!(error instanceof MetricFailure)) throw error;
        failed += 1;
        first ??= error;
        // One that could not be had stands as an empty entry.
        statuses.push({ type: '' });
        recorder.event(draft, 'Warning', error.reason, error.text);
      }
    }
    if (first && (!best || best.replicas < current)) {
      const text = `the HPA was unable to compute the replica count: ${first.text}`;
      set(draft, 'ScalingActive', 'False', first.reason, text);
      throw new Error(
        `invalid metrics (${failed} invalid out of ${metrics.length}), first error is: ${first.message}`,
      );
    }
    if (!best) throw new Error('invalid metrics (0 invalid out of 0), first error is: <nil>');
    set(
      draft,
      'ScalingActive',
      'True',
      'ValidMetricFound',
      `the HPA was able to successfully calculate a replica count from ${best.metric}`,
    );
    return best;
  }

  /** Slows scaling, by its past, its limits and its behavior. */
  function normalize(
    key: ObjectKey,
    draft: HorizontalPodAutoscaler,
    wish: Omit<Wish, 'behavior'>,
  ): number {
    const history = histories.get(key);
    if (!history) return wish.desired;
    const behavior = draft.spec?.behavior;
    const { replicas, able, limited, isLimited } = history.decide(
      { ...wish, behavior },
      clock.now(),
    );
    set(draft, 'AbleToScale', 'True', able.reason, able.message);
    set(draft, 'ScalingLimited', isLimited ? 'True' : 'False', limited.reason, limited.message);
    return replicas;
  }

  async function writeStatus(cached: HpaView, draft: HorizontalPodAutoscaler): Promise<void> {
    if (jsonEqual(cached.status, draft.status)) return;
    try {
      await client.resource('horizontalpodautoscalers.autoscaling').updateStatus(draft);
    } catch (error) {
      if (isReason(error, 'NotFound') || isReason(error, 'Conflict')) return;
      recorder.event(draft, 'Warning', 'FailedUpdateStatus', textOf(error));
      throw error;
    }
  }

  // Its queue holds every key back for a whole period, a new autoscaler's as well.
  const later = ({ metadata }: HpaView): void =>
    queue.addAfter(objectKey(metadata), syncPeriodMs, { background: true });

  return queueController(context, {
    name: 'horizontal-pod-autoscaler-controller',
    queue,
    reconcile,
    handlers: (own) =>
      own(autoscalers.addHandler({ onAdd: later, onUpdate: (_, each) => later(each) })),
  });
}

function blankStatus(): HorizontalPodAutoscalerStatus {
  return { desiredReplicas: 0 };
}
