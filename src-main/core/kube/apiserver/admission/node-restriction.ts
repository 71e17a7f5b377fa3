import { byBytes, jsonEqual, quoted } from '#core/base';
import { notFound } from '../../machinery/index.ts';
import { isMirrorPod, nodeNameOf, podReferences } from '../authorization/index.ts';
import { at, isMap, mapsOf, textAt, textMapOf, textOf, textsOf } from '../fields/index.ts';
import type { AdmissionPlugin, AdmissionRequest, ServerState } from '../types.ts';
import { forbid } from './attributes.ts';

const kubeletLabels = new Set([
  'kubernetes.io/hostname',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
]);

/**
 * Keeps a kubelet to its own Node, its own pods and their tokens.
 * @see k8s.io/kubernetes/plugin/pkg/admission/noderestriction/admission.go
 */
export function nodeRestriction(state: ServerState): AdmissionPlugin {
  return {
    name: 'NodeRestriction',
    admit(request) {
      const node = nodeNameOf(request.user);
      if (node === undefined) return;
      if (node === '')
        throw forbid(
          request,
          `could not determine node from user ${quoted(request.user.username)}`,
        );
      const { group, resource } = request.resource;
      switch (group === '' ? resource : `${resource}.${group}`) {
        case 'pods':
          admitPod(state, request, node);
          break;
        case 'nodes':
          admitNode(request, node);
          break;
        case 'persistentvolumeclaims':
          admitClaim(request, node);
          break;
        case 'serviceaccounts':
          admitToken(state, request, node);
          break;
        case 'leases.coordination.k8s.io':
          admitLease(request, node);
          break;
        case 'csinodes.storage.k8s.io':
          if (ownName(request) !== node)
            throw forbid(
              request,
              'can only access CSINode with the same name as the requesting node',
            );
          break;
        case 'resourceslices.resource.k8s.io': {
          const object = request.operation === 'CREATE' ? request.object : request.oldObject;
          if (textAt(object, 'spec', 'nodeName') !== node)
            throw forbid(
              request,
              request.operation === 'CREATE'
                ? 'can only create ResourceSlice with the same NodeName as the requesting node'
                : 'can only delete ResourceSlice with the same NodeName as the requesting node',
            );
          break;
        }
        default:
      }
    },
  };
}

/** The name of the object, also on create, when the request's path has none. */
const ownName = (request: AdmissionRequest): string =>
  request.operation === 'CREATE'
    ? textAt(request.object, 'metadata', 'name') || request.name
    : request.name;

function admitPod(state: ServerState, request: AdmissionRequest, node: string): void {
  const isOwn = (pod: unknown): boolean => textAt(pod, 'spec', 'nodeName') === node;
  if (request.subresource === 'status') {
    if (request.operation !== 'UPDATE')
      throw forbid(request, `unexpected operation ${quoted(request.operation)}`);
    if (!isOwn(request.oldObject))
      throw forbid(
        request,
        `node ${quoted(node)} can only update pod status for pods with spec.nodeName set to itself`,
      );
    if (
      !jsonEqual(
        at(request.object, 'metadata', 'labels') ?? {},
        at(request.oldObject, 'metadata', 'labels') ?? {},
      )
    )
      throw forbid(request, `node ${quoted(node)} cannot update labels through pod status`);
    return;
  }
  if (request.subresource === 'eviction') {
    if (request.operation !== 'CREATE')
      throw forbid(request, `unexpected operation ${request.operation}`);
    const name = request.name || textAt(request.object, 'metadata', 'name');
    if (name === '') throw forbid(request, 'could not determine pod from request data');
    const pod = state.get('', 'pods', request.namespace, name);
    if (!pod) throw notFound({ group: '', resource: 'pods' }, name);
    if (!isOwn(pod))
      throw forbid(request, `node ${node} can only evict pods with spec.nodeName set to itself`);
    return;
  }
  if (request.subresource !== '')
    throw forbid(
      request,
      `unexpected pod subresource ${quoted(request.subresource)}, only 'status' and 'eviction' are allowed`,
    );
  if (request.operation === 'CREATE') {
    admitMirrorPod(state, request, node);
    return;
  }
  if (request.operation !== 'DELETE')
    throw forbid(
      request,
      `unexpected operation ${quoted(request.operation)}, node ${quoted(node)} can only create and delete mirror pods`,
    );
  const pod = state.get('', 'pods', request.namespace, request.name);
  if (!pod) throw notFound({ group: '', resource: 'pods' }, request.name);
  if (!isOwn(pod))
    throw forbid(
      request,
      `node ${quoted(node)} can only delete pods with spec.nodeName set to itself`,
    );
}

