import type { MetricSpec, MetricStatus, MetricTarget } from '../../apis/index.ts';
import { formatQuantity } from '../../machinery/index.ts';
import { textOf } from '../shared/context.ts';
import type { PodView } from '../shared/pods.ts';
import { goSelectorText } from '../shared/selector-text.ts';
import { type MetricsClients, milliOf, type Samples } from './metrics-clients.ts';
import {
  byAverage,
  byShare,
  byTotal,
  byUtilization,
  type Tolerances,
} from './replica-calculator.ts';

/** What one metric wants. */
export interface Outcome {
  readonly replicas: number;
  /** As reasons name it. */
  readonly metric: string;
  readonly status: MetricStatus;
}

/** A metric that could not be had: `reason` and `text` are told, the message says it of the whole. */
export class MetricFailure extends Error {
  override readonly name = 'MetricFailure';
  readonly reason: string;
  readonly text: string;

  constructor(reason: string, text: string, message: string) {
    super(message);
    this.reason = reason;
    this.text = text;
  }
}

/** Whom a metric is weighed for. */
export interface Workload {
  readonly namespace: string;
  readonly selector: string;
  readonly pods: readonly PodView[];
  readonly current: number;
  readonly statusReplicas: number;
  readonly tolerances: Tolerances;
  readonly nowMs: number;
}

const quantity = (milli: number, format: 'DecimalSI' | 'BinarySI' = 'DecimalSI'): string =>
  formatQuantity({ nano: BigInt(Math.trunc(milli)) * 1_000_000n, format });

/**
 * How many replicas one metric of an autoscaler asks for.
 *
 * @throws MetricFailure
 * @see k8s.io/kubernetes/pkg/controller/podautoscaler/horizontal.go, computeReplicasForMetric
 */
export async function proposeFor(
  clients: MetricsClients,
  metric: MetricSpec,
  workload: Workload,
): Promise<Outcome> {
  switch (metric.type) {
    case 'Resource':
    case 'ContainerResource':
      return fromResource(clients, metric, workload);
    case 'Pods':
      return fromPods(clients, metric, workload);
    case 'Object':
      return fromObject(clients, metric, workload);
    case 'External':
      return fromExternal(clients, metric, workload);
    default: {
      const text = `unknown metric source type ${JSON.stringify(metric.type)}`;
      throw new MetricFailure('InvalidMetricSourceType', text, text);
    }
  }
}

async function fromResource(
  clients: MetricsClients,
  { resource: own, containerResource }: MetricSpec,
  workload: Workload,
): Promise<Outcome> {
  const container = containerResource?.container;
  const { name, target }: { name: string; target: MetricTarget } = containerResource ??
    own ?? { name: '', target: { type: '' } };
  const reason = containerResource ? 'FailedGetContainerResourceMetric' : 'FailedGetResourceMetric';
  const { averageValue, averageUtilization: percent } = target;
  const kind = averageValue === undefined ? 'utilization' : 'usage';
  try {
    if (averageValue === undefined && percent === undefined)
      throw new Error(
        'invalid resource metric source: neither an average utilization target nor an average value (usage) target was set',
      );
    const samples: Samples = await clients
      .resource(name, workload.namespace, workload.selector, container)
      .catch((error: unknown) => {
        throw new Error(`unable to get metrics for resource ${name}: ${textOf(error)}`, {
          cause: error,
        });
      });
    const proposal =
      averageValue === undefined
        ? byUtilization(workload, samples, { resource: name, container, percent: percent ?? 0 })
        : byAverage(workload, samples, { resource: name, milli: milliOf(averageValue) });
    const { utilization } = proposal;
    const current = {
      ...(utilization === undefined ? {} : { averageUtilization: utilization }),
      averageValue: quantity(proposal.averageMilli, name === 'memory' ? 'BinarySI' : 'DecimalSI'),
    };
    const what = container === undefined ? 'resource' : 'container resource';
    return {
      replicas: proposal.replicas,
      metric:
        averageValue === undefined
          ? `${name} ${what} utilization (percentage of request)`
          : `${name} resource`,
      status:
        container === undefined
          ? { type: 'Resource', resource: { name, current } }
          : { type: 'ContainerResource', containerResource: { name, container, current } },
    };
  } catch (error) {
    const text = `failed to get ${name} ${kind}: ${textOf(error)}`;
    const whose = container === undefined ? `${name} resource` : `${container} container`;
    throw new MetricFailure(reason, text, `failed to get ${whose} metric value: ${text}`);
  }
}

