import type { CommandSpec } from '../command.ts';
import { resourceUrl } from '../discovery.ts';
import { asError, CommandError, throwCollected } from '../errors.ts';
import { describeAutoscaler } from '../describe/autoscaler.ts';
import { describeGeneric } from '../describe/generic.ts';
import * as kinds from '../describe/kinds.ts';
import { describeNode } from '../describe/node.ts';
import { describePod } from '../describe/pod.ts';
import { describeSigningRequest } from '../describe/signing-request.ts';
import * as workloads from '../describe/workloads.ts';
import { Description, eventsSection } from '../describe/writer.ts';
import { at, compareText, type Json, list, map, nameOf, text } from '../json-view.ts';
import { fileFlags, fileOptions, namesFiles } from '../resources/manifests.ts';
import { isNotFound, listObjects, selectTargets, type Target } from '../resources/select.ts';
import { selectorOf } from '../resources/label-selector.ts';
import type { Session } from '../session.ts';

export const describeCommand: CommandSpec = {
  name: 'describe',
  short: 'Show details of a specific resource or group of resources',
  use: 'kubectl describe (-f FILENAME | TYPE [NAME_PREFIX | -l label] | TYPE/NAME) [options]',
  flags: [
    ...fileFlags,
    'selector|l:string',
    'all-namespaces|A:bool',
    'show-events:bool=true',
    'chunk-size:int=500',
  ],
  run: async (session) => {
    const { flags, args } = session;
    const files = fileOptions(session);
    if (args.length === 0 && !namesFiles(files))
      throw new CommandError(
        'You must specify the type of resource to describe. Use "kubectl api-resources" for a complete list of supported resources.',
      );
    let errors: Error[] = [];
    let prefixMatch = false;
    let targets = await selectTargets(session, {
      args,
      files,
      selector: flags.text('selector'),
      allNamespaces: flags.bool('all-namespaces'),
      all: flags.text('selector') === '',
      onError: (error) => errors.push(error),
    });
    if (
      targets.length === 0 &&
      errors.length > 0 &&
      errors.every(isNotFound) &&
      args.length === 2 &&
      !(args[0] ?? '').includes('/')
    ) {
      const prefixed = await byPrefix(session, args[0] ?? '', args[1] ?? '');
      if (prefixed.length > 0) {
        [targets, errors] = [prefixed, []];
        prefixMatch = true;
      }
    }
    const several = targets.length > 1 || prefixMatch;
    const showEvents = flags.bool('show-events') && (!several || flags.changed('show-events'));
    let first = true;
    for (const target of targets)
      try {
        const shown = await describeTarget(session, target, showEvents);
        session.out(first ? shown : `\n\n${shown}`);
        first = false;
      } catch (error) {
        errors.push(asError(error));
      }
    if (first && errors.length === 0)
      session.err(
        flags.bool('all-namespaces') || targets.some(({ resource }) => !resource.namespaced)
          ? 'No resources found\n'
          : `No resources found in ${session.namespace} namespace.\n`,
      );
    throwCollected(errors);
    return 0;
  },
};

/** A name that is not there may be the beginning of others. */
async function byPrefix(session: Session, type: string, prefix: string): Promise<Target[]> {
  const targets = await selectTargets(session, { args: [type], all: true });
  return targets.filter(({ name }) => name.startsWith(prefix));
}