function admitMirrorPod(state: ServerState, request: AdmissionRequest, node: string): void {
  const pod = request.object;
  const own = `node ${quoted(node)} can only create pods with`;
  if (!isMirrorPod(pod))
    throw forbid(
      request,
      `pod does not have "kubernetes.io/config.mirror" annotation, node ${quoted(node)} can only create mirror pods`,
    );
  if (textAt(pod, 'spec', 'nodeName') !== node)
    throw forbid(request, `${own} spec.nodeName set to itself`);
  const owners = mapsOf(at(pod, 'metadata', 'ownerReferences'));
  if (owners.length > 1) throw forbid(request, `${own} a single owner reference set to itself`);
  const owner = owners[0];
  if (!owner) throw forbid(request, `${own} an owner reference set to itself`);
  if (owner['apiVersion'] !== 'v1' || owner['kind'] !== 'Node' || owner['name'] !== node)
    throw forbid(request, `${own} an owner reference set to itself`);
  if (owner['controller'] !== true)
    throw forbid(request, `${own} a controller owner reference set to itself`);
  if (owner['blockOwnerDeletion'] === true)
    throw forbid(
      request,
      `node ${quoted(node)} must not set blockOwnerDeletion on an owner reference`,
    );
  const object = state.get('', 'nodes', '', node);
  if (!object) throw notFound({ group: '', resource: 'nodes' }, node);
  if (textOf(owner['uid']) !== object.metadata.uid)
    throw forbid(
      request,
      `node ${node} UID mismatch: expected ${textOf(owner['uid'])} got ${object.metadata.uid ?? ''}`,
    );
  const { secrets, configMaps, claims } = podReferences(pod);
  const referenced =
    textAt(pod, 'spec', 'serviceAccountName') !== ''
      ? 'serviceaccounts'
      : secrets.size > 0
        ? 'secrets'
        : configMaps.size > 0
          ? 'configmaps'
          : claims.size > 0
            ? 'persistentvolumeclaims'
            : undefined;
  if (referenced !== undefined)
    throw forbid(request, `node ${quoted(node)} can not create pods that reference ${referenced}`);
}

function admitNode(request: AdmissionRequest, node: string): void {
  const name = ownName(request);
  if (name !== node)
    throw forbid(request, `node ${quoted(node)} is not allowed to modify node ${quoted(name)}`);
  const { object, oldObject, operation } = request;
  if (operation === 'CREATE') {
    const labels = forbiddenLabels(object, undefined);
    if (labels.length > 0)
      throw forbid(
        request,
        `node ${quoted(node)} is not allowed to set the following labels: ${labels.join(', ')}`,
      );
    return;
  }
  if (operation !== 'UPDATE') return;
  const changed = (...path: string[]): boolean =>
    !jsonEqual(at(object, ...path) ?? [], at(oldObject, ...path) ?? []);
  if (changed('spec', 'taints'))
    throw forbid(request, `node ${quoted(node)} is not allowed to modify taints`);
  if (changed('metadata', 'ownerReferences'))
    throw forbid(request, `node ${quoted(node)} is not allowed to modify ownerReferences`);
  const labels = forbiddenLabels(object, oldObject);
  if (labels.length > 0)
    throw forbid(request, `is not allowed to modify labels: ${labels.join(', ')}`);
}

function forbiddenLabels(object: unknown, old: unknown): string[] {
  const now = textMapOf(at(object, 'metadata', 'labels'));
  const before = textMapOf(at(old, 'metadata', 'labels'));
  const keys = new Set([...Object.keys(now), ...Object.keys(before)]);
  const within = (namespace: string, domain: string): boolean =>
    namespace === domain || namespace.endsWith(`.${domain}`);
  return [...keys]
    .filter((key) => now[key] !== before[key])
    .filter((key) => {
      const slash = key.indexOf('/');
      const namespace = slash < 0 ? '' : key.slice(0, slash);
      if (within(namespace, 'node-restriction.kubernetes.io')) return true;
      const reserved = within(namespace, 'kubernetes.io') || within(namespace, 'k8s.io');
      const allowed =
        kubeletLabels.has(key) ||
        within(namespace, 'kubelet.kubernetes.io') ||
        within(namespace, 'node.kubernetes.io');
      return reserved && !allowed;
    })
    .sort(byBytes);
}

function admitClaim(request: AdmissionRequest, node: string): void {
  if (request.subresource !== 'status') throw forbid(request, 'may only update PVC status');
  if (request.operation !== 'UPDATE')
    throw forbid(request, `unexpected operation ${quoted(request.operation)}`);
  const rest = (claim: unknown): unknown => {
    const { status, metadata, ...body } = claim as Record<string, unknown>;
    const meta = isMap(metadata) ? { ...metadata, resourceVersion: '', managedFields: null } : {};
    const kept = isMap(status)
      ? {
          phase: status['phase'] ?? '',
          accessModes: status['accessModes'] ?? [],
        }
      : {};
    return { ...body, metadata: meta, status: kept };
  };
  if (!jsonEqual(rest(request.object), rest(request.oldObject)))
    throw forbid(
      request,
      `node ${quoted(node)} is not allowed to update fields other than status.quantity and status.conditions: `,
    );
}

function admitToken(state: ServerState, request: AdmissionRequest, node: string): void {
  if (request.operation !== 'CREATE' || request.subresource !== 'token') return;
  const reference = at(request.object, 'spec', 'boundObjectRef');
  const name = textAt(reference, 'name');
  if (
    textAt(reference, 'apiVersion') !== 'v1' ||
    textAt(reference, 'kind') !== 'Pod' ||
    name === ''
  )
    throw forbid(request, 'node requested token not bound to a pod');
  const uid = textAt(reference, 'uid');
  if (uid === '') throw forbid(request, 'node requested token with a pod binding without a uid');
  const pod = state.get('', 'pods', request.namespace, name);
  if (!pod) throw notFound({ group: '', resource: 'pods' }, name);
  if (pod.metadata.uid !== uid)
    throw forbid(
      request,
      `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  if (textAt(pod, 'spec', 'nodeName') !== node)
    throw forbid(request, 'node requested token bound to a pod scheduled on a different node');
  if (textsOf(at(request.object, 'spec', 'audiences')).length > 1)
    throw forbid(request, 'node may only request 0 or 1 audiences');
}

function admitLease(request: AdmissionRequest, node: string): void {
  if (request.namespace !== 'kube-node-lease')
    throw forbid(request, 'can only access leases in the "kube-node-lease" system namespace');
  if (ownName(request) !== node)
    throw forbid(request, 'can only access node lease with the same name as the requesting node');
}
