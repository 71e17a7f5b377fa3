import { canonicalQuantity, wholeValue } from '../validation/quantity.ts';
import { type ClaimSpec, type ObjectReference, view } from '../kinds/core/pod-types.ts';
import {
  age,
  columns,
  formatLabels,
  nameOf,
  type Shared,
  simpleTable,
  since,
  type Table,
} from './table.ts';

interface LoadBalancerIngress {
  ip?: string;
  hostname?: string;
}

/** Addresses of a load balancer, each once, in order. */
export const balancerAddresses = (ingress: readonly LoadBalancerIngress[] | undefined): string =>
  [...new Set((ingress ?? []).map(({ ip, hostname }) => ip || hostname || '').filter(Boolean))]
    .sort()
    .join(',');

interface Service {
  spec?: {
    type?: string;
    clusterIPs?: string[];
    externalIPs?: string[];
    externalName?: string;
    selector?: Record<string, string>;
    ports?: { port?: number; nodePort?: number; protocol?: string }[];
  };
  status?: { loadBalancer?: { ingress?: LoadBalancerIngress[] } };
}

function externalIp({ spec, status }: Service): string {
  const own = (spec?.externalIPs ?? []).join(',');
  switch (spec?.type ?? '') {
    case 'ClusterIP':
    case 'NodePort':
      return own || '<none>';
    case 'LoadBalancer': {
      const balancer = balancerAddresses(status?.loadBalancer?.ingress);
      return [balancer, own].filter(Boolean).join(',') || '<pending>';
    }
    case 'ExternalName':
      return spec?.externalName ?? '';
    default:
      return '<unknown>';
  }
}

