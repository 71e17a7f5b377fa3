import { type DeepReadonly, jsonClone } from '#core/base';

import { hasLabels, type KubeObject, type ObjectMeta } from '../../../machinery/index.ts';
import type { KindStrategy } from '../../kind-strategy.ts';
import { addressWarnings, cidrWarnings } from '../../validation/addresses.ts';
import { FieldErrors, Printed } from '../../validation/field.ts';
import {
  dnsLabel,
  dnsSubdomain,
  nonNegative,
  qualifiedName,
  sortedEntries,
} from '../../validation/meta.ts';
import {
  cidrFamily,
  isCidr,
  isIp,
  isLabelValue,
  isPortNumber,
  isQualifiedName,
} from '../../validation/names.ts';
import { validateAmount } from '../../validation/resources.ts';
import { type Counts, count } from '../apps/types.ts';
import { validateReplicaCounts } from '../apps/validation.ts';
import { bumpGeneration, isNewGeneration, keepSpec, keepStatus } from '../strategy.ts';
import { setTemplateDefaults } from './pod-defaults.ts';
import { validateTaintEffect } from './pod-scheduling.ts';
import { validatePodTemplate } from './pod-spec-validation.ts';
import { type PodTemplate, type ResourceList, view } from './pod-types.ts';
import { templateWarnings, workloadNameWarnings } from './pod-warnings.ts';
import { validateEndpointIp } from './service.ts';

interface Namespace {
  metadata: ObjectMeta;
  spec?: { finalizers?: string[] };
  status?: { phase?: string };
}

function validateFinalizers(errors: FieldErrors, path: string, names: readonly string[]): void {
  for (const name of names) {
    errors.invalidEach(path, name, isQualifiedName(name));
    if (!name.includes('/') && !['kubernetes', 'orphan', 'foregroundDeletion'].includes(name)) {
      errors.invalid(
        path,
        name,
        'name is neither a standard finalizer name nor is it fully qualified',
      );
    }
  }
}

function namespaceErrors(object: DeepReadonly<KubeObject>): FieldErrors['list'] {
  const errors = new FieldErrors();
  const { spec } = view<Namespace>(object);
  validateFinalizers(errors, 'spec.finalizers', spec?.finalizers ?? []);
  return errors.list;
}

export const namespaceStrategy: KindStrategy = {
  group: '',
  kind: 'Namespace',
  nameRule: 'dns-label',
  unconditionalUpdate: true,
  defaults(draft) {
    const namespace = view<Namespace>(draft);
    namespace.spec ??= {};
    namespace.status ??= {};
    namespace.status.phase ||= 'Active';
    const { name } = draft.metadata;
    if (name) {
      draft.metadata.labels = { ...draft.metadata.labels, 'kubernetes.io/metadata.name': name };
    }
  },
  prepareForCreate(draft) {
    const namespace = view<Namespace>(draft);
    const finalizers = (namespace.spec ??= {}).finalizers ?? [];
    namespace.status = { phase: 'Active' };
    if (!finalizers.includes('kubernetes')) {
      namespace.spec.finalizers = [...finalizers, 'kubernetes'];
    }
  },
  prepareForUpdate(draft, old) {
    // Finalizers change through the `finalize` subresource only.
    draft['spec'] = jsonClone(old['spec'] ?? {});
    keepStatus(draft, old);
  },
  prepareForStatusUpdate: keepSpec,
  validate: namespaceErrors,
  validateUpdate: namespaceErrors,
  validateStatusUpdate(object) {
    const errors = new FieldErrors();
    const { status } = view<Namespace>(object);
    const phase = status?.phase ?? '';
    const deleting = object.metadata.deletionTimestamp !== undefined;
    if (phase !== (deleting ? 'Terminating' : 'Active')) {
      errors.invalid(
        'status.Phase',
        phase,
        deleting
          ? "may only be 'Terminating' if `deletionTimestamp` is not empty"
          : "may only be 'Active' if `deletionTimestamp` is empty",
      );
    }
    return errors.list;
  },
  selectableFields: (object) => ({
    'status.phase': view<Namespace>(object).status?.phase ?? '',
    name: object.metadata.name ?? '',
  }),
};

interface Taint {
  key?: string;
  value?: string;
  effect?: string;
}

