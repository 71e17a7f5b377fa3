import type { LabelSelector } from '../../../machinery/index.ts';
import type { FieldErrors } from '../../validation/field.ts';
import {
  notAnOperator,
  positive,
  qualifiedName,
  validateLabelSelector,
  validateSetOperator,
} from '../../validation/meta.ts';
import { isDns1123Label, isDns1123Subdomain, isLabelValue } from '../../validation/names.ts';
import type {
  NodeSelector,
  NodeSelectorTerm,
  PodAffinity,
  PodAffinityTerm,
  PodSpec,
  Toleration,
  TopologySpreadConstraint,
} from './pod-types.ts';

function validateTerm(
  errors: FieldErrors,
  path: string,
  term: NodeSelectorTerm,
  checkValues: boolean,
): void {
  term.matchExpressions?.forEach(({ key = '', operator = '', values = [] }, index) => {
    const at = `${path}.matchExpressions[${index}]`;
    if (operator === 'Gt' || operator === 'Lt') {
      if (values.length !== 1) {
        errors.required(
          `${at}.values`,
          "must be specified single value when `operator` is 'Lt' or 'Gt'",
        );
      }
    } else validateSetOperator(errors, at, operator, values);
    qualifiedName(errors, `${at}.key`, key);
    if (checkValues) {
      values.forEach((value, i) => {
        errors.invalidEach(`${at}.values[${i}]`, value, isLabelValue(value));
      });
    }
  });
  term.matchFields?.forEach(({ key = '', operator = '', values = [] }, index) => {
    const at = `${path}.matchFields[${index}]`;
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length !== 1) {
        errors.required(
          `${at}.values`,
          "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
        );
      }
    } else errors.invalid(`${at}.operator`, operator, notAnOperator);
    if (key !== 'metadata.name') {
      errors.invalid(`${at}.key`, key, 'not a valid field selector key');
    } else {
      values.forEach((value, i) => {
        errors.invalidEach(`${at}.values[${i}]`, value, isDns1123Subdomain(value));
      });
    }
  });
}

/** The required part of a node affinity, of a pod or a volume. */
export function validateNodeSelector(
  errors: FieldErrors,
  path: string,
  selector: NodeSelector,
): void {
  const terms = selector.nodeSelectorTerms ?? [];
  if (terms.length === 0) {
    errors.required(`${path}.nodeSelectorTerms`, 'must have at least one node selector term');
  }
  terms.forEach((term, index) => {
    validateTerm(errors, `${path}.nodeSelectorTerms[${index}]`, term, true);
  });
}

function validateLabelKeys(
  errors: FieldErrors,
  path: string,
  match: readonly string[] = [],
  mismatch: readonly string[] = [],
  selector: LabelSelector | undefined,
): void {
  for (const [name, keys] of [
    ['matchLabelKeys', match],
    ['mismatchLabelKeys', mismatch],
  ] as const) {
    if (keys.length > 0 && !selector) {
      errors.forbidden(`${path}.${name}`, 'must not be specified when labelSelector is not set');
    } else {
      keys.forEach((key, index) => {
        qualifiedName(errors, `${path}.${name}[${index}]`, key);
      });
    }
  }
  const selected = new Set(Object.keys(selector?.matchLabels ?? {}));
  for (const { key } of selector?.matchExpressions ?? []) {
    const index = match.indexOf(key);
    if (index >= 0 && selected.has(key)) {
      errors.invalid(`${path}[${index}]`, key, 'exists in both matchLabelKeys and labelSelector');
    }
    selected.add(key);
  }
  match.forEach((key, index) => {
    if (mismatch.includes(key)) {
      errors.invalid(
        `${path}.matchLabelKeys[${index}]`,
        key,
        'exists in both matchLabelKeys and mismatchLabelKeys',
      );
    }
  });
}

function validateAffinityTerm(errors: FieldErrors, path: string, term: PodAffinityTerm): void {
  validateLabelSelector(errors, `${path}.labelSelector`, term.labelSelector);
  validateLabelSelector(errors, `${path}.namespaceSelector`, term.namespaceSelector);
  for (const name of term.namespaces ?? []) {
    errors.invalidEach(`${path}.namespace`, name, isDns1123Label(name));
  }
  validateLabelKeys(errors, path, term.matchLabelKeys, term.mismatchLabelKeys, term.labelSelector);
  const key = term.topologyKey ?? '';
  if (key === '') errors.required(`${path}.topologyKey`, 'can not be empty');
  qualifiedName(errors, `${path}.topologyKey`, key);
}

function validateWeight(errors: FieldErrors, path: string, weight = 0): void {
  if (weight <= 0 || weight > 100) errors.invalid(path, weight, 'must be in the range 1-100');
}

