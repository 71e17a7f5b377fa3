import { humanDuration, type LabelSelector } from '../../machinery/index.ts';
import { view } from '../kinds/core/pod-types.ts';
import { canonicalQuantity } from '../validation/quantity.ts';
import { balancerAddresses, firstThree } from './core.ts';
import {
  age,
  formatSelector,
  nameOf,
  selectorText,
  type Shared,
  simpleTable,
  type Table,
} from './table.ts';

interface Ingress {
  spec?: {
    ingressClassName?: string;
    rules?: { host?: string }[];
    tls?: unknown[];
  };
  status?: { loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] } };
}

function hosts(rules: readonly { host?: string }[]): string {
  const list: string[] = [];
  let more = false;
  for (const { host } of rules) {
    if (list.length === 3) more = true;
    else if (host) list.push(host);
  }
  if (list.length === 0) return '*';
  return more ? `${list.join(',')} + ${rules.length - 3} more...` : list.join(',');
}

export const ingressTable = simpleTable(
  ['Name', 'Class', 'Hosts', 'Address', 'Ports', 'Age'],
  (object, context) => {
    const { spec, status } = view<Ingress>(object);
    return [
      nameOf(object),
      spec?.ingressClassName ?? '<none>',
      hosts(spec?.rules ?? []),
      balancerAddresses(status?.loadBalancer?.ingress),
      (spec?.tls ?? []).length > 0 ? '80, 443' : '80',
      age(object, context),
    ];
  },
);

const markDefault = (object: Shared, ...keys: readonly string[]): string =>
  keys.some((key) => object.metadata.annotations?.[key] === 'true')
    ? `${nameOf(object)} (default)`
    : nameOf(object);

interface IngressClass {
  spec?: { controller?: string; parameters?: { apiGroup?: string; kind?: string; name?: string } };
}

export const ingressClassTable = simpleTable(
  ['Name', 'Controller', 'Parameters', 'Age'],
  (object, context) => {
    const { spec } = view<IngressClass>(object);
    const parameters = spec?.parameters;
    const group = parameters?.apiGroup === undefined ? '' : `.${parameters.apiGroup}`;
    return [
      markDefault(object, 'ingressclass.kubernetes.io/is-default-class'),
      spec?.controller ?? '',
      parameters ? `${parameters.kind ?? ''}${group}/${parameters.name ?? ''}` : '<none>',
      age(object, context),
    ];
  },
);

export const networkPolicyTable = simpleTable(
  ['Name', 'Pod-Selector', 'Age'],
  (object, context) => [
    nameOf(object),
    formatSelector(view<{ spec?: { podSelector?: LabelSelector } }>(object).spec?.podSelector),
    age(object, context),
  ],
);

interface EndpointSlice {
  addressType?: string;
  ports?: { name?: string; port?: number }[];
  endpoints?: { addresses?: string[] }[];
}

export const endpointSliceTable = simpleTable(
  ['Name', 'AddressType', 'Ports', 'Endpoints', 'Age'],
  (object, context) => {
    const slice = view<EndpointSlice>(object);
    const ports = (slice.ports ?? []).map(({ name, port }) =>
      port === undefined ? (name ?? '*') : String(port),
    );
    return [
      nameOf(object),
      slice.addressType ?? '',
      firstThree(ports, '<unset>'),
      firstThree(
        (slice.endpoints ?? []).flatMap(({ addresses = [] }) => addresses),
        '<unset>',
      ),
      age(object, context),
    ];
  },
);

interface StorageClass {
  provisioner?: string;
  reclaimPolicy?: string;
  volumeBindingMode?: string;
  allowVolumeExpansion?: boolean;
}

export const storageClassTable = simpleTable(
  ['Name', 'Provisioner', 'ReclaimPolicy', 'VolumeBindingMode', 'AllowVolumeExpansion', 'Age'],
  (object, context) => {
    const storage = view<StorageClass>(object);
    return [
      markDefault(
        object,
        'storageclass.kubernetes.io/is-default-class',
        'storageclass.beta.kubernetes.io/is-default-class',
      ),
      storage.provisioner ?? '',
      storage.reclaimPolicy ?? 'Delete',
      storage.volumeBindingMode ?? 'Immediate',
      storage.allowVolumeExpansion ?? false,
      age(object, context),
    ];
  },
);