interface Node {
  metadata: ObjectMeta;
  spec?: {
    taints?: Taint[];
    podCIDR?: string;
    podCIDRs?: string[];
    configSource?: object;
    externalID?: string;
    providerID?: string;
    unschedulable?: boolean;
  };
  status?: Record<string, unknown> & {
    capacity?: ResourceList;
    allocatable?: ResourceList;
    addresses?: { type?: string; address?: string }[];
  };
}

function validateTaints(errors: FieldErrors, node: Node): void {
  const seen = new Set<string>();
  node.spec?.taints?.forEach((taint, index) => {
    const { key = '', value = '', effect = '' } = taint;
    const at = `metadata.taints[${index}]`;
    qualifiedName(errors, `${at}.key`, key);
    const messages = isLabelValue(value);
    if (messages.length > 0) errors.invalid(`${at}.value`, value, messages.join(';'));
    if (effect === '') errors.required(`${at}.effect`);
    else validateTaintEffect(errors, `${at}.effect`, effect);
    if (seen.has(`${effect}/${key}`)) {
      const printed = JSON.stringify({ Key: key, Value: value, Effect: effect, TimeAdded: null });
      errors.duplicate(at, new Printed(`${printed}: taints must be unique by key and effect pair`));
    }
    seen.add(`${effect}/${key}`);
  });
}

function validateNodeAmounts(errors: FieldErrors, node: Node): void {
  for (const list of ['capacity', 'allocatable'] as const) {
    for (const [name, amount] of sortedEntries(node.status?.[list])) {
      validateAmount(errors, `status.${list}.${name}`, name, amount);
    }
  }
}

const nodeInfoFields = [
  'architecture',
  'bootID',
  'containerRuntimeVersion',
  'kernelVersion',
  'kubeProxyVersion',
  'kubeletVersion',
  'machineID',
  'operatingSystem',
  'osImage',
  'systemUUID',
];

/** Configuration of kubelets by objects is no more. */
function dropConfigSource(draft: KubeObject): void {
  delete view<Node>(draft).spec?.configSource;
}

/** @see ValidateNode */
function validateWholeNode(errors: FieldErrors, node: Node): void {
  const ranges = node.spec?.podCIDRs ?? [];
  validateTaints(errors, node);
  validateNodeAmounts(errors, node);
  ranges.forEach((range, index) => {
    errors.invalidEach(`spec.podCIDRs[${index}]`, range, isCidr(range));
  });
  if (ranges.length > 1 && new Set(ranges.map(cidrFamily)).size < ranges.length) {
    errors.invalid('spec.podCIDRs', ranges, 'may specify no more than one CIDR for each IP family');
  }
}

/** @see ValidateNodeUpdate */
function validateNodeChange(errors: FieldErrors, node: Node, old: Node): void {
  const before = old.spec ?? {};
  const spec = node.spec ?? {};
  validateNodeAmounts(errors, node);
  const seen = new Set<string>();
  node.status?.addresses?.forEach(({ type = '', address = '' }, index) => {
    const key = `${type} ${address}`;
    if (seen.has(key)) {
      errors.duplicate(`status.addresses[${index}]`, { Type: type, Address: address });
    }
    seen.add(key);
  });
  const ranges = before.podCIDRs ?? [];
  const now = spec.podCIDRs ?? [];
  const moved =
    ranges.length > 0 && ranges.length !== now.length
      ? 1
      : ranges.filter((range, index) => range !== now[index]).length;
  for (let times = 0; times < moved; times++) {
    errors.forbidden(
      'spec.podCIDRs',
      'node updates may not change podCIDR except from "" to valid',
    );
  }
  if (before.providerID && before.providerID !== spec.providerID) {
    errors.forbidden(
      'spec.providerID',
      'node updates may not change providerID except from "" to valid',
    );
  }
  validateTaints(errors, node);
  if ((before.externalID ?? '') !== (spec.externalID ?? '')) {
    errors.forbidden('spec.externalID', 'may not be updated');
  }
}