async function describeTarget(
  session: Session,
  target: Target,
  showEvents: boolean,
): Promise<string> {
  const { object, resource } = target;
  const out = new Description();
  const key = `${resource.group}/${resource.kind}`;
  const now = session.now;
  const events = showEvents ? await eventsOf(session, target) : undefined;
  switch (key) {
    case '/Pod':
      describePod(out, object, events, now);
      return out.toString();
    case 'apps/Deployment':
      workloads.describeDeployment(out, object, await replicaSetsOf(session, target));
      break;
    case 'apps/ReplicaSet':
      workloads.describeReplicaSet(out, object, await podCounts(session, target));
      break;
    case 'apps/DaemonSet':
      workloads.describeDaemonSet(out, object, await podCounts(session, target));
      break;
    case 'apps/StatefulSet':
      workloads.describeStatefulSet(out, object, await podCounts(session, target));
      break;
    case 'batch/Job':
      workloads.describeJob(out, object);
      break;
    case 'batch/CronJob':
      workloads.describeCronJob(out, object);
      break;
    case '/ConfigMap':
      kinds.describeConfigMap(out, object);
      break;
    case '/Secret':
      kinds.describeSecret(out, object);
      return out.toString();
    case '/Service':
      kinds.describeService(out, object, await endpointsOf(session, target));
      break;
    case '/Node': {
      const pods = session.builtin('', 'v1', 'pods', 'Pod');
      const leases = session.builtin('coordination.k8s.io', 'v1', 'leases', 'Lease');
      const running = await listObjects(session, pods, {
        namespace: '',
        fieldSelector: `spec.nodeName=${target.name},status.phase!=Failed,status.phase!=Succeeded`,
      });
      const lease = await session.api
        .get(resourceUrl(leases, 'kube-node-lease', target.name))
        .catch(() => undefined);
      describeNode(out, object, running, lease, now);
      break;
    }
    case '/Namespace': {
      const quotas = await listObjects(
        session,
        session.builtin('', 'v1', 'resourcequotas', 'ResourceQuota'),
        { namespace: target.name },
      );
      const limits = await listObjects(
        session,
        session.builtin('', 'v1', 'limitranges', 'LimitRange'),
        { namespace: target.name },
      );
      kinds.describeNamespace(out, object, quotas, limits);
      return out.toString();
    }
    case '/PersistentVolume':
      kinds.describePersistentVolume(out, object);
      break;
    case '/PersistentVolumeClaim': {
      const pods = await listObjects(session, session.builtin('', 'v1', 'pods', 'Pod'), {
        namespace: target.namespace,
      });
      const users = pods.filter((pod) =>
        list(pod, 'spec', 'volumes').some(
          (volume) => text(volume, 'persistentVolumeClaim', 'claimName') === target.name,
        ),
      );
      kinds.describeClaim(out, object, users.map(nameOf));
      break;
    }
    case '/LimitRange':
      kinds.describeLimitRange(out, object);
      return out.toString();
    case '/ResourceQuota':
      kinds.describeQuota(out, object);
      return out.toString();
    case '/ServiceAccount':
      kinds.describeServiceAccount(out, object);
      break;
    case 'rbac.authorization.k8s.io/Role':
    case 'rbac.authorization.k8s.io/ClusterRole':
      kinds.describeRole(out, object);
      return out.toString();
    case 'rbac.authorization.k8s.io/RoleBinding':
    case 'rbac.authorization.k8s.io/ClusterRoleBinding':
      kinds.describeBinding(out, object);
      return out.toString();
    case 'storage.k8s.io/StorageClass':
      kinds.describeStorageClass(out, object);
      break;
    case 'scheduling.k8s.io/PriorityClass':
      kinds.describePriorityClass(out, object);
      break;
    case 'policy/PodDisruptionBudget':
      kinds.describePdb(out, object);
      break;
    case 'networking.k8s.io/NetworkPolicy':
      kinds.describeNetworkPolicy(out, object);
      return out.toString();
    case 'networking.k8s.io/Ingress':
      kinds.describeIngress(out, object, await backends(session, target));
      break;
    case 'autoscaling/HorizontalPodAutoscaler':
      describeAutoscaler(out, await secondVersion(session, target));
      break;
    case 'certificates.k8s.io/CertificateSigningRequest':
      describeSigningRequest(out, object);
      break;
    default:
      describeGeneric(out, object);
  }
  eventsSection(out, events, now);
  return out.toString();
}

/** An autoscaler as autoscaling/v2 has it, whatever version was asked for. */
function secondVersion(session: Session, { namespace, name }: Target): Promise<Json> {
  const autoscalers = session.builtin(
    'autoscaling',
    'v2',
    'horizontalpodautoscalers',
    'HorizontalPodAutoscaler',
  );
  return session.api.get(resourceUrl(autoscalers, namespace, name));
}

async function eventsOf(
  session: Session,
  { object, namespace, name, resource }: Target,
): Promise<Json[]> {
  const events = session.builtin('', 'v1', 'events', 'Event');
  const search = (uid: string): Promise<Json[]> =>
    listObjects(session, events, {
      namespace,
      fieldSelector: [
        `involvedObject.name=${name}`,
        ...(namespace === '' ? [] : [`involvedObject.namespace=${namespace}`]),
        ...(resource.kind === 'Node' ? [`involvedObject.kind=Node`] : []),
        ...(uid === '' ? [] : [`involvedObject.uid=${uid}`]),
      ].join(','),
    });
  try {
    if (resource.kind === 'Node')
      return [...(await search(text(object, 'metadata', 'uid'))), ...(await search(name))];
    return await search(text(object, 'metadata', 'uid'));
  } catch {
    // Without the right to read events the description is shown without them.
    return [];
  }
}