async function fromPods(
  clients: MetricsClients,
  { pods }: MetricSpec,
  workload: Workload,
): Promise<Outcome> {
  const { name = '', selector } = pods?.metric ?? {};
  try {
    const samples = await clients
      .pods(name, workload.namespace, workload.selector, selector)
      .catch((error: unknown) => {
        throw new Error(`unable to get metric ${name}: ${textOf(error)}`, { cause: error });
      });
    const milli = milliOf(pods?.target.averageValue);
    const { replicas, averageMilli } = byAverage(workload, samples, { milli });
    return {
      replicas,
      metric: `pods metric ${name}`,
      status: {
        type: 'Pods',
        pods: {
          metric: identifier(name, selector),
          current: { averageValue: quantity(averageMilli) },
        },
      },
    };
  } catch (error) {
    const text = textOf(error);
    throw new MetricFailure(
      'FailedGetPodsMetric',
      text,
      `failed to get pods metric value: ${text}`,
    );
  }
}

async function fromObject(
  clients: MetricsClients,
  { object }: MetricSpec,
  workload: Workload,
): Promise<Outcome> {
  const { name = '', selector } = object?.metric ?? {};
  const describedObject = object?.describedObject ?? { apiVersion: '', kind: '', name: '' };
  const { value, averageValue } = object?.target ?? {};
  const { namespace } = workload;
  const fail = (text: string, said = text): never => {
    throw new MetricFailure(
      'FailedGetObjectMetric',
      text,
      `failed to get object metric value: ${said}`,
    );
  };
  if (value === undefined && averageValue === undefined)
    return fail(
      'invalid object metric source: neither a value target nor an average value target was set',
    );
  const explained = (text: string): never =>
    fail(text, value === undefined ? `failed to get ${name} object metric: ${text}` : text);
  const milli = await clients
    .object(name, namespace, describedObject, selector)
    // The order of the words is upstream's.
    .catch((error: unknown) =>
      explained(
        `unable to get metric ${name}: ${describedObject.kind} on ${namespace} ${describedObject.name}/${textOf(error)}`,
      ),
    );
  const status = (current: object): MetricStatus => ({
    type: 'Object',
    object: { describedObject, metric: identifier(name, selector), current },
  });
  if (value === undefined) {
    const { replicas, averageMilli } = byShare(
      workload,
      workload.statusReplicas,
      milli,
      milliOf(averageValue),
    );
    return {
      replicas,
      metric: `external metric ${name}(${goSelectorText(selector)})`,
      status: status({ averageValue: quantity(averageMilli) }),
    };
  }
  try {
    return {
      replicas: byTotal(workload, milli, milliOf(value)),
      metric: `${describedObject.kind} metric ${name}`,
      status: status({ value: quantity(milli) }),
    };
  } catch (error) {
    return fail(textOf(error));
  }
}

async function fromExternal(
  clients: MetricsClients,
  { external }: MetricSpec,
  workload: Workload,
): Promise<Outcome> {
  const { name = '', selector } = external?.metric ?? {};
  const { value, averageValue } = external?.target ?? {};
  const { namespace } = workload;
  const fail = (text: string, said: string): never => {
    throw new MetricFailure(
      'FailedGetExternalMetric',
      text,
      `failed to get ${name} external metric value: ${said}`,
    );
  };
  if (value === undefined && averageValue === undefined) {
    const text =
      'invalid external metric source: neither a value target nor an average value target was set';
    return fail(text, text);
  }
  try {
    const milli = await clients.external(name, namespace, selector).catch((error: unknown) => {
      throw new Error(
        `unable to get external metric ${namespace}/${name}/${goSelectorText(selector)}: ${textOf(error)}`,
        { cause: error },
      );
    });
    const result = (replicas: number, current: object): Outcome => ({
      replicas,
      metric: `external metric ${name}(${goSelectorText(selector)})`,
      status: { type: 'External', external: { metric: identifier(name, selector), current } },
    });
    if (averageValue === undefined)
      return result(byTotal(workload, milli, milliOf(value)), { value: quantity(milli) });
    const proposal = byShare(workload, workload.statusReplicas, milli, milliOf(averageValue));
    return result(proposal.replicas, { averageValue: quantity(proposal.averageMilli) });
  } catch (error) {
    const text = textOf(error);
    return fail(
      text,
      averageValue === undefined
        ? `failed to get external metric ${name}: ${text}`
        : `failed to get ${name} external metric: ${text}`,
    );
  }
}

function identifier(
  name: string,
  selector: NonNullable<MetricSpec['external']>['metric']['selector'],
): NonNullable<MetricStatus['external']>['metric'] {
  return selector ? { name, selector } : { name };
}