export const nodeStrategy: KindStrategy = {
  group: '',
  kind: 'Node',
  unconditionalUpdate: true,
  defaults(draft) {
    const node = view<Node>(draft);
    const spec = (node.spec ??= {});
    const status = (node.status ??= {});
    if (status.capacity && !status.allocatable) status.allocatable = { ...status.capacity };
    status['daemonEndpoints'] ??= { kubeletEndpoint: { Port: 0 } };
    status['nodeInfo'] = {
      ...Object.fromEntries(nodeInfoFields.map((field) => [field, ''])),
      ...(status['nodeInfo'] as object | undefined),
    };
    // The first range is spelt twice.
    if (spec.podCIDR && spec.podCIDR !== spec.podCIDRs?.[0]) spec.podCIDRs = [spec.podCIDR];
    else if (spec.podCIDRs?.[0] && !spec.podCIDR) spec.podCIDR = spec.podCIDRs[0];
  },
  prepareForCreate: dropConfigSource,
  prepareForUpdate(draft, old) {
    keepStatus(draft, old);
    if (!view<Node>(old).spec?.configSource) dropConfigSource(draft);
  },
  prepareForStatusUpdate: keepSpec,
  validate(object) {
    const errors = new FieldErrors();
    validateWholeNode(errors, view<Node>(object));
    return errors.list;
  },
  validateUpdate(object, old) {
    const errors = new FieldErrors();
    validateWholeNode(errors, view<Node>(object));
    validateNodeChange(errors, view<Node>(object), view<Node>(old));
    return errors.list;
  },
  validateStatusUpdate(object, old) {
    const errors = new FieldErrors();
    validateNodeChange(errors, view<Node>(object), view<Node>(old));
    return errors.list;
  },
  warnings(object) {
    const { spec } = view<Node>(object);
    return [
      ...(spec?.configSource ? ['spec.configSource: the feature is removed'] : []),
      ...(spec?.externalID
        ? ['spec.externalID: this field is deprecated, and is unused by Kubernetes']
        : []),
      ...(spec?.podCIDRs ?? []).flatMap((range, index) =>
        cidrWarnings(`spec.podCIDRs[${index}]`, range),
      ),
    ];
  },
  selectableFields: (object) => ({
    'spec.unschedulable': String(view<Node>(object).spec?.unschedulable ?? false),
  }),
};

interface Controller {
  metadata: ObjectMeta;
  spec?: {
    replicas?: number;
    minReadySeconds?: number;
    selector?: Record<string, string>;
    template?: PodTemplate;
  };
  status?: Counts;
}

function validateController(errors: FieldErrors, { spec = {} }: Controller): void {
  const path = 'spec.template';
  const { selector = {}, template } = spec;
  nonNegative(errors, 'spec.minReadySeconds', spec.minReadySeconds);
  if (Object.keys(selector).length === 0) errors.required('spec.selector');
  nonNegative(errors, 'spec.replicas', spec.replicas);
  if (!template) {
    errors.required(path);
    return;
  }
  const labels = template.metadata?.labels;
  if (!hasLabels(selector, labels)) {
    errors.invalid(
      `${path}.metadata.labels`,
      labels ?? null,
      '`selector` does not match template `labels`',
    );
  }
  validatePodTemplate(errors, path, template);
  const restart = template.spec?.restartPolicy ?? '';
  if (restart !== 'Always') errors.notSupported(`${path}.spec.restartPolicy`, restart, ['Always']);
  if (template.spec?.activeDeadlineSeconds !== undefined) {
    errors.forbidden(
      `${path}.spec.activeDeadlineSeconds`,
      'activeDeadlineSeconds in ReplicationController is not Supported',
    );
  }
}

const controllerErrors = (object: DeepReadonly<KubeObject>): FieldErrors['list'] => {
  const errors = new FieldErrors();
  validateController(errors, view<Controller>(object));
  return errors.list;
};

