import { type DeepReadonly, fromBase64, fromUtf8, quoted } from '#core/base';

import type { KubeObject } from '../../../machinery/index.ts';
import type { FieldError, KindStrategy } from '../../kind-strategy.ts';
import { FieldErrors } from '../../validation/field.ts';
import { immutable, qualifiedName, semanticEqual, validateLabels } from '../../validation/meta.ts';
import { isDns1123Label, isDns1123Subdomain, isIp } from '../../validation/names.ts';
import { validateRequirements } from '../../validation/resources.ts';
import { validateTolerations } from '../core/pod-scheduling.ts';
import { type Toleration, view } from '../core/pod-types.ts';
import { deprecatedNodeLabel } from '../core/pod-warnings.ts';
import {
  type AdmissionPolicySpec,
  type MatchResources,
  type PolicyBindingSpec,
  validatePolicy,
  validatePolicyBinding,
  validateWebhooks,
  type Webhook,
} from './admission-validation.ts';
import { bumpGeneration, keepSpec, keepStatus } from '../strategy.ts';
import { flowControlStrategies } from './flow-control.ts';
import { storageStrategies } from './storage-kinds.ts';

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
  ...fields: string[]
): Pick<KindStrategy, 'hasGeneration' | 'prepareForCreate' | 'prepareForUpdate'> {
  return {
    hasGeneration: true,
    prepareForCreate(draft) {
      draft.metadata.generation = 1;
    },
    prepareForUpdate(draft, old) {
      bumpGeneration(draft, old, fields);
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

interface CsiDriver {
  spec?: Fields;
}

const csiDriverStrategy: KindStrategy = {
  group: 'storage.k8s.io',
  kind: 'CSIDriver',
  ...countsChangesOf('spec'),
  ...checks((errors, object) => {
    const { fsGroupPolicy, volumeLifecycleModes = [] } = view<CsiDriver>(object).spec ?? {};
    const policies = ['File', 'None', 'ReadWriteOnceWithFSType'];
    if (fsGroupPolicy !== undefined && !policies.includes(text(fsGroupPolicy)))
      errors.notSupported('spec.fsGroupPolicy', fsGroupPolicy, policies);
    const modes = ['Persistent', 'Ephemeral'];
    for (const mode of volumeLifecycleModes as unknown[])
      if (!modes.includes(text(mode)))
        errors.notSupported('spec.volumeLifecycleModes', mode, modes);
  }),
  warnings(object, old) {
    const { tokenRequests, serviceAccountTokenInSecrets } = view<CsiDriver>(object).spec ?? {};
    const isNew =
      !old || !semanticEqual(tokenRequests, view<CsiDriver>(old).spec?.['tokenRequests']);
    return isNew &&
      Array.isArray(tokenRequests) &&
      tokenRequests.length > 0 &&
      serviceAccountTokenInSecrets === undefined
      ? [
          'spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes',
        ]
      : [];
  },
  defaults(draft) {
    const spec = (view<CsiDriver>(draft).spec ??= {});
    spec['attachRequired'] ??= true;
    spec['podInfoOnMount'] ??= false;
    spec['storageCapacity'] ??= false;
    spec['fsGroupPolicy'] ??= 'ReadWriteOnceWithFSType';
    spec['volumeLifecycleModes'] ??= ['Persistent'];
    spec['requiresRepublish'] ??= false;
    spec['seLinuxMount'] ??= false;
  },
};

const withStatus = (group: string, kind: string, zero: Fields = {}): KindStrategy => ({
  group,
  kind,
  unconditionalUpdate: true,
  defaults(draft) {
    draft['status'] = { ...zero, ...(draft['status'] as object | undefined) };
  },
  prepareForCreate(draft) {
    draft['status'] = { ...zero };
  },
  prepareForUpdate: keepStatus,
  prepareForStatusUpdate: keepSpec,
});

const volumeAttachmentStrategy: KindStrategy = {
  ...withStatus('storage.k8s.io', 'VolumeAttachment', { attached: false }),
  unconditionalUpdate: false,
};

interface SigningRequest {
  spec?: { signerName?: string; request?: string; usages?: string[]; expirationSeconds?: number };
}

/** Sorted. @see pkg/apis/certificates/validation/validation.go, allValidUsages */
const keyUsages = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
];

/** Base64 of a PEM block of the right type; what is in it, the signer finds out. */
function isPemRequest(request: string): boolean {
  const block =
    /(^|\n)-----BEGIN CERTIFICATE REQUEST-----\r?\n[^-]*-----END CERTIFICATE REQUEST-----/;
  try {
    return block.test(fromUtf8(fromBase64(request)));
  } catch {
    return false;
  }
}

/** @see pkg/apis/core/validation/names.go, ValidateSignerName */
function validateSignerName(errors: FieldErrors, path: string, signerName: string): void {
  if (signerName === '') {
    errors.required(path);
    return;
  }
  const [domain = '', name = '', ...rest] = signerName.split('/');
  if (!signerName.includes('/') || rest.length > 0) {
    errors.invalid(
      path,
      signerName,
      "must be a fully qualified domain and path of the form 'example.com/signer-name'",
    );
    return;
  }
  const labels = domain.split('.');
  const [wrong] = labels.filter((label) => isDns1123Label(label).length > 0);
  if (wrong !== undefined)
    for (const text of isDns1123Label(wrong))
      errors.invalid(path, domain, `validating label ${quoted(wrong)}: ${text}`);
  if (labels.length < 2)
    errors.invalid(path, domain, 'should be a domain with at least two segments separated by dots');
  const [odd] = name.split('.').filter((label) => isDns1123Subdomain(label).length > 0);
  if (odd !== undefined)
    for (const text of isDns1123Subdomain(odd))
      errors.invalid(path, name, `validating label ${quoted(odd)}: ${text}`);
}

const certificateSigningRequestStrategy: KindStrategy = {
  ...withStatus('certificates.k8s.io', 'CertificateSigningRequest'),
  prepareForUpdate(draft, old) {
    // Neither what is asked for nor what was answered changes through the main resource.
    keepSpec(draft, old);
    keepStatus(draft, old);
  },
  ...checks(
    (errors, object) => {
      const {
        signerName = '',
        request = '',
        usages = [],
        expirationSeconds,
      } = view<SigningRequest>(object).spec ?? {};
      if (!isPemRequest(request)) {
        errors.invalid(
          'spec.request',
          request || null,
          'PEM block type must be CERTIFICATE REQUEST',
        );
      }
      if (usages.length === 0) errors.required('spec.usages');
      usages.forEach((usage, index) => {
        if (!keyUsages.includes(usage))
          errors.notSupported(`spec.usages[${index}]`, usage, keyUsages);
      });
      usages.forEach((usage, index) => {
        if (usages.indexOf(usage) < index) errors.duplicate(`spec.usages[${index}]`, usage);
      });
      validateSignerName(errors, 'spec.signerName', signerName);
      if (expirationSeconds !== undefined && expirationSeconds < 600) {
        errors.invalid(
          'spec.expirationSeconds',
          expirationSeconds,
          'may not specify a duration less than 600 seconds (10 minutes)',
        );
      }
    },
    () => undefined,
  ),
  selectableFields: (object) => ({
    'spec.signerName': view<SigningRequest>(object).spec?.signerName ?? '',
  }),
};

interface Lease {
  spec?: {
    leaseDurationSeconds?: number;
    leaseTransitions?: number;
    strategy?: string;
    preferredHolder?: string;
  };
}

const leaseStrategy: KindStrategy = {
  group: 'coordination.k8s.io',
  kind: 'Lease',
  createOnUpdate: true,
  unconditionalUpdate: false,
  ...checks((errors, object) => {
    const { leaseDurationSeconds, leaseTransitions } = view<Lease>(object).spec ?? {};
    if (leaseDurationSeconds !== undefined && leaseDurationSeconds <= 0) {
      errors.invalid('spec.leaseDurationSeconds', leaseDurationSeconds, 'must be greater than 0');
    }
    if (leaseTransitions !== undefined && leaseTransitions < 0) {
      errors.invalid(
        'spec.leaseTransitions',
        leaseTransitions,
        'must be greater than or equal to 0',
      );
    }
  }),
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
      validateTolerations(errors, 'scheduling.tolerations', scheduling?.tolerations ?? []);
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
}

const policyStrategy = (kind: string, hasStatus: boolean): KindStrategy => ({
  group: admission,
  kind,
  ...countsChangesOf('spec'),
  ...(hasStatus
    ? checks((errors, object) => validatePolicy(errors, view<AdmissionPolicy>(object).spec ?? {}))
    : {}),
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

const ipAddressStrategy: KindStrategy = {
  group: 'networking.k8s.io',
  kind: 'IPAddress',
  nameRule: 'none',
  ...checks((errors, object) => {
    const name = object.metadata.name ?? '';
    errors.invalidEach('metadata.name', name, isIp(name));
  }),
};

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
  ipAddressStrategy,
  ...storageStrategies,
];
