import { type DeepReadonly, jsonEqual } from '#core/base';
import type { ResourceInfo } from '../apis/index.ts';
import { formatMicroTime, isReason, type KubeObject, type ObjectMeta } from '../machinery/index.ts';
import { type Call, draftOf, type ServerContext, type WriteOptions } from './call.ts';
import { checkedDelete, deleteObject } from './delete.ts';
import { createObject, readCurrent, updateObject } from './registry.ts';
import { cidrRange, ipText } from './services.ts';

const systemNamespaces = ['kube-system', 'kube-public', 'kube-node-lease', 'default'];
const identityLeaseSeconds = 3600;
/** How often the server renews its identity Lease. */
export const identityRenewMs = 10_000;

const write: WriteOptions = {
  dryRun: false,
  fieldValidation: 'Ignore',
  manager: 'kube-apiserver',
  fieldManager: '',
  options: {},
};

/** The server's own call on a resource: admission sees the loopback user. */
function ownCall(
  context: ServerContext,
  group: string,
  version: string,
  resource: string,
  namespace: string,
  name: string,
  verb: string,
): Call | undefined {
  const served = context.catalog.get(group, version, resource);
  if (!served) return undefined;
  return {
    context,
    request: { method: 'POST', url: '', headers: { 'user-agent': 'kube-apiserver/' } },
    info: {
      kind: 'resource',
      path: '',
      query: new URLSearchParams(),
      verb,
      group,
      version,
      namespace,
      resource,
      subresource: '',
      name,
      rest: '',
      tooLong: false,
    },
    user: { username: 'system:apiserver', groups: ['system:authenticated', 'system:masters'] },
    served,
    form: { media: 'json', as: undefined, version: 'v1', pretty: false },
    warnings: [],
    deadlineMs: undefined,
  };
}

/** Deletes an object without asking admission, as upstream's cleaning of its own does. @throws StatusError */
export async function removeUnasked(
  context: ServerContext,
  { group, version, resource }: ResourceInfo,
  { namespace = '', name = '' }: DeepReadonly<ObjectMeta>,
): Promise<void> {
  const call = ownCall(context, group, version, resource, namespace, name, 'delete');
  if (call) await deleteObject(call, name, namespace, checkedDelete({}), 'none');
}

/** Creates the object, or brings what differs of the present one in line. */
async function ensure(
  context: ServerContext,
  group: string,
  version: string,
  resource: string,
  wanted: KubeObject,
  reconcile?: (draft: KubeObject) => void,
): Promise<void> {
  const { name = '', namespace = '' } = wanted.metadata;
  const call = ownCall(context, group, version, resource, namespace, name, 'create');
  if (!call) return;
  try {
    const { view } = await readCurrent(context, call.served, namespace, name);
    if (!reconcile) return;
    const draft = draftOf(view.object);
    reconcile(draft);
    if (jsonEqual(draft, view.object)) return;
    await updateObject(
      call,
      write,
      { served: call.served, namespace, name, subresource: '' },
      (old) => {
        const next = draftOf(old);
        reconcile(next);
        delete next.metadata.resourceVersion;
        return { draft: next };
      },
    );
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
    try {
      await createObject(call, wanted, write);
    } catch (failed) {
      if (!isReason(failed, 'AlreadyExists')) throw failed;
    }
  }
}

/** What a starting server writes. @see kubernetes/pkg/controlplane/controller */
export async function writeBootstrapObjects(context: ServerContext): Promise<void> {
  const { advertiseAddress, port, serviceClusterIpRange } = context.options;
  for (const name of systemNamespaces)
    await ensure(context, '', 'v1', 'namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name },
    });
  const labels = { component: 'apiserver', provider: 'kubernetes' };
  await ensure(context, '', 'v1', 'services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'kubernetes', namespace: 'default', labels },
    spec: {
      type: 'ClusterIP',
      clusterIP: ipText(cidrRange(serviceClusterIpRange).base + 1),
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      sessionAffinity: 'None',
      internalTrafficPolicy: 'Cluster',
      ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort: port }],
    },
    status: { loadBalancer: {} },
  });
  const subsets = [
    { addresses: [{ ip: advertiseAddress }], ports: [{ name: 'https', port, protocol: 'TCP' }] },
  ];
  const skipMirror = { 'endpointslice.kubernetes.io/skip-mirror': 'true' };
  await ensure(
    context,
    '',
    'v1',
    'endpoints',
    {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: { name: 'kubernetes', namespace: 'default', labels: skipMirror },
      subsets,
    },
    (draft) => {
      draft['subsets'] = subsets;
    },
  );
  const endpoints = [{ addresses: [advertiseAddress], conditions: { ready: true } }];
  const ports = [{ name: 'https', port, protocol: 'TCP' }];
  await ensure(
    context,
    'discovery.k8s.io',
    'v1',
    'endpointslices',
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: 'kubernetes',
        namespace: 'default',
        labels: { 'kubernetes.io/service-name': 'kubernetes' },
      },
      addressType: 'IPv4',
      endpoints,
      ports,
    },
    (draft) => {
      draft['endpoints'] = endpoints;
      draft['ports'] = ports;
    },
  );
  await ensure(context, 'networking.k8s.io', 'v1', 'servicecidrs', {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name: 'kubernetes' },
    spec: { cidrs: [serviceClusterIpRange] },
  });
  const today = new Date(context.options.clock.now()).toISOString().slice(0, 10);
  await ensure(
    context,
    '',
    'v1',
    'configmaps',
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name: 'kube-apiserver-legacy-service-account-token-tracking',
        namespace: 'kube-system',
      },
      data: { since: today },
    },
    (draft) => {
      const data = (draft['data'] ?? {}) as Record<string, string>;
      if (!/^\d{4}-\d\d-\d\d$/.test(data['since'] ?? '')) draft['data'] = { ...data, since: today };
    },
  );
}

/** Writes or renews the Lease that says this server lives. @param holder this run of it. */
export async function renewIdentityLease(
  context: ServerContext,
  identity: string,
  holder: string,
): Promise<void> {
  const now = context.options.clock.now();
  await ensure(
    context,
    'coordination.k8s.io',
    'v1',
    'leases',
    {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        name: identity,
        namespace: 'kube-system',
        labels: {
          'apiserver.kubernetes.io/identity': 'kube-apiserver',
          'kubernetes.io/hostname': context.options.hostname ?? 'controlplane',
        },
      },
      spec: {
        holderIdentity: holder,
        leaseDurationSeconds: identityLeaseSeconds,
        renewTime: formatMicroTime(now),
      },
    },
    (draft) => {
      draft['spec'] = {
        ...(draft['spec'] as object),
        holderIdentity: holder,
        renewTime: formatMicroTime(now),
      };
    },
  );
}
