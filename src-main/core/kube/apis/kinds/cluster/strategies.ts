import type { DeepReadonly } from '#core/base';

import type { KubeObject } from '../../../machinery/index.ts';
import type { FieldError, KindStrategy } from '../../kind-strategy.ts';
import { FieldErrors, Printed } from '../../validation/field.ts';
import { immutable, qualifiedName, semanticEqual, validateLabels } from '../../validation/meta.ts';
import { isDns1123Label } from '../../validation/names.ts';
import { validateRequirements } from '../../validation/resources.ts';
import { internalJson } from '../core/internal-print.ts';
import { validateTolerations } from '../core/pod-scheduling.ts';
import { type Toleration, view } from '../core/pod-types.ts';
import { deprecatedNodeLabel } from '../core/pod-warnings.ts';
import {
  type AdmissionPolicySpec,
  type AdmissionPolicyStatus,
  type MatchResources,
  type PolicyBindingSpec,
  validateMutatingPolicy,
  validatePolicy,
  validatePolicyBinding,
  validatePolicyStatus,
  validateWebhooks,
  type Webhook,
} from './admission-validation.ts';
import { bumpGeneration, bumpGenerationByIdentity, keepSpec, keepStatus } from '../strategy.ts';
import { csiDriverStrategy } from './csi-driver.ts';
import { flowControlStrategies } from './flow-control.ts';
import { leaseStrategy } from './lease.ts';
import { storageStrategies } from './storage-kinds.ts';
import { volumeAttachmentStrategy } from './volume-attachment.ts';
import { certificateSigningRequestStrategy } from './certificate-signing-request.ts';

type Fields = Record<string, unknown>;

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
type Check = (errors: FieldErrors, object: DeepReadonly<KubeObject>) => void;

/** Create and update share a check, unless an update is asked something else. */
function checks(
  check: Check,
  change?: (errors: FieldErrors, object: Fields, old: Fields) => void,
  updates: 'changes' | 'all' = 'changes',
): Pick<KindStrategy, 'validate' | 'validateUpdate'> {
  return {
    validate(object): FieldError[] {
      const errors = new FieldErrors();
      check(errors, object);
      return errors.list;
    },
    validateUpdate(object, old): FieldError[] {
      const errors = new FieldErrors();
      if (!change || updates === 'all') check(errors, object);
      change?.(errors, view<Fields>(object), view<Fields>(old));
      return errors.list;
    },
  };
}

/** Generation counts changes of the whole object's own fields, not of a spec. */
function countsChangesOf(
  field: string,
): Pick<KindStrategy, 'hasGeneration' | 'prepareForCreate' | 'prepareForUpdate'> {
  return {
    hasGeneration: true,
    prepareForCreate(draft) {
      draft.metadata.generation = 1;
    },
    prepareForUpdate(draft, old, context) {
      if (field === 'webhooks') bumpGenerationByIdentity(draft, old, field, context);
      else bumpGeneration(draft, old, [field]);
    },
  };
}

const highestUserPriority = 1_000_000_000;
const systemPriorities: Readonly<Record<string, number>> = {
  'system-node-critical': 2_000_001_000,
  'system-cluster-critical': 2_000_000_000,
};

const priorityClassStrategy: KindStrategy = {
  group: 'scheduling.k8s.io',
  kind: 'PriorityClass',
  unconditionalUpdate: true,
  ...countsChangesOf('value'),
  defaults(draft) {
    draft['preemptionPolicy'] ??= 'PreemptLowerPriority';
    draft['value'] ??= 0;
  },
  ...checks(
    (errors, object) => {
      const name = object.metadata.name ?? '';
      const value = Number(object['value'] ?? 0);
      const policy = object['preemptionPolicy'];
      if (name.startsWith('system-')) {
        const known = systemPriorities[name];
        const reserved =
          "priority class names with 'system-' prefix are reserved for system use only. error: ";
        if (known === undefined) {
          errors.forbidden(
            'metadata.name',
            `${reserved}${name} is not a known system priority class`,
          );
        } else if (known !== value) {
          errors.forbidden(
            'metadata.name',
            `${reserved}value of ${name} PriorityClass must be ${known}`,
          );
        }
      } else if (value > highestUserPriority) {
        errors.forbidden(
          'value',
          `maximum allowed value of a user defined priority is ${highestUserPriority}`,
        );
      }
      const policies = ['PreemptLowerPriority', 'Never'];
      if (typeof policy === 'string' && !policies.includes(policy)) {
        errors.notSupported('preemptionPolicy', policy, policies);
      }
    },
    (errors, object, old) => {
      if ((object['value'] ?? 0) !== (old['value'] ?? 0)) {
        errors.forbidden('value', 'may not be changed in an update.');
      }
      immutable(errors, 'preemptionPolicy', object['preemptionPolicy'], old['preemptionPolicy']);
    },
  ),
};