function validatePodAffinity(
  errors: FieldErrors,
  path: string,
  affinity: PodAffinity | undefined,
): void {
  affinity?.requiredDuringSchedulingIgnoredDuringExecution?.forEach((term, index) => {
    const at = `${path}.requiredDuringSchedulingIgnoredDuringExecution[${index}]`;
    validateAffinityTerm(errors, at, term);
  });
  affinity?.preferredDuringSchedulingIgnoredDuringExecution?.forEach((term, index) => {
    const at = `${path}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
    validateWeight(errors, `${at}.weight`, term.weight);
    validateAffinityTerm(errors, `${at}.podAffinityTerm`, term.podAffinityTerm ?? {});
  });
}

export function validateAffinity(errors: FieldErrors, path: string, spec: PodSpec): void {
  const node = spec.affinity?.nodeAffinity;
  const required = node?.requiredDuringSchedulingIgnoredDuringExecution;
  if (required) {
    validateNodeSelector(
      errors,
      `${path}.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution`,
      required,
    );
  }
  node?.preferredDuringSchedulingIgnoredDuringExecution?.forEach((term, index) => {
    const at = `${path}.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
    validateWeight(errors, `${at}.weight`, term.weight);
    validateTerm(errors, `${at}.preference`, term.preference ?? {}, false);
  });
  validatePodAffinity(errors, `${path}.podAffinity`, spec.affinity?.podAffinity);
  validatePodAffinity(errors, `${path}.podAntiAffinity`, spec.affinity?.podAntiAffinity);
}

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

/** The effect of a taint, or of a toleration where it may be empty. */
export function validateTaintEffect(errors: FieldErrors, path: string, effect: string): void {
  if (!effects.includes(effect)) errors.notSupported(path, effect, effects);
}

export function validateTolerations(
  errors: FieldErrors,
  path: string,
  tolerations: readonly Toleration[],
): void {
  tolerations.forEach((toleration, index) => {
    const at = `${path}[${index}]`;
    const { key = '', operator = '', value = '', effect = '' } = toleration;
    if (key !== '') qualifiedName(errors, `${at}.key`, key);
    else if (operator !== 'Exists') {
      errors.invalid(
        `${at}.operator`,
        operator,
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      );
    }
    if (toleration.tolerationSeconds !== undefined && effect !== 'NoExecute') {
      errors.invalid(
        `${at}.effect`,
        effect,
        "effect must be 'NoExecute' when `tolerationSeconds` is set",
      );
    }
    if (operator === 'Equal' || operator === '') {
      const messages = isLabelValue(value);
      if (messages.length > 0) errors.invalid(`${at}.operator`, value, messages.join(';'));
    } else if (operator === 'Exists') {
      if (value !== '') {
        errors.invalid(`${at}.operator`, value, "value must be empty when `operator` is 'Exists'");
      }
    } else if (operator === 'Lt' || operator === 'Gt') {
      errors.notSupported(`${at}.operator`, operator, ['Equal', 'Exists', 'Lt', 'Gt']);
    } else errors.notSupported(`${at}.operator`, operator, ['Equal', 'Exists']);
    if (effect !== '') validateTaintEffect(errors, `${at}.effect`, effect);
  });
}

export function validateSpread(
  errors: FieldErrors,
  path: string,
  constraints: readonly TopologySpreadConstraint[],
): void {
  const policies = ['Honor', 'Ignore'];
  constraints.forEach((constraint, index) => {
    const at = `${path}[${index}]`;
    const { topologyKey = '', whenUnsatisfiable = '', minDomains } = constraint;
    positive(errors, `${at}.maxSkew`, constraint.maxSkew ?? 0);
    if (topologyKey === '') errors.required(`${at}.topologyKey`, 'can not be empty');
    if (whenUnsatisfiable !== 'DoNotSchedule' && whenUnsatisfiable !== 'ScheduleAnyway') {
      errors.notSupported(`${at}.whenUnsatisfiable`, whenUnsatisfiable, [
        'DoNotSchedule',
        'ScheduleAnyway',
      ]);
    }
    const repeated = constraints
      .slice(index + 1)
      .some(
        (other) =>
          other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable,
      );
    if (repeated) {
      errors.duplicate(
        `${at}.{topologyKey, whenUnsatisfiable}`,
        `{${topologyKey}, ${whenUnsatisfiable}}`,
      );
    }
    if (minDomains !== undefined) {
      positive(errors, `${at}.minDomains`, minDomains);
      if (whenUnsatisfiable !== 'DoNotSchedule') {
        errors.invalid(
          `${at}.minDomains`,
          minDomains,
          `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`,
        );
      }
    }
    for (const field of ['nodeAffinityPolicy', 'nodeTaintsPolicy'] as const) {
      const policy = constraint[field];
      if (policy !== undefined && !policies.includes(policy)) {
        errors.notSupported(`${at}.${field}`, policy, ['Honor', 'Ignore']);
      }
    }
    validateLabelKeys(errors, at, constraint.matchLabelKeys, [], constraint.labelSelector);
    validateLabelSelector(errors, `${at}.labelSelector`, constraint.labelSelector);
  });
}