interface Binding {
  roleRef?: { kind?: string; name?: string };
  subjects?: { kind?: string; name?: string; namespace?: string }[];
}

/** RoleBinding and ClusterRoleBinding. */
export const roleBindingTable = simpleTable(
  ['Name', 'Role', 'Age', '+Users', '+Groups', '+ServiceAccounts'],
  (object, context) => {
    const { roleRef, subjects = [] } = view<Binding>(object);
    const names = (kind: string): string =>
      subjects
        .filter((subject) => subject.kind === kind)
        .map(({ name, namespace }) =>
          kind === 'ServiceAccount' ? `${namespace ?? ''}/${name ?? ''}` : (name ?? ''),
        )
        .join(', ');
    return [
      nameOf(object),
      `${roleRef?.kind ?? ''}/${roleRef?.name ?? ''}`,
      age(object, context),
      names('User'),
      names('Group'),
      names('ServiceAccount'),
    ];
  },
);

interface MetricValue {
  type?: string;
  value?: unknown;
  averageValue?: unknown;
  averageUtilization?: number;
}
interface Metric {
  type?: string;
  resource?: { name?: string; target?: MetricValue; current?: MetricValue };
  containerResource?: { name?: string; target?: MetricValue; current?: MetricValue };
  pods?: { target?: MetricValue; current?: MetricValue };
  object?: { target?: MetricValue; current?: MetricValue };
  external?: { target?: MetricValue; current?: MetricValue };
}
interface Autoscaler {
  spec?: {
    scaleTargetRef?: { kind?: string; name?: string };
    minReplicas?: number;
    maxReplicas?: number;
    metrics?: Metric[];
    targetCPUUtilizationPercentage?: number;
  };
  status?: {
    currentReplicas?: number;
    currentMetrics?: Metric[] | null;
    currentCPUUtilizationPercentage?: number;
  };
}

const unknown = '<unknown>';
const quantityText = (value: unknown, none: string): string =>
  value === undefined ? none : canonicalQuantity(value);

function metricText(spec: Metric, status: Metric | undefined): string {
  switch (spec.type ?? '') {
    case 'Resource':
    case 'ContainerResource': {
      const field = spec.type === 'Resource' ? 'resource' : 'containerResource';
      const target = spec[field]?.target;
      const current = status?.[field]?.current;
      const name = spec[field]?.name ?? '';
      if (target?.averageValue !== undefined) {
        const now = current ? quantityText(current.averageValue, '0') : unknown;
        return `${name}: ${now}/${quantityText(target.averageValue, '')}`;
      }
      const now =
        current?.averageUtilization === undefined ? unknown : `${current.averageUtilization}%`;
      const goal =
        target?.averageUtilization === undefined ? '<auto>' : `${target.averageUtilization}%`;
      return `${name}: ${now}/${goal}`;
    }
    case 'Pods': {
      const current = status?.pods?.current;
      const now = current ? quantityText(current.averageValue, '0') : unknown;
      return `${now}/${quantityText(spec.pods?.target?.averageValue, '0')}`;
    }
    case 'Object':
    case 'External': {
      const field = spec.type === 'Object' ? 'object' : 'external';
      const target = spec[field]?.target;
      const current = status?.[field]?.current;
      if (target?.averageValue !== undefined) {
        const now = quantityText(current?.averageValue, unknown);
        return `${now}/${quantityText(target.averageValue, '')} (avg)`;
      }
      const now = current ? quantityText(current.value, '0') : unknown;
      return `${now}/${quantityText(target?.value, '0')}`;
    }
    default:
      return '<unknown type>';
  }
}