interface TopologyTerm {
  matchLabelExpressions?: { key?: string; values?: string[] | null }[];
}

function validateTopologies(errors: FieldErrors, terms: readonly TopologyTerm[]): void {
  const seen: unknown[] = [];
  terms.forEach(({ matchLabelExpressions = [] }, index) => {
    const at = `allowedTopologies[${index}].matchLabelExpressions`;
    const term: Record<string, string[]> = {};
    matchLabelExpressions.forEach((expression, i) => {
      const { key = '' } = expression;
      const values = expression.values ?? [];
      const path = `${at}[${i}]`;
      if (values.length === 0) errors.required(`${path}.values`);
      values.forEach((value, j) => {
        if (values.indexOf(value) < j) errors.duplicate(`${path}.values[${j}]`, value);
      });
      qualifiedName(errors, `${path}.key`, key);
      if (key in term) errors.duplicate(`${path}.key`, key);
      term[key] = [...new Set(values)].sort();
    });
    // Upstream compares with a term that is not there yet for each term there is, so that an empty one is told so often.
    const empty = Object.keys(term).length === 0 ? terms.length : 0;
    for (let n = 0; n < empty + seen.filter((each) => semanticEqual(each, term)).length; n++)
      errors.duplicate(at, '');
    seen.push(term);
  });
}

const storageClassStrategy: KindStrategy = {
  group: 'storage.k8s.io',
  kind: 'StorageClass',
  unconditionalUpdate: true,
  defaults(draft) {
    draft['reclaimPolicy'] ??= 'Delete';
    draft['volumeBindingMode'] ??= 'Immediate';
  },
  ...checks(
    (errors, object) => {
      const provisioner = text(object['provisioner']);
      if (provisioner === '') errors.required('provisioner');
      else qualifiedName(errors, 'provisioner', provisioner.toLowerCase());
      const oneOf = (field: string, allowed: readonly string[]): void => {
        const value = object[field];
        if (typeof value === 'string' && value !== '' && !allowed.includes(value)) {
          errors.notSupported(field, value, allowed);
        }
      };
      const parameters = (object['parameters'] ?? {}) as Record<string, string>;
      if ('' in parameters) errors.invalid('parameters', '', 'field can not be empty.');
      oneOf('reclaimPolicy', ['Delete', 'Retain']);
      oneOf('volumeBindingMode', ['Immediate', 'WaitForFirstConsumer']);
      validateTopologies(errors, (object['allowedTopologies'] ?? []) as TopologyTerm[]);
    },
    (errors, object, old) => {
      for (const field of ['parameters', 'provisioner', 'reclaimPolicy', 'volumeBindingMode']) {
        immutable(errors, field, object[field], old[field]);
      }
    },
    'all',
  ),
  warnings: (object) =>
    ((object['allowedTopologies'] ?? []) as TopologyTerm[]).flatMap((term, index) =>
      (term.matchLabelExpressions ?? []).flatMap(({ key = '' }, i) => {
        const message = deprecatedNodeLabel(key);
        return message
          ? [`allowedTopologies[${index}].matchLabelExpressions[${i}].key: ${message}`]
          : [];
      }),
    ),
};

interface RuntimeClass {
  overhead?: { podFixed?: Record<string, string> };
  scheduling?: { tolerations?: Toleration[]; nodeSelector?: Record<string, string> };
}

const runtimeClassStrategy: KindStrategy = {
  group: 'node.k8s.io',
  kind: 'RuntimeClass',
  createOnUpdate: true,
  ...checks(
    (errors, object) => {
      const handler = text(object['handler']);
      if (handler === '') errors.required('handler');
      else errors.invalidEach('handler', handler, isDns1123Label(handler));
      const { overhead, scheduling } = view<RuntimeClass>(object);
      if (overhead) validateRequirements(errors, 'overhead', { limits: overhead.podFixed ?? {} });
      validateLabels(errors, 'scheduling.nodeSelector', scheduling?.nodeSelector);
      const tolerations = scheduling?.tolerations ?? [];
      validateTolerations(errors, 'scheduling.tolerations', tolerations);
      const seen = new Set<string>();
      tolerations.forEach((toleration, index) => {
        const { key = '', operator = '', value = '', effect = '' } = toleration;
        const id = JSON.stringify([key, operator, value, effect]);
        if (seen.has(id))
          errors.duplicate(
            `scheduling.tolerations[${index}]`,
            new Printed(internalJson('Toleration', toleration)),
          );
        seen.add(id);
      });
    },
    (errors, object, old) => {
      immutable(errors, 'handler', object['handler'], old['handler']);
    },
    'all',
  ),
  warnings: (object) =>
    Object.keys(view<RuntimeClass>(object).scheduling?.nodeSelector ?? {}).flatMap((key) => {
      const message = deprecatedNodeLabel(key);
      return message ? [`scheduling.nodeSelector: ${message}`] : [];
    }),
};

