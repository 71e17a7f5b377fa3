import type { DeepReadonly } from '#core/base';

import type { KubeObject } from '../../../machinery/index.ts';
import type { FieldError, KindStrategy } from '../../kind-strategy.ts';
import { validateContainerResourceName } from '../../validation/resources.ts';
import { FieldErrors } from '../../validation/field.ts';
import { dnsLabel, nonNegativeMessage } from '../../validation/meta.ts';
import { isPathSegment } from '../../validation/names.ts';
import { canonicalQuantity, compareQuantities } from '../../validation/quantity.ts';
import { view } from '../core/pod-types.ts';
import { keepSpec, keepStatus } from '../strategy.ts';

interface Target {
  type?: string;
  value?: unknown;
  averageValue?: unknown;
  averageUtilization?: number;
}

interface Source {
  name?: string;
  container?: string;
  metric?: { name?: string };
  describedObject?: Reference;
  target?: Target;
}

interface Reference {
  apiVersion?: string;
  kind?: string;
  name?: string;
}

interface Metric {
  type?: string;
  object?: Source;
  external?: Source;
  pods?: Source;
  resource?: Source;
  containerResource?: Source;
}

interface ScalingRules {
  stabilizationWindowSeconds?: number;
  selectPolicy?: string;
  policies?: { type?: string; value?: number; periodSeconds?: number }[];
  tolerance?: unknown;
}

interface Autoscaler {
  spec?: {
    scaleTargetRef?: Reference;
    minReplicas?: number;
    maxReplicas?: number;
    metrics?: Metric[];
    behavior?: { scaleUp?: ScalingRules; scaleDown?: ScalingRules };
    targetCPUUtilizationPercentage?: number;
  };
  status?: Record<string, unknown>;
}

function validateReference(
  errors: FieldErrors,
  path: string,
  reference: Reference,
  needsGroup: boolean,
): void {
  for (const field of ['kind', 'name'] as const) {
    const value = reference[field] ?? '';
    if (value === '') errors.required(`${path}.${field}`);
    else errors.invalidEach(`${path}.${field}`, value, isPathSegment(value));
  }
  const version = reference.apiVersion ?? '';
  if (version.split('/').length > 2) {
    errors.invalid(`${path}.apiVersion`, version, `unexpected GroupVersion string: ${version}`);
  } else if (needsGroup && !version.includes('/') && reference.kind !== 'ReplicationController') {
    errors.invalid(`${path}.apiVersion`, version, 'apiVersion must specify API group');
  }
}

function validateTarget(errors: FieldErrors, path: string, target: Target): void {
  const { type = '', averageUtilization } = target;
  if (type === '') errors.required(`${path}.type`, 'must specify a metric target type');
  if (!['Utilization', 'Value', 'AverageValue'].includes(type)) {
    errors.invalid(`${path}.type`, type, 'must be either Utilization, Value, or AverageValue');
  }
  for (const field of ['value', 'averageValue'] as const) {
    const value = target[field];
    if (value !== undefined && compareQuantities(value, '0') <= 0) {
      errors.invalid(`${path}.${field}`, canonicalQuantity(value), 'must be positive');
    }
  }
  if (averageUtilization !== undefined && averageUtilization < 1) {
    errors.invalid(`${path}.averageUtilization`, averageUtilization, 'must be greater than 0');
  }
}

const sourceFields = ['object', 'external', 'pods', 'resource', 'containerResource'] as const;