/** Works on both versions: v1 knows of CPU only. */
export const horizontalPodAutoscalerTable = simpleTable(
  ['Name', 'Reference', 'Targets', 'MinPods', 'MaxPods', 'Replicas', 'Age'],
  (object, context) => {
    const { spec, status } = view<Autoscaler>(object);
    const cpu = spec?.targetCPUUtilizationPercentage;
    const cpuNow = status?.currentCPUUtilizationPercentage;
    const old: Metric[] =
      cpu === undefined
        ? []
        : [{ type: 'Resource', resource: { name: 'cpu', target: { averageUtilization: cpu } } }];
    const metrics = spec?.metrics ?? old;
    const statuses: Metric[] =
      status?.currentMetrics ??
      (cpuNow === undefined
        ? []
        : [
            {
              type: 'Resource',
              resource: { name: 'cpu', current: { averageUtilization: cpuNow } },
            },
          ]);
    const texts = metrics.map((metric, index) => metricText(metric, statuses[index]));
    const shown = texts.slice(0, 2).join(', ');
    const reference = spec?.scaleTargetRef;
    return [
      nameOf(object),
      `${reference?.kind ?? ''}/${reference?.name ?? ''}`,
      texts.length === 0
        ? '<none>'
        : texts.length > 2
          ? `${shown} + ${texts.length - 2} more...`
          : shown,
      spec?.minReplicas === undefined ? '<unset>' : String(spec.minReplicas),
      spec?.maxReplicas ?? 0,
      status?.currentReplicas ?? 0,
      age(object, context),
    ];
  },
);

interface DisruptionBudget {
  spec?: { minAvailable?: number | string; maxUnavailable?: number | string };
  status?: { disruptionsAllowed?: number };
}

export const podDisruptionBudgetTable = simpleTable(
  ['Name', 'Min Available', 'Max Unavailable', 'Allowed Disruptions:integer', 'Age'],
  (object, context) => {
    const { spec, status } = view<DisruptionBudget>(object);
    return [
      nameOf(object),
      String(spec?.minAvailable ?? 'N/A'),
      String(spec?.maxUnavailable ?? 'N/A'),
      status?.disruptionsAllowed ?? 0,
      age(object, context),
    ];
  },
);

interface SigningRequest {
  spec?: { signerName?: string; username?: string; expirationSeconds?: number };
  status?: { conditions?: { type?: string }[]; certificate?: string };
}

export const certificateSigningRequestTable = simpleTable(
  ['Name', 'Age', 'SignerName', 'Requestor', 'RequestedDuration', 'Condition'],
  (object, context) => {
    const { spec, status } = view<SigningRequest>(object);
    const has = (type: string): boolean =>
      (status?.conditions ?? []).some((condition) => condition.type === type);
    const state = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending';
    const seconds = spec?.expirationSeconds;
    return [
      nameOf(object),
      age(object, context),
      spec?.signerName || '<none>',
      spec?.username ?? '',
      seconds === undefined ? '<none>' : humanDuration(seconds * 1000),
      `${state}${has('Failed') ? ',Failed' : ''}${status?.certificate ? ',Issued' : ''}`,
    ];
  },
);

export const leaseTable = simpleTable(['Name', 'Holder', 'Age'], (object, context) => [
  nameOf(object),
  view<{ spec?: { holderIdentity?: string } }>(object).spec?.holderIdentity ?? '',
  age(object, context),
]);

export const priorityClassTable = simpleTable(
  ['Name', 'Value:integer', 'Global-Default:boolean', 'Age', 'PreemptionPolicy'],
  (object, context) => [
    nameOf(object),
    object['value'] ?? 0,
    object['globalDefault'] ?? false,
    age(object, context),
    object['preemptionPolicy'] ?? '',
  ],
);

export const runtimeClassTable = simpleTable(['Name', 'Handler', 'Age'], (object, context) => [
  nameOf(object),
  object['handler'] ?? '',
  age(object, context),
]);

interface Attachment {
  spec?: { attacher?: string; nodeName?: string; source?: { persistentVolumeName?: string } };
  status?: { attached?: boolean };
}

