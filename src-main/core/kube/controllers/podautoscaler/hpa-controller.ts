import { type DeepReadonly, jsonEqual } from '#core/base';
import type {
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
} from '../../machinery/index.ts';
import { type Controller, type ControllerContext, mutableCopy, textOf } from '../shared/context.ts';
import { discover, type DiscoveredResource } from '../shared/discovery.ts';
import { queueController } from '../shared/informer-queue.ts';
import { milliOf, propose, type ResourceTarget } from './metrics.ts';

type HpaView = DeepReadonly<HorizontalPodAutoscaler>;

/** `--horizontal-pod-autoscaler-sync-period` and `-downscale-stabilization`. */
const syncPeriodMs = 15_000;
const stabilizationMs = 5 * 60_000;

interface Scale extends KubeObject {
  spec?: { replicas?: number };
  status?: { replicas?: number; selector?: string };
}

interface Outcome {
  readonly replicas: number;
  readonly metric: string;
  readonly status: MetricStatus;
}

/**
 * Scales workloads by the CPU and memory their pods use. Custom and external metrics have no API here.
 *
 * @see k8s.io/kubernetes/pkg/controller/podautoscaler/horizontal.go
 */
export function createHorizontalPodAutoscalerController(context: ControllerContext): Controller {
  const { client, informers, recorder, clock } = context;
  const autoscalers = informers.for('horizontalpodautoscalers.autoscaling');
  const pods = informers.for('pods');
  const queue = new WorkQueue<ObjectKey>(clock);
  const recommendations = new Map<ObjectKey, { replicas: number; timeMs: number }[]>();
  const resources = new Map<string, DiscoveredResource>();

  async function reconcile(key: ObjectKey): Promise<Result> {
    const cached = autoscalers.get(key);
    if (!cached) {
      recommendations.delete(key);
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

  async function targetOf(hpa: HorizontalPodAutoscaler): Promise<DiscoveredResource> {
    const { apiVersion = '', kind } = hpa.spec?.scaleTargetRef ?? { kind: '' };
    const name = `${parseGroupVersion(apiVersion).group}/${kind}`;
    if (!resources.has(name))
      for (const resource of (await discover(client)).resources)
        resources.set(`${resource.group}/${resource.kind}`, resource);
    const found = resources.get(name);
    if (!found) {
      const { group } = parseGroupVersion(apiVersion);
      throw new Error(`no matches for kind "${kind}" in group "${group}"`);
    }
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
      target = await targetOf(draft);
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
    const status = (draft.status ??= blankStatus());
    delete status.currentReplicas;
    delete status.currentMetrics;
    if (scale.status?.replicas) status.currentReplicas = scale.status.replicas;
    let desired = current;
    let reason = '';
    if (current === 0) {
      desired = 0;
      set(
        draft,
        'ScalingActive',
        'False',
        'ScalingDisabled',
        'scaling is disabled since the replica count of the target is zero',
      );
    } else if (current > maxReplicas) {
      reason = 'Current number of replicas above Spec.MaxReplicas';
      desired = maxReplicas;
    } else if (current < minReplicas) {
      reason = 'Current number of replicas below Spec.MinReplicas';
      desired = minReplicas;
    } else {
      const outcome = await compute(draft, scale, current);
      if (!outcome) return;
      desired = outcome.replicas;
      if (desired > current) reason = `${outcome.metric} above target`;
      else if (desired < current) reason = 'All metrics below target';
      desired = normalize(key, draft, current, desired, minReplicas, maxReplicas);
    }
    if (desired !== current && !(await rescale(draft, target, scale, desired, reason))) return;
    status.desiredReplicas = desired;
    if (draft.metadata.generation) status.observedGeneration = draft.metadata.generation;
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

  /** The highest proposal of all metrics; undefined when none could be computed. */
  async function compute(
    draft: HorizontalPodAutoscaler,
    scale: Scale,
    current: number,
  ): Promise<Outcome | undefined> {
    const selector = scale.status?.selector ?? '';
    if (selector === '') {
      recorder.event(draft, 'Warning', 'SelectorRequired', 'selector is required');
      set(
        draft,
        'ScalingActive',
        'False',
        'InvalidSelector',
        "the HPA target's scale is missing a selector",
      );
      return undefined;
    }
    const { namespace = '' } = draft.metadata;
    const matches = parseLabelSelector(selector);
    const members = pods
      .list(namespace)
      .filter((pod) => matchesLabels(matches, pod.metadata.labels ?? {}));
    const metrics = draft.spec?.metrics ?? [];
    let best: Outcome | undefined;
    let firstError: string | undefined;
    let failed = 0;
    const statuses: MetricStatus[] = [];
    for (const metric of metrics) {
      const source = metric.resource ?? metric.containerResource;
      const { container } = metric.containerResource ?? {};
      if (!source) {
        failed += 1;
        statuses.push({ type: '' });
        const text = `unable to get metric ${metric.pods?.metric.name ?? metric.object?.metric.name ?? metric.external?.metric.name ?? ''}: unable to fetch metrics from ${metric.type === 'External' ? 'external' : 'custom'} metrics API: no ${metric.type === 'External' ? 'external' : 'custom'} metrics API (${metric.type === 'External' ? 'external' : 'custom'}.metrics.k8s.io) registered`;
        if (firstError === undefined) {
          firstError = `failed to get ${metric.type.toLowerCase()} metric value: ${text}`;
          set(
            draft,
            'ScalingActive',
            'False',
            `FailedGet${metric.type}Metric`,
            `the HPA was unable to compute the replica count: ${text}`,
          );
        }
        recorder.event(draft, 'Warning', `FailedGet${metric.type}Metric`, text);
        continue;
      }
      const average = source.target.averageValue;
      const target: ResourceTarget = {
        resource: source.name,
        ...(container === undefined ? {} : { container }),
        ...(source.target.averageUtilization === undefined
          ? {}
          : { utilization: source.target.averageUtilization }),
        ...(average === undefined ? {} : { averageMilli: milliOf(average) }),
      };
      try {
        const proposal = await propose(
          client,
          members,
          { namespace, selector },
          target,
          current,
          clock.now(),
        );
        const status: MetricStatus = {
          type: metric.type,
          [container === undefined ? 'resource' : 'containerResource']: {
            name: source.name,
            ...(container === undefined ? {} : { container }),
            current: {
              ...(proposal.utilization === undefined
                ? {}
                : { averageUtilization: proposal.utilization }),
              averageValue: `${proposal.averageMilli}m`,
            },
          },
        };
        statuses.push(status);
        const label =
          target.utilization === undefined
            ? `${source.name} resource`
            : `${source.name} resource utilization (percentage of request)`;
        if (!best || proposal.replicas > best.replicas)
          best = { replicas: proposal.replicas, metric: label, status };
      } catch (error) {
        failed += 1;
        // One that could not be had stands as an empty entry.
        statuses.push({ type: '' });
        const kind = target.utilization === undefined ? 'usage' : 'utilization';
        const text = `failed to get ${source.name} ${kind}: ${textOf(error)}`;
        const reason = container === undefined ? 'Resource' : 'ContainerResource';
        recorder.event(draft, 'Warning', `FailedGet${reason}Metric`, text);
        if (firstError === undefined) {
          firstError = `failed to get ${container === undefined ? `${source.name} resource` : `${container} container`} metric value: ${text}`;
          set(
            draft,
            'ScalingActive',
            'False',
            `FailedGet${reason}Metric`,
            `the HPA was unable to compute the replica count: ${text}`,
          );
        }
      }
    }
    const status = (draft.status ??= blankStatus());
    if (statuses.length > 0) status.currentMetrics = statuses;
    else delete status.currentMetrics;
    const mayScale = best && (failed === 0 || best.replicas >= current);
    if (failed > 0 && !mayScale) {
      const text = `invalid metrics (${failed} invalid out of ${metrics.length}), first error is: ${firstError ?? ''}`;
      recorder.event(draft, 'Warning', 'FailedComputeMetricsReplicas', text);
      return undefined;
    }
    if (best)
      set(
        draft,
        'ScalingActive',
        'True',
        'ValidMetricFound',
        `the HPA was able to successfully calculate a replica count from ${best.metric}`,
      );
    return best;
  }

  /** Slows scaling down: by the highest recommendation of the window, then by the limits. */
  function normalize(
    key: ObjectKey,
    draft: HorizontalPodAutoscaler,
    current: number,
    wanted: number,
    min: number,
    max: number,
  ): number {
    const nowMs = clock.now();
    const behavior = draft.spec?.behavior;
    const windowMs =
      (behavior?.scaleDown?.stabilizationWindowSeconds ?? stabilizationMs / 1000) * 1000;
    const recent = (recommendations.get(key) ?? [{ replicas: current, timeMs: nowMs }]).filter(
      ({ timeMs }) => nowMs - timeMs < Math.max(windowMs, 1),
    );
    const stabilized = Math.max(wanted, ...recent.map(({ replicas }) => replicas));
    recommendations.set(key, [...recent, { replicas: wanted, timeMs: nowMs }]);
    const recommended = Math.max(wanted, Math.min(stabilized, Math.max(current, wanted)));
    if (recommended !== wanted)
      set(
        draft,
        'AbleToScale',
        'True',
        'ScaleDownStabilized',
        'recent recommendations were higher than current one, applying the highest recent recommendation',
      );
    else
      set(
        draft,
        'AbleToScale',
        'True',
        'ReadyForNewScale',
        'recommended size matches current size',
      );
    const upLimit = Math.max(2 * current, 4);
    const isRateLimited = max > upLimit;
    const ceiling = isRateLimited ? upLimit : max;
    const limited = (reason: string, message: string, replicas: number): number => {
      set(draft, 'ScalingLimited', 'True', reason, message);
      return replicas;
    };
    if (recommended < min)
      return limited(
        'TooFewReplicas',
        'the desired replica count is less than the minimum replica count',
        min,
      );
    if (recommended > ceiling)
      return isRateLimited
        ? limited(
            'ScaleUpLimit',
            'the desired replica count is increasing faster than the maximum scale rate',
            ceiling,
          )
        : limited(
            'TooManyReplicas',
            'the desired replica count is more than the maximum replica count',
            ceiling,
          );
    set(
      draft,
      'ScalingLimited',
      'False',
      'DesiredWithinRange',
      'the desired count is within the acceptable range',
    );
    return recommended;
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
