import { type DeepReadonly, jsonClone } from '#core/base';
import { formatGroupVersion, isMap, type KubeObject } from '../machinery/index.ts';
import { behaviorToV1, behaviorToV2, metricToV1, metricToV2 } from './autoscaler-annotations.ts';

type Fields = Record<string, unknown>;

/** Group versions of kinds that are served in several and stored in one. */
const storageVersions: Readonly<Record<string, string>> = {
  'events.k8s.io/Event': 'v1',
  'autoscaling/HorizontalPodAutoscaler': 'autoscaling/v2',
};

/** The group version a built-in kind is stored in. */
export function storageGroupVersion(info: {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}): string {
  return storageVersions[`${info.group}/${info.kind}`] ?? formatGroupVersion(info);
}

/** A built-in object in another version of its kind. */
export function convertBuiltin(
  object: DeepReadonly<KubeObject>,
  to: { readonly group: string; readonly version: string; readonly kind: string },
): KubeObject {
  const apiVersion = formatGroupVersion(to);
  const draft = jsonClone(object) as KubeObject;
  if (draft.apiVersion === apiVersion) return draft;
  draft.apiVersion = apiVersion;
  if (to.kind === 'Event') {
    const event = renameFields(draft, to.group === '' ? eventToCore : coreToEvent);
    if (event['reportingController'] === '') delete event['reportingController'];
    if (to.group !== '' && event['reportingInstance'] === '') delete event['reportingInstance'];
    return event;
  }
  if (to.kind === 'HorizontalPodAutoscaler')
    return to.version === 'v1' ? hpaToV1(draft) : hpaToV2(draft);
  return draft;
}

const coreToEvent: Readonly<Record<string, string>> = {
  message: 'note',
  involvedObject: 'regarding',
  source: 'deprecatedSource',
  firstTimestamp: 'deprecatedFirstTimestamp',
  lastTimestamp: 'deprecatedLastTimestamp',
  count: 'deprecatedCount',
  reportingComponent: 'reportingController',
};
const eventToCore = Object.fromEntries(Object.entries(coreToEvent).map(([a, b]) => [b, a]));

function renameFields(object: KubeObject, names: Readonly<Record<string, string>>): KubeObject {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [names[key] ?? key, value]),
  ) as KubeObject;
}

const metricsAnnotation = 'autoscaling.alpha.kubernetes.io/metrics';
const behaviorAnnotation = 'autoscaling.alpha.kubernetes.io/behavior';

/** CPU utilization is a field of its own in v1; other metrics go to an annotation. */
function hpaToV1(draft: KubeObject): KubeObject {
  const { metrics, ...spec } = (draft['spec'] ?? {}) as Fields;
  const behavior = spec['behavior'] as Fields | undefined;
  delete spec['behavior'];
  const others: unknown[] = [];
  for (const metric of (metrics ?? []) as Fields[]) {
    const resource = metric['resource'] as Fields | undefined;
    const target = resource?.['target'] as Fields | undefined;
    if (resource?.['name'] === 'cpu' && typeof target?.['averageUtilization'] === 'number')
      spec['targetCPUUtilizationPercentage'] = target['averageUtilization'];
    else others.push(metricToV1(metric));
  }
  const kept: Record<string, string> = {
    ...(others.length > 0 ? { [metricsAnnotation]: JSON.stringify(others) } : {}),
    ...(behavior ? { [behaviorAnnotation]: JSON.stringify(behaviorToV1(behavior)) } : {}),
  };
  if (Object.keys(kept).length > 0)
    draft.metadata.annotations = { ...draft.metadata.annotations, ...kept };
  const { currentMetrics, ...status } = (draft['status'] ?? {}) as Fields;
  delete status['conditions'];
  for (const metric of (currentMetrics ?? []) as Fields[]) {
    const resource = metric['resource'] as Fields | undefined;
    const current = resource?.['current'] as Fields | undefined;
    if (resource?.['name'] === 'cpu' && current?.['averageUtilization'] !== undefined)
      status['currentCPUUtilizationPercentage'] = current['averageUtilization'];
  }
  status['currentReplicas'] ??= 0;
  return { ...draft, spec, status };
}

function hpaToV2(draft: KubeObject): KubeObject {
  const { targetCPUUtilizationPercentage: utilization, ...spec } = (draft['spec'] ?? {}) as Fields;
  const metrics: unknown[] = [];
  const others = takeAnnotation(draft, metricsAnnotation);
  if (Array.isArray(others)) metrics.push(...(others as Fields[]).map(metricToV2));
  const behavior = takeAnnotation(draft, behaviorAnnotation);
  if (isMap(behavior)) spec['behavior'] = behaviorToV2(behavior);
  if (utilization !== undefined)
    metrics.push({
      type: 'Resource',
      resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: utilization } },
    });
  const { currentCPUUtilizationPercentage: current, ...status } = (draft['status'] ?? {}) as Fields;
  return {
    ...draft,
    spec: metrics.length > 0 ? { ...spec, metrics } : spec,
    status: {
      ...status,
      ...(status['currentReplicas'] === 0 ? { currentReplicas: undefined } : {}),
      currentMetrics:
        current === undefined
          ? null
          : [
              {
                type: 'Resource',
                resource: { name: 'cpu', current: { averageUtilization: current } },
              },
            ],
    },
  };
}

/** Takes out what an annotation holds; one that is not JSON says nothing, as upstream has it. */
function takeAnnotation(draft: KubeObject, name: string): unknown {
  const { annotations } = draft.metadata;
  const text = annotations?.[name];
  if (!annotations || text === undefined) return undefined;
  delete annotations[name];
  if (Object.keys(annotations).length === 0) delete draft.metadata.annotations;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