export const replicationControllerStrategy: KindStrategy = {
  group: '',
  kind: 'ReplicationController',
  hasGeneration: true,
  unconditionalUpdate: true,
  defaultPropagation: 'Orphan',
  defaults(draft) {
    const controller = view<Controller>(draft);
    const spec = (controller.spec ??= {});
    const labels = spec.template?.metadata?.labels;
    if (spec.template) setTemplateDefaults(spec.template);
    if (labels) {
      if (Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels };
      if (Object.keys(controller.metadata.labels ?? {}).length === 0) {
        controller.metadata.labels = { ...labels };
      }
    }
    spec.replicas ??= 1;
    controller.status = { replicas: 0, ...controller.status };
  },
  prepareForCreate(draft) {
    draft['status'] = { replicas: 0 };
    draft.metadata.generation = 1;
  },
  prepareForUpdate(draft, old) {
    keepStatus(draft, old);
    bumpGeneration(draft, old);
  },
  prepareForStatusUpdate: keepSpec,
  validate: controllerErrors,
  validateUpdate: controllerErrors,
  validateStatusUpdate(object) {
    const errors = new FieldErrors();
    validateReplicaCounts(
      errors,
      view<Controller>(object).status,
      [
        'replicas',
        'fullyLabeledReplicas',
        'readyReplicas',
        'availableReplicas',
        'observedGeneration',
      ],
      ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'],
      'cannot be greater than readyReplicas',
    );
    return errors.list;
  },
  warnings: (object, old) => [
    ...(old ? [] : workloadNameWarnings(object.metadata.name)),
    // Upstream hands the two templates over the wrong way round: an update is told of the old one.
    ...(isNewGeneration(object, old)
      ? templateWarnings('spec.template', view<Controller>(old ?? object).spec?.template)
      : []),
  ],
  selectableFields: (object) => ({
    'status.replicas': String(count(view<Controller>(object).status, 'replicas')),
  }),
};

interface EndpointAddress {
  ip?: string;
  hostname?: string;
  nodeName?: string;
}

interface Endpoints {
  subsets?: {
    addresses?: EndpointAddress[];
    notReadyAddresses?: EndpointAddress[];
    ports?: { name?: string; port?: number; protocol?: string; appProtocol?: string }[];
  }[];
}

function endpointsErrors(object: DeepReadonly<KubeObject>): FieldErrors['list'] {
  const errors = new FieldErrors();
  view<Endpoints>(object).subsets?.forEach((subset, index) => {
    const at = `subsets[${index}]`;
    const { ports = [] } = subset;
    if ((subset.addresses ?? []).length + (subset.notReadyAddresses ?? []).length === 0) {
      errors.required(at, 'must specify `addresses` or `notReadyAddresses`');
    }
    for (const list of ['addresses', 'notReadyAddresses'] as const) {
      subset[list]?.forEach(({ ip = '', hostname, nodeName }, i) => {
        errors.invalidEach(`${at}.${list}[${i}].ip`, ip, isIp(ip));
        if (hostname) dnsLabel(errors, `${at}.${list}[${i}].hostname`, hostname);
        if (nodeName !== undefined) {
          dnsSubdomain(errors, `${at}.${list}[${i}].nodeName`, nodeName);
        }
        validateEndpointIp(errors, `${at}.${list}[${i}].ip`, ip);
      });
    }
    ports.forEach(({ name, port = 0, protocol, appProtocol }, i) => {
      const where = `${at}.ports[${i}]`;
      if (name) dnsLabel(errors, `${where}.name`, name);
      else if (ports.length > 1) errors.required(`${where}.name`);
      errors.invalidEach(`${where}.port`, port, isPortNumber(port));
      if (protocol && !['SCTP', 'TCP', 'UDP'].includes(protocol)) {
        errors.notSupported(`${where}.protocol`, protocol, ['SCTP', 'TCP', 'UDP']);
      }
      if (appProtocol !== undefined) {
        qualifiedName(errors, `${where}.appProtocol`, appProtocol);
      }
    });
  });
  return errors.list;
}

export const endpointsStrategy: KindStrategy = {
  group: '',
  kind: 'Endpoints',
  createOnUpdate: true,
  unconditionalUpdate: true,
  defaults(draft) {
    for (const { ports } of view<Endpoints>(draft).subsets ?? []) {
      for (const port of ports ?? []) port.protocol ||= 'TCP';
    }
  },
  validate: endpointsErrors,
  validateUpdate: endpointsErrors,
  warnings: (object) =>
    (view<Endpoints>(object).subsets ?? []).flatMap((subset, index) =>
      (['addresses', 'notReadyAddresses'] as const).flatMap((list) =>
        (subset[list] ?? []).flatMap(({ ip = '' }, i) =>
          addressWarnings(`subsets[${index}].${list}[${i}].ip`, ip),
        ),
      ),
    ),
};