function setMatchDefaults(match: MatchResources | undefined): void {
  if (!match) return;
  match.matchPolicy ??= 'Equivalent';
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
  for (const rule of [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])]) {
    rule.scope ??= '*';
  }
}

const admission = 'admissionregistration.k8s.io';

const webhookStrategy = (kind: string, mutating: boolean): KindStrategy => ({
  group: admission,
  kind,
  ...countsChangesOf('webhooks'),
  ...checks((errors, object) => validateWebhooks(errors, (object['webhooks'] ?? []) as Webhook[])),
  defaults(draft) {
    for (const webhook of (draft['webhooks'] ?? []) as Webhook[]) {
      webhook.failurePolicy ??= 'Fail';
      setMatchDefaults(webhook);
      webhook.timeoutSeconds ??= 10;
      if (mutating) webhook.reinvocationPolicy ??= 'Never';
      for (const rule of webhook.rules ?? []) rule.scope ??= '*';
      if (webhook.clientConfig?.service) webhook.clientConfig.service.port ??= 443;
    }
  },
});

interface AdmissionPolicy {
  spec?: AdmissionPolicySpec;
  status?: AdmissionPolicyStatus;
}

const policyStrategy = (kind: string, hasStatus: boolean): KindStrategy => ({
  group: admission,
  kind,
  ...countsChangesOf('spec'),
  ...checks((errors, object) => {
    const { spec = {} } = view<AdmissionPolicy>(object);
    if (hasStatus) validatePolicy(errors, spec, object.metadata.name ?? '');
    else validateMutatingPolicy(errors, spec);
  }),
  defaults(draft) {
    const spec = (view<AdmissionPolicy>(draft).spec ??= {});
    spec.failurePolicy ??= 'Fail';
    setMatchDefaults(spec.matchConstraints);
    if (hasStatus) draft['status'] ??= {};
  },
  ...(hasStatus
    ? {
        prepareForCreate(draft: KubeObject): void {
          draft['status'] = {};
          draft.metadata.generation = 1;
        },
        prepareForUpdate(draft: KubeObject, old: DeepReadonly<KubeObject>): void {
          keepStatus(draft, old);
          bumpGeneration(draft, old);
        },
        prepareForStatusUpdate: keepSpec,
        validateStatusUpdate(object: DeepReadonly<KubeObject>): FieldError[] {
          const errors = new FieldErrors();
          validatePolicyStatus(errors, view<AdmissionPolicy>(object).status ?? {});
          return errors.list;
        },
      }
    : {}),
});

const policyBindingStrategy = (kind: string): KindStrategy => ({
  group: admission,
  kind,
  ...countsChangesOf('spec'),
  ...checks((errors, object) => {
    const { spec = {} } = view<{ spec?: PolicyBindingSpec }>(object);
    validatePolicyBinding(errors, spec, kind === 'ValidatingAdmissionPolicyBinding');
  }),
  defaults(draft) {
    setMatchDefaults(view<AdmissionPolicy>(draft).spec?.matchResources);
  },
});

/** Cluster-wide kinds that ask for little. */
export const clusterStrategies: readonly KindStrategy[] = [
  priorityClassStrategy,
  storageClassStrategy,
  csiDriverStrategy,
  volumeAttachmentStrategy,
  certificateSigningRequestStrategy,
  leaseStrategy,
  runtimeClassStrategy,
  webhookStrategy('MutatingWebhookConfiguration', true),
  webhookStrategy('ValidatingWebhookConfiguration', false),
  policyStrategy('ValidatingAdmissionPolicy', true),
  policyStrategy('MutatingAdmissionPolicy', false),
  policyBindingStrategy('ValidatingAdmissionPolicyBinding'),
  policyBindingStrategy('MutatingAdmissionPolicyBinding'),
  ...flowControlStrategies,
  ...storageStrategies,
];