export const serviceTable = simpleTable(
  ['Name', 'Type', 'Cluster-IP', 'External-IP', 'Port(s)', 'Age', '+Selector'],
  (object, context) => {
    const service = view<Service>(object);
    const ports = (service.spec?.ports ?? []).map(({ port, nodePort, protocol }) =>
      nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`,
    );
    return [
      nameOf(object),
      service.spec?.type ?? '',
      service.spec?.clusterIPs?.[0] ?? '<none>',
      externalIp(service),
      ports.join(',') || '<none>',
      age(object, context),
      formatLabels(service.spec?.selector),
    ];
  },
);

interface Endpoints {
  subsets?: {
    addresses?: { ip?: string }[];
    ports?: { name?: string; port?: number }[];
  }[];
}

const joinHostPort = (ip: string, port: number): string =>
  ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;

/** The first three, and how many more there are. */
export function firstThree(items: readonly string[], none: string): string {
  if (items.length === 0) return none;
  const text = items.slice(0, 3).join(',');
  return items.length > 3 ? `${text} + ${items.length - 3} more...` : text;
}

export const endpointsTable = simpleTable(['Name', 'Endpoints', 'Age'], (object, context) => {
  const { subsets = [] } = view<Endpoints>(object);
  const all = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0
      ? addresses.map(({ ip }) => ip ?? '')
      : ports.flatMap(({ port = 0 }) => addresses.map(({ ip }) => joinHostPort(ip ?? '', port))),
  );
  const text = subsets.length === 0 ? '<none>' : firstThree(all, '');
  return [nameOf(object), text, age(object, context)];
});

interface Node {
  spec?: { unschedulable?: boolean };
  status?: {
    conditions?: { type?: string; status?: string }[];
    addresses?: { type?: string; address?: string }[];
    nodeInfo?: {
      kubeletVersion?: string;
      osImage?: string;
      kernelVersion?: string;
      architecture?: string;
      containerRuntimeVersion?: string;
    };
  };
}

function nodeRoles(object: Shared): string {
  const prefix = 'node-role.kubernetes.io/';
  const roles = Object.entries(object.metadata.labels ?? {}).flatMap(([key, value]) =>
    key.startsWith(prefix) && key.length > prefix.length
      ? [key.slice(prefix.length)]
      : key === 'kubernetes.io/role' && value !== ''
        ? [value]
        : [],
  );
  return [...new Set(roles)].sort().join(',') || '<none>';
}

export const nodeTable = simpleTable(
  [
    'Name',
    'Status',
    'Roles',
    'Age',
    'Version',
    '+Internal-IP',
    '+External-IP',
    '+OS-Image',
    '+Kernel-Version',
    '+Container-Runtime',
  ],
  (object, context) => {
    const { spec, status } = view<Node>(object);
    const ready = (status?.conditions ?? []).findLast(({ type }) => type === 'Ready');
    const state = ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown';
    const address = (type: string): string =>
      status?.addresses?.find((candidate) => candidate.type === type)?.address ?? '<none>';
    const info = status?.nodeInfo ?? {};
    const kernel = info.kernelVersion || '<unknown>';
    return [
      nameOf(object),
      spec?.unschedulable ? `${state},SchedulingDisabled` : state,
      nodeRoles(object),
      age(object, context),
      info.kubeletVersion ?? '',
      address('InternalIP'),
      address('ExternalIP'),
      info.osImage || '<unknown>',
      info.architecture ? `${kernel} (${info.architecture})` : kernel,
      info.containerRuntimeVersion || '<unknown>',
    ];
  },
);

interface EventObject {
  type?: string;
  reason?: string;
  message?: string;
  count?: number;
  firstTimestamp?: string | null;
  lastTimestamp?: string | null;
  eventTime?: string | null;
  series?: { count?: number; lastObservedTime?: string };
  involvedObject?: ObjectReference;
  source?: { component?: string; host?: string };
  reportingComponent?: string;
  reportingInstance?: string;
  // The same in events.k8s.io/v1.
  note?: string;
  regarding?: ObjectReference;
  deprecatedSource?: { component?: string; host?: string };
  deprecatedFirstTimestamp?: string | null;
  deprecatedLastTimestamp?: string | null;
  deprecatedCount?: number;
  reportingController?: string;
}

export const eventTable: Table = {
  columns: columns(
    'Last Seen',
    'Type',
    'Reason',
    'Object',
    '+Subobject',
    '+Source',
    'Message',
    '+First Seen',
    '+Count',
    '+Name',
  ),
  cells(object, context) {
    const event = view<EventObject>(object);
    const involved = event.involvedObject ?? event.regarding;
    const first = event.firstTimestamp ?? event.deprecatedFirstTimestamp ?? event.eventTime;
    const last =
      event.series?.lastObservedTime ??
      event.lastTimestamp ??
      event.deprecatedLastTimestamp ??
      first;
    const source = event.source ?? event.deprecatedSource;
    const component =
      source?.component || event.reportingComponent || event.reportingController || '';
    const host = source?.host || event.reportingInstance || '';
    const kind = (involved?.kind ?? '').toLowerCase();
    return [
      since(last, context),
      event.type ?? '',
      event.reason ?? '',
      involved?.name ? `${kind}/${involved.name}` : kind,
      involved?.fieldPath ?? '',
      host === '' ? component : `${component}, ${host}`,
      (event.message ?? event.note ?? '').trim(),
      since(first, context),
      event.series?.count ?? (event.count || event.deprecatedCount || 1),
      nameOf(object),
    ];
  },
};

export const namespaceTable = simpleTable(['Name', 'Status', 'Age'], (object, context) => [
  nameOf(object),
  view<{ status?: { phase?: string } }>(object).status?.phase ?? '',
  age(object, context),
]);

const size = (map: unknown): number =>
  typeof map === 'object' && map !== null ? Object.keys(map).length : 0;

export const secretTable = simpleTable(['Name', 'Type', 'Data', 'Age'], (object, context) => [
  nameOf(object),
  object['type'] ?? '',
  size(object['data']),
  age(object, context),
]);

export const configMapTable = simpleTable(['Name', 'Data', 'Age'], (object, context) => [
  nameOf(object),
  size(object['data']) + size(object['binaryData']),
  age(object, context),
]);

/** Name and age, as for service accounts and device classes. */
export const nameAndAgeTable = simpleTable(['Name', 'Age'], (object, context) => [
  nameOf(object),
  age(object, context),
]);

const shortModes: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};
const modesText = (modes: readonly string[] | undefined): string =>
  Object.entries(shortModes)
    .filter(([mode]) => modes?.includes(mode))
    .map(([, short]) => short)
    .join(',');

const classOf = (object: Shared, name: string | undefined): string =>
  object.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? name ?? '';

interface PersistentVolume {
  spec?: {
    capacity?: Record<string, unknown>;
    accessModes?: string[];
    persistentVolumeReclaimPolicy?: string;
    claimRef?: ObjectReference;
    storageClassName?: string;
    volumeAttributesClassName?: string;
    volumeMode?: string;
  };
  status?: { phase?: string; reason?: string };
}

const amount = (value: unknown): string => (value === undefined ? '0' : canonicalQuantity(value));

export const persistentVolumeTable = simpleTable(
  [
    'Name',
    'Capacity',
    'Access Modes',
    'Reclaim Policy',
    'Status',
    'Claim',
    'StorageClass',
    'VolumeAttributesClass',
    'Reason',
    'Age',
    '+VolumeMode',
  ],
  (object, context) => {
    const { spec, status } = view<PersistentVolume>(object);
    const claim = spec?.claimRef;
    return [
      nameOf(object),
      amount(spec?.capacity?.['storage']),
      modesText(spec?.accessModes),
      spec?.persistentVolumeReclaimPolicy ?? '',
      object.metadata.deletionTimestamp ? 'Terminating' : (status?.phase ?? ''),
      claim ? `${claim.namespace ?? ''}/${claim.name ?? ''}` : '',
      classOf(object, spec?.storageClassName),
      spec?.volumeAttributesClassName ?? '<unset>',
      status?.reason ?? '',
      age(object, context),
      spec?.volumeMode ?? '<unset>',
    ];
  },
);

interface Claim {
  spec?: ClaimSpec;
  status?: { phase?: string; accessModes?: string[]; capacity?: Record<string, unknown> };
}

export const persistentVolumeClaimTable = simpleTable(
  [
    'Name',
    'Status',
    'Volume',
    'Capacity',
    'Access Modes',
    'StorageClass',
    'VolumeAttributesClass',
    'Age',
    '+VolumeMode',
  ],
  (object, context) => {
    const { spec, status } = view<Claim>(object);
    const bound = Boolean(spec?.volumeName);
    return [
      nameOf(object),
      object.metadata.deletionTimestamp ? 'Terminating' : (status?.phase ?? ''),
      spec?.volumeName ?? '',
      bound ? amount(status?.capacity?.['storage']) : '',
      bound ? modesText(status?.accessModes) : '',
      classOf(object, spec?.storageClassName),
      spec?.volumeAttributesClassName ?? '<unset>',
      age(object, context),
      spec?.volumeMode ?? '<unset>',
    ];
  },
);

interface Quota {
  status?: { hard?: Record<string, unknown>; used?: Record<string, unknown> };
}

export const resourceQuotaTable = simpleTable(
  ['Name', 'Request', 'Limit', 'Age'],
  (object, context) => {
    const { status } = view<Quota>(object);
    const rows = Object.keys(status?.hard ?? {})
      .sort()
      .map((name) => ({
        limit: name.startsWith('limits.'),
        text: `${name}: ${amount(status?.used?.[name])}/${amount(status?.hard?.[name])}`,
      }));
    const side = (limit: boolean): string =>
      rows
        .filter((row) => row.limit === limit)
        .map(({ text }) => text)
        .join(', ');
    return [nameOf(object), side(false), side(true), age(object, context)];
  },
);

interface ComponentStatus {
  conditions?: { type?: string; status?: string; message?: string; error?: string }[];
}

export const componentStatusTable = simpleTable(
  ['Name', 'Status', 'Message', 'Error'],
  (object) => {
    const healthy = view<ComponentStatus>(object).conditions?.find(
      ({ type }) => type === 'Healthy',
    );
    const state = healthy?.status === 'True' ? 'Healthy' : 'Unhealthy';
    return [
      nameOf(object),
      healthy ? state : 'Unknown',
      healthy?.message ?? '',
      healthy?.error ?? '',
    ];
  },
);

/** `Scale`, whichever kind it scales. */
export const scaleTable: Table = {
  columns: columns('Name:string:', 'Desired:integer', 'Available:integer', 'Age'),
  cells(object, context) {
    const { spec, status } = view<{
      spec?: { replicas?: number };
      status?: { replicas?: number };
    }>(object);
    return [
      nameOf(object),
      wholeValue(spec?.replicas ?? 0),
      wholeValue(status?.replicas ?? 0),
      age(object, context),
    ];
  },
};