function isOwnedBy(object: Json, uid: string): boolean {
  return list(object, 'metadata', 'ownerReferences').some(
    (owner) => at(owner, 'controller') === true && text(owner, 'uid') === uid,
  );
}

async function replicaSetsOf(
  session: Session,
  { object, namespace }: Target,
): Promise<{ current: Json[]; old: Json[] }> {
  const resource = session.builtin('apps', 'v1', 'replicasets', 'ReplicaSet');
  const owned = (
    await listObjects(session, resource, { namespace, selector: selectorOf(object) })
  ).filter((set) => isOwnedBy(set, text(object, 'metadata', 'uid')));
  const revision = text(object, 'metadata', 'annotations', 'deployment.kubernetes.io/revision');
  const current = owned.filter(
    (set) => text(set, 'metadata', 'annotations', 'deployment.kubernetes.io/revision') === revision,
  );
  const old = owned
    .filter((set) => !current.includes(set))
    .sort((a, b) => compareText(nameOf(a), nameOf(b)));
  return { current, old };
}

async function podCounts(
  session: Session,
  { object, namespace }: Target,
): Promise<workloads.PodCounts> {
  const pods = await listObjects(session, session.builtin('', 'v1', 'pods', 'Pod'), {
    namespace,
    selector: selectorOf(object),
  });
  const own = pods.filter((pod) => isOwnedBy(pod, text(object, 'metadata', 'uid')));
  const count = (phase: string): number =>
    own.filter((pod) => text(pod, 'status', 'phase') === phase).length;
  return {
    running: count('Running'),
    waiting: count('Pending'),
    succeeded: count('Succeeded'),
    failed: count('Failed'),
  };
}

/** Addresses behind each port of a service, at most three shown. */
async function endpointsOf(
  session: Session,
  { object, namespace, name }: Target,
): Promise<Map<string, string>> {
  const resource = session.builtin('discovery.k8s.io', 'v1', 'endpointslices', 'EndpointSlice');
  const slices = await listObjects(session, resource, {
    namespace,
    selector: `kubernetes.io/service-name=${name}`,
  });
  const out = new Map<string, string>();
  for (const port of list(object, 'spec', 'ports')) {
    const portName = text(port, 'name');
    const found: string[] = [];
    for (const slice of slices)
      for (const slicePort of list(slice, 'ports')) {
        if (text(slicePort, 'name') !== portName) continue;
        for (const endpoint of list(slice, 'endpoints')) {
          if (at(endpoint, 'conditions', 'ready') === false) continue;
          for (const address of list(endpoint, 'addresses'))
            found.push(`${String(address)}:${text(slicePort, 'port')}`);
        }
      }
    const more = found.length - 3;
    out.set(portName, `${found.slice(0, 3).join(',')}${more > 0 ? ` + ${more} more...` : ''}`);
  }
  return out;
}

async function backends(
  session: Session,
  { object, namespace }: Target,
): Promise<(backend: unknown) => string> {
  const names = new Set<string>();
  const each = [
    at(object, 'spec', 'defaultBackend'),
    ...list(object, 'spec', 'rules').flatMap((rule) =>
      list(rule, 'http', 'paths').map((path) => at(path, 'backend')),
    ),
  ];
  for (const backend of each)
    if (text(backend, 'service', 'name') !== '') names.add(text(backend, 'service', 'name'));
  const texts = new Map<string, { service: Json; endpoints: Map<string, string> } | string>();
  for (const name of names) {
    const services = session.builtin('', 'v1', 'services', 'Service');
    try {
      const service = await session.api.get(resourceUrl(services, namespace, name));
      texts.set(name, {
        service,
        endpoints: await endpointsOf(session, {
          resource: services,
          namespace,
          name,
          object: service,
          source: '',
        }),
      });
    } catch (error) {
      texts.set(name, `<error: ${error instanceof Error ? error.message : ''}>`);
    }
  }
  return (backend) => {
    const resource = map(backend, 'resource');
    if (text(resource, 'name') !== '')
      return `APIGroup: ${text(resource, 'apiGroup')}, Kind: ${text(resource, 'kind')}, Name: ${text(resource, 'name')}`;
    const name = text(backend, 'service', 'name');
    const port =
      text(backend, 'service', 'port', 'name') || text(backend, 'service', 'port', 'number');
    const found = texts.get(name);
    if (found === undefined || typeof found === 'string') return `${name}:${port} (${found ?? ''})`;
    const match = list(found.service, 'spec', 'ports').find(
      (each2) => text(each2, 'name') === port || text(each2, 'port') === port,
    );
    return `${name}:${port} (${match ? (found.endpoints.get(text(match, 'name')) ?? '') : ''})`;
  };
}
