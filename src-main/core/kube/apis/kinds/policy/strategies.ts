import type { DeepReadonly } from '#core/base';

import type { KubeObject, LabelSelector } from '../../../machinery/index.ts';
import type { FieldError, KindStrategy } from '../../kind-strategy.ts';
import { FieldErrors, Printed } from '../../validation/field.ts';
import { type MetaCondition, validateMetaConditions } from '../../validation/conditions.ts';
import {
  nonNegative,
  notMoreThan100Percent,
  positiveIntOrPercent,
  printSelector,
  validateLabelSelector,
} from '../../validation/meta.ts';
import { type IntOrString, view } from '../core/pod-types.ts';
import { bumpGeneration, keepSpec, keepStatus } from '../strategy.ts';

interface Budget {
  spec?: {
    minAvailable?: IntOrString;
    maxUnavailable?: IntOrString;
    selector?: LabelSelector;
    unhealthyPodEvictionPolicy?: string;
  };
  status?: {
    conditions?: MetaCondition[];
    disruptionsAllowed?: number;
    currentHealthy?: number;
    desiredHealthy?: number;
    expectedPods?: number;
  };
}

const zeroStatus = {
  currentHealthy: 0,
  desiredHealthy: 0,
  disruptionsAllowed: 0,
  expectedPods: 0,
};

function budgetErrors(object: DeepReadonly<KubeObject>): FieldError[] {
  const errors = new FieldErrors();
  const spec = view<Budget>(object).spec ?? {};
  if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined) {
    const printed = [
      `"MinAvailable":${JSON.stringify(spec.minAvailable)}`,
      `"Selector":${printSelector(spec.selector).text}`,
      `"MaxUnavailable":${JSON.stringify(spec.maxUnavailable)}`,
      `"UnhealthyPodEvictionPolicy":${JSON.stringify(spec.unhealthyPodEvictionPolicy ?? null)}`,
    ];
    errors.invalid(
      'spec',
      new Printed(`{${printed.join(',')}}`),
      'minAvailable and maxUnavailable cannot be both set',
    );
  }
  for (const field of ['minAvailable', 'maxUnavailable'] as const) {
    if (spec[field] === undefined) continue;
    positiveIntOrPercent(errors, `spec.${field}`, spec[field]);
    notMoreThan100Percent(errors, `spec.${field}`, spec[field]);
  }
  validateLabelSelector(errors, 'spec.selector', spec.selector);
  const policy = spec.unhealthyPodEvictionPolicy;
  const policies = ['AlwaysAllow', 'IfHealthyBudget'];
  if (policy !== undefined && !policies.includes(policy)) {
    errors.notSupported('spec.unhealthyPodEvictionPolicy', policy, policies);
  }
  return errors.list;
}

export const podDisruptionBudgetStrategy: KindStrategy = {
  group: 'policy',
  kind: 'PodDisruptionBudget',
  nameRule: 'path-segment',
  metadataLast: true,
  hasGeneration: true,
  defaults(draft) {
    draft['spec'] ??= {};
    draft['status'] = { ...zeroStatus, ...(draft['status'] as object | undefined) };
  },
  prepareForCreate(draft) {
    draft['status'] = { ...zeroStatus };
    draft.metadata.generation = 1;
  },
  prepareForUpdate(draft, old) {
    keepStatus(draft, old);
    bumpGeneration(draft, old);
  },
  prepareForStatusUpdate: keepSpec,
  validate: budgetErrors,
  validateUpdate: budgetErrors,
  validateStatusUpdate(object) {
    const errors = new FieldErrors();
    const status = view<Budget>(object).status ?? {};
    validateMetaConditions(errors, 'status.conditions', status.conditions ?? []);
    for (const field of [
      'disruptionsAllowed',
      'currentHealthy',
      'desiredHealthy',
      'expectedPods',
    ] as const)
      nonNegative(errors, `status.${field}`, status[field]);
    return errors.list;
  },
};