function validateSource(
  errors: FieldErrors,
  path: string,
  field: (typeof sourceFields)[number],
  source: Source,
): void {
  const target = source.target ?? {};
  const at = `${path}.target`;
  if (field === 'object') {
    validateReference(errors, `${path}.describedObject`, source.describedObject ?? {}, false);
  }
  if (field === 'resource' || field === 'containerResource') {
    if (!source.name) errors.required(`${path}.name`, 'must specify a resource name');
    else if (field === 'containerResource')
      validateContainerResourceName(errors, `${path}.name`, source.name);
    if (field === 'containerResource') {
      if (!source.container) errors.required(`${path}.container`, 'must specify a container');
      else dnsLabel(errors, `${path}.container`, source.container);
    }
    validateTarget(errors, at, target);
    if (target.averageUtilization === undefined && target.averageValue === undefined) {
      errors.required(
        `${at}.averageUtilization`,
        'must set either a target raw value or a target utilization',
      );
    }
    if (target.averageUtilization !== undefined && target.averageValue !== undefined) {
      errors.forbidden(
        `${at}.averageValue`,
        'may not set both a target raw value and a target utilization',
      );
    }
    return;
  }
  const metric = source.metric?.name ?? '';
  if (metric === '') errors.required(`${path}.metric.name`, 'must specify a metric name');
  else errors.invalidEach(`${path}.metric.name`, metric, isPathSegment(metric));
  validateTarget(errors, at, target);
  const neither = target.value === undefined && target.averageValue === undefined;
  if (field === 'pods' && target.averageValue === undefined) {
    errors.required(`${at}.averageValue`, 'must specify a positive target averageValue');
  }
  if (field === 'object' && neither) {
    errors.required(`${at}.averageValue`, 'must set either a target value or averageValue');
  }
  if (field === 'external') {
    if (neither) {
      errors.required(
        `${at}.averageValue`,
        'must set either a target value for metric or a per-pod target',
      );
    }
    if (target.value !== undefined && target.averageValue !== undefined) {
      errors.forbidden(
        `${at}.value`,
        'may not set both a target value for metric and a per-pod target',
      );
    }
  }
}

const metricTypes = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource'];

function validateMetric(errors: FieldErrors, path: string, metric: Metric): void {
  const type = metric.type ?? '';
  if (type === '') errors.required(`${path}.type`, 'must specify a metric source type');
  const known = metricTypes.includes(type);
  if (!known) errors.notSupported(`${path}.type`, type, metricTypes);
  const present = sourceFields.filter((field) => metric[field] !== undefined);
  const [first] = present;
  if (first) validateSource(errors, `${path}.${first}`, first, metric[first] ?? {});
  const expected = sourceFields.find((field) => field.toLowerCase() === type.toLowerCase());
  if (!known) errors.notSupported(`${path}.type`, type, metricTypes);
  else if (expected && !metric[expected]) {
    errors.required(`${path}.${expected}`, 'must populate information for the given metric source');
  }
  if (present.length !== 1) {
    for (const field of present) {
      if (field !== expected) {
        errors.forbidden(`${path}.${field}`, 'must populate the given metric source only');
      }
    }
  }
}

function validateScaling(errors: FieldErrors, path: string, rules: ScalingRules | undefined): void {
  if (!rules) return;
  const seconds = rules.stabilizationWindowSeconds;
  if (seconds !== undefined && seconds < 0) {
    errors.invalid(
      `${path}.stabilizationWindowSeconds`,
      seconds,
      'must be greater than or equal to zero',
    );
  }
  if (seconds !== undefined && seconds > 3600) {
    errors.invalid(
      `${path}.stabilizationWindowSeconds`,
      seconds,
      'must be less than or equal to 3600',
    );
  }
  const select = ['Disabled', 'Max', 'Min'];
  if (rules.selectPolicy !== undefined && !select.includes(rules.selectPolicy)) {
    errors.notSupported(`${path}.selectPolicy`, rules.selectPolicy, select);
  }
  const policies = rules.policies ?? [];
  if (policies.length === 0) {
    errors.required(`${path}.policies`, 'must specify at least one Policy');
  }
  policies.forEach(({ type = '', value = 0, periodSeconds = 0 }, index) => {
    const at = `${path}.policies[${index}]`;
    if (type !== 'Pods' && type !== 'Percent') {
      errors.notSupported(`${at}.type`, type, ['Percent', 'Pods']);
    }
    if (value <= 0) errors.invalid(`${at}.value`, value, 'must be greater than zero');
    if (periodSeconds <= 0) {
      errors.invalid(`${at}.periodSeconds`, periodSeconds, 'must be greater than zero');
    }
    if (periodSeconds > 1800) {
      errors.invalid(`${at}.periodSeconds`, periodSeconds, 'must be less than or equal to 1800');
    }
  });
  const { tolerance } = rules;
  if (tolerance !== undefined && compareQuantities(tolerance, '0') < 0)
    errors.invalid(`${path}.tolerance`, canonicalQuantity(tolerance), nonNegativeMessage);
}