export const volumeAttachmentTable = simpleTable(
  ['Name', 'Attacher:string:name', 'PV', 'Node', 'Attached:boolean', 'Age'],
  (object, context) => {
    const { spec, status } = view<Attachment>(object);
    return [
      nameOf(object),
      spec?.attacher ?? '',
      spec?.source?.persistentVolumeName ?? '',
      spec?.nodeName ?? '',
      status?.attached ?? false,
      age(object, context),
    ];
  },
);

const length = (list: unknown): number => (Array.isArray(list) ? list.length : 0);

export const csiNodeTable = simpleTable(['Name', 'Drivers:integer', 'Age'], (object, context) => [
  nameOf(object),
  length(view<{ spec?: { drivers?: unknown } }>(object).spec?.drivers),
  age(object, context),
]);

interface CsiDriver {
  spec?: {
    attachRequired?: boolean;
    podInfoOnMount?: boolean;
    storageCapacity?: boolean;
    requiresRepublish?: boolean;
    tokenRequests?: { audience?: string }[];
    volumeLifecycleModes?: string[];
  };
}

export const csiDriverTable = simpleTable(
  [
    'Name',
    'AttachRequired:boolean',
    'PodInfoOnMount:boolean',
    'StorageCapacity:boolean',
    'TokenRequests',
    'RequiresRepublish:boolean',
    'Modes',
    'Age',
  ],
  (object, context) => {
    const spec = view<CsiDriver>(object).spec ?? {};
    return [
      nameOf(object),
      spec.attachRequired ?? true,
      spec.podInfoOnMount ?? false,
      spec.storageCapacity ?? false,
      spec.tokenRequests
        ? spec.tokenRequests.map(({ audience }) => audience ?? '').join(',')
        : '<unset>',
      spec.requiresRepublish ?? false,
      (spec.volumeLifecycleModes ?? []).join(',') || '<none>',
      age(object, context),
    ];
  },
);

/** Mutating and validating webhook configurations. */
export const webhooksTable = simpleTable(['Name', 'Webhooks:integer', 'Age'], (object, context) => [
  nameOf(object),
  length(object['webhooks']),
  age(object, context),
]);

interface AdmissionPolicy {
  spec?: {
    validations?: unknown;
    mutations?: unknown;
    paramKind?: { apiVersion?: string; kind?: string };
    policyName?: string;
    paramRef?: { name?: string; namespace?: string; selector?: LabelSelector };
  };
}

const paramKind = ({ spec }: AdmissionPolicy): string =>
  spec?.paramKind ? `${spec.paramKind.apiVersion ?? ''}/${spec.paramKind.kind ?? ''}` : '<unset>';

export const validatingAdmissionPolicyTable = simpleTable(
  ['Name', 'Validations:integer', 'ParamKind', 'Age'],
  (object, context) => {
    const policy = view<AdmissionPolicy>(object);
    return [
      nameOf(object),
      length(policy.spec?.validations),
      paramKind(policy),
      age(object, context),
    ];
  },
);

export const mutatingAdmissionPolicyTable = simpleTable(
  ['Name', 'Mutations:integer', 'ParamKind', 'Age'],
  (object, context) => {
    const policy = view<AdmissionPolicy>(object);
    return [
      nameOf(object),
      length(policy.spec?.mutations),
      paramKind(policy),
      age(object, context),
    ];
  },
);

export const admissionPolicyBindingTable = simpleTable(
  ['Name', 'PolicyName', 'ParamRef', 'Age'],
  (object, context) => {
    const { spec } = view<AdmissionPolicy>(object);
    const ref = spec?.paramRef;
    const name = ref?.name
      ? `${ref.namespace || '*'}/${ref.name}`
      : ref?.selector
        ? selectorText(ref.selector)
        : '<unset>';
    return [nameOf(object), spec?.policyName ?? '', name, age(object, context)];
  },
);

interface FlowSchema {
  spec?: {
    priorityLevelConfiguration?: { name?: string };
    matchingPrecedence?: number;
    distinguisherMethod?: { type?: string };
  };
  status?: { conditions?: { type?: string; status?: string }[] };
}