function autoscalerErrors(
  object: DeepReadonly<KubeObject>,
  old?: DeepReadonly<KubeObject>,
): FieldError[] {
  const errors = new FieldErrors();
  const { minReplicas, maxReplicas = 0, ...spec } = view<Autoscaler>(object).spec ?? {};
  if (minReplicas !== undefined && minReplicas < 1) {
    errors.invalid('spec.minReplicas', minReplicas, 'must be greater than or equal to 1');
  }
  if (maxReplicas === 0) {
    errors.required('spec.maxReplicas', 'must be set and greater than 0');
  } else if (maxReplicas < 0) {
    errors.invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to 1');
  }
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    errors.invalid(
      'spec.maxReplicas',
      maxReplicas,
      'must be greater than or equal to `minReplicas`',
    );
  }
  // What was accepted once is not questioned again while it stays.
  const target = spec.scaleTargetRef ?? {};
  const before = old && view<Autoscaler>(old).spec?.scaleTargetRef;
  const kept = before?.apiVersion === target.apiVersion && before?.kind === target.kind;
  validateReference(errors, 'spec.scaleTargetRef', target, !(old && kept));
  // What version 1 has in a field of its own is a metric like any other.
  const { targetCPUUtilizationPercentage: averageUtilization } = spec;
  const metrics: readonly Metric[] =
    averageUtilization === undefined
      ? (spec.metrics ?? [])
      : [
          {
            type: 'Resource',
            resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
          },
        ];
  metrics.forEach((metric, index) => {
    validateMetric(errors, `spec.metrics[${index}]`, metric);
  });
  const scalesFromZero = (spec.metrics ?? []).some(
    ({ type }) => type === 'Object' || type === 'External',
  );
  if (minReplicas === 0 && !scalesFromZero) {
    errors.forbidden(
      'spec.metrics',
      'must specify at least one Object or External metric to support scaling to zero replicas',
    );
  }
  validateScaling(errors, 'spec.behavior.scaleUp', spec.behavior?.scaleUp);
  validateScaling(errors, 'spec.behavior.scaleDown', spec.behavior?.scaleDown);
  return errors.list;
}

/** Works on v1 and v2 alike. */
export const horizontalPodAutoscalerStrategy: KindStrategy = {
  group: 'autoscaling',
  kind: 'HorizontalPodAutoscaler',
  unconditionalUpdate: true,
  defaults(draft) {
    const autoscaler = view<Autoscaler>(draft);
    const spec = (autoscaler.spec ??= {});
    spec.minReplicas ??= 1;
    if (draft.apiVersion === 'autoscaling/v1') {
      autoscaler.status = { currentReplicas: 0, desiredReplicas: 0, ...autoscaler.status };
      return;
    }
    if ((spec.metrics ?? []).length === 0) {
      spec.metrics = [
        {
          type: 'Resource',
          resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
        },
      ];
    }
    if (spec.behavior) {
      spec.behavior.scaleUp = {
        stabilizationWindowSeconds: 0,
        selectPolicy: 'Max',
        policies: [
          { type: 'Pods', value: 4, periodSeconds: 15 },
          { type: 'Percent', value: 100, periodSeconds: 15 },
        ],
        ...spec.behavior.scaleUp,
      };
      spec.behavior.scaleDown = {
        selectPolicy: 'Max',
        policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
        ...spec.behavior.scaleDown,
      };
    }
    autoscaler.status = { currentMetrics: null, desiredReplicas: 0, ...autoscaler.status };
  },
  prepareForCreate(draft) {
    draft['status'] =
      draft.apiVersion === 'autoscaling/v1'
        ? { currentReplicas: 0, desiredReplicas: 0 }
        : { currentMetrics: null, desiredReplicas: 0 };
  },
  prepareForUpdate: keepStatus,
  prepareForStatusUpdate: keepSpec,
  validate: (object) => autoscalerErrors(object),
  validateUpdate: (object, old) => autoscalerErrors(object, old),
  validateStatusUpdate(object) {
    const errors = new FieldErrors();
    for (const field of ['currentReplicas', 'desiredReplicas']) {
      const value = view<Autoscaler>(object).status?.[field];
      if (typeof value === 'number' && value < 0) {
        errors.invalid(`status.${field}`, value, 'must be greater than or equal to 0');
      }
    }
    return errors.list;
  },
};