const flowSchemaRows = simpleTable(
  ['Name', 'PriorityLevel', 'MatchingPrecedence', 'DistinguisherMethod', 'Age', 'MissingPL'],
  (object, context) => {
    const { spec, status } = view<FlowSchema>(object);
    return [
      nameOf(object),
      spec?.priorityLevelConfiguration?.name ?? '',
      spec?.matchingPrecedence ?? 0,
      spec?.distinguisherMethod?.type ?? '<none>',
      age(object, context),
      status?.conditions?.find(({ type }) => type === 'Dangling')?.status ?? '?',
    ];
  },
);

const precedenceOf = (object: Shared): number =>
  view<FlowSchema>(object).spec?.matchingPrecedence ?? 0;

/** The first that fits a request stands first. */
export const flowSchemaTable: Table = {
  ...flowSchemaRows,
  compare: (a, b) => precedenceOf(a) - precedenceOf(b) || (nameOf(a) < nameOf(b) ? -1 : 1),
};

interface PriorityLevel {
  spec?: {
    type?: string;
    limited?: {
      nominalConcurrencyShares?: number;
      limitResponse?: {
        queuing?: { queues?: number; handSize?: number; queueLengthLimit?: number };
      };
    };
  };
}

export const priorityLevelTable = simpleTable(
  ['Name', 'Type', 'NominalConcurrencyShares', 'Queues', 'HandSize', 'QueueLengthLimit', 'Age'],
  (object, context) => {
    const { spec } = view<PriorityLevel>(object);
    const queuing = spec?.limited?.limitResponse?.queuing;
    return [
      nameOf(object),
      spec?.type ?? '',
      spec?.limited?.nominalConcurrencyShares ?? '<none>',
      queuing?.queues ?? '<none>',
      queuing?.handSize ?? '<none>',
      queuing?.queueLengthLimit ?? '<none>',
      age(object, context),
    ];
  },
);

export const serviceCidrTable = simpleTable(['Name', 'CIDRs', 'Age'], (object, context) => [
  nameOf(object),
  (view<{ spec?: { cidrs?: string[] } }>(object).spec?.cidrs ?? []).join(','),
  age(object, context),
]);

interface IpAddress {
  spec?: { parentRef?: { group?: string; resource?: string; namespace?: string; name?: string } };
}

/** Upstream prints an age for which it declares no column. */
export const ipAddressTable = simpleTable(['Name', 'ParentRef'], (object, context) => {
  const ref = view<IpAddress>(object).spec?.parentRef;
  const resource = ref?.group ? `${ref.resource ?? ''}.${ref.group}` : (ref?.resource ?? '');
  return [
    nameOf(object),
    ref
      ? [resource.toLowerCase(), ref.namespace, ref.name].filter((part) => part).join('/')
      : '<none>',
    age(object, context),
  ];
});

export const volumeAttributesClassTable = simpleTable(
  ['Name', 'DriverName', 'Age'],
  (object, context) => [nameOf(object), object['driverName'] ?? '', age(object, context)],
);

interface ResourceClaim {
  status?: { allocation?: object; reservedFor?: unknown[] };
}

export const resourceClaimTable = simpleTable(['Name', 'State', 'Age'], (object, context) => {
  const { status } = view<ResourceClaim>(object);
  const states = [
    object.metadata.deletionTimestamp ? 'deleted' : undefined,
    status?.allocation ? 'allocated' : object.metadata.deletionTimestamp ? undefined : 'pending',
    length(status?.reservedFor) > 0 ? 'reserved' : undefined,
  ];
  return [nameOf(object), states.filter((state) => state).join(','), age(object, context)];
});

export const resourceSliceTable = simpleTable(
  ['Name', 'Node', 'Driver', 'Pool', 'Age'],
  (object, context) => {
    const spec = (
      object as { spec?: { nodeName?: string; driver?: string; pool?: { name?: string } } }
    ).spec;
    return [
      nameOf(object),
      spec?.nodeName ?? '',
      spec?.driver ?? '',
      spec?.pool?.name ?? '',
      age(object, context),
    ];
  },
);
