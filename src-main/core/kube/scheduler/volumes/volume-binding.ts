import { jsonClone, sleep } from '#core/base';
import {
  type PersistentVolume,
  type PersistentVolumeClaim,
  storageClassOf,
} from '../../apis/index.ts';
import { keyOf, matchesSelector, objectKey } from '../../machinery/index.ts';
import {
  type CycleState,
  failed,
  type Plugin,
  skip,
  type Status,
  unresolvable,
} from '../framework.ts';
import type { Handle } from '../plugins/handle.ts';
import { claimNamesOf } from '../pod-info.ts';
import { amountOf } from '../resources.ts';
import {
  type ClaimView,
  namespaceOf,
  type NodeView,
  type PodView,
  uidOf,
  type VolumeView,
} from '../views.ts';
import {
  boundByControllerAnnotation,
  findMatchingVolume,
  isFullyBound,
  reaches,
  requestedBytes,
  selectedNodeAnnotation,
} from './volume-matching.ts';

interface Decision {
  bindings: { readonly claim: ClaimView; volume: VolumeView }[];
  provisions: ClaimView[];
}

interface BindingState {
  readonly bound: readonly ClaimView[];
  readonly delayed: readonly ClaimView[];
  readonly volumesByClass: ReadonlyMap<string, readonly VolumeView[]>;
  readonly decisions: Map<string, Decision>;
  allBound: boolean;
}

const key = 'VolumeBinding';
const noProvisioner = 'kubernetes.io/no-provisioner';

/**
 * Finds, reserves and binds the volumes of pods whose claims wait for their first consumer, and keeps pods
 * off nodes that cannot reach their volumes.
 * @see plugins/volumebinding
 */
export function volumeBinding(
  args: { readonly bindTimeoutSeconds: number },
  handle: Handle,
): Plugin {
  const { volumes: caches, informers } = handle;
  const drivers = informers.for('csidrivers.storage.k8s.io');
  const capacities = informers.for('csistoragecapacities.storage.k8s.io');
  const pods = informers.for('pods');
  const stateOf = (state: CycleState): BindingState | undefined => state.read<BindingState>(key);

  /** Why the claims of a pod cannot be used yet. */
  const claimProblem = (pod: PodView): string | undefined => {
    for (const volume of pod.spec?.volumes ?? []) {
      const ephemeral = volume.ephemeral !== undefined;
      const name =
        volume.persistentVolumeClaim?.claimName ??
        (ephemeral ? `${pod.metadata.name ?? ''}-${volume.name}` : undefined);
      if (name === undefined) continue;
      const claim = caches.claim(namespaceOf(pod), name);
      if (!claim)
        return ephemeral
          ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`
          : `persistentvolumeclaim "${name}" not found`;
      if (claim.status?.phase === 'Lost')
        return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.spec?.volumeName ?? ''}"`;
      if (claim.metadata.deletionTimestamp)
        return `persistentvolumeclaim "${name}" is being deleted`;
      if (ephemeral && !claim.metadata.ownerReferences?.some(({ uid }) => uid === uidOf(pod)))
        return `PVC ${namespaceOf(pod)}/${name} was not created for pod ${namespaceOf(pod)}/${pod.metadata.name ?? ''} (pod is not owner)`;
    }
    return undefined;
  };

  const hasCapacity = (
    claim: ClaimView,
    className: string,
    provisioner: string,
    node: NodeView,
  ) => {
    if (!drivers.get(keyOf(undefined, provisioner))?.spec.storageCapacity) return true;
    const bytes = requestedBytes(claim);
    return capacities.list().some((capacity) => {
      const limit = capacity.maximumVolumeSize ?? capacity.capacity;
      return (
        capacity.storageClassName === className &&
        limit !== undefined &&
        amountOf('storage', limit) >= bytes &&
        capacity.nodeTopology !== undefined &&
        matchesSelector(capacity.nodeTopology, node.metadata.labels)
      );
    });
  };

  /** Whether the claims can be provisioned for a node. */
  const provision = (
    claims: readonly ClaimView[],
    node: NodeView,
  ): 'ok' | 'no' | 'full' | Status => {
    for (const claim of claims) {
      const className = storageClassOf(claim);
      const claimKey = objectKey(claim.metadata);
      if (className === '') return failed(`no class for claim "${claimKey}"`);
      const storageClass = caches.class(className);
      if (!storageClass) return failed(`failed to find storage class "${className}"`);
      if (!storageClass.provisioner || storageClass.provisioner === noProvisioner) return 'no';
      const topologies = storageClass.allowedTopologies ?? [];
      const allowed =
        topologies.length === 0 ||
        topologies.some(({ matchLabelExpressions = [] }) =>
          matchLabelExpressions.every(({ key: label, values }) =>
            values.includes(node.metadata.labels?.[label] ?? ''),
          ),
        );
      if (!allowed) return 'no';
      if (!hasCapacity(claim, className, storageClass.provisioner, node)) return 'full';
    }
    return 'ok';
  };

  const decide = (data: BindingState, node: NodeView): Decision | Status => {
    let found = true;
    let reachable = true;
    for (const { spec } of data.bound) {
      const volume = caches.volume(spec?.volumeName ?? '');
      if (!volume) {
        found = false;
        break;
      }
      if (!reaches(volume, node)) {
        reachable = false;
        break;
      }
    }
    let satisfied = true;
    let roomy = true;
    const bindings: Decision['bindings'] = [];
    const toProvision: ClaimView[] = [];
    const toMatch: ClaimView[] = [];
    for (const claim of data.delayed) {
      const selected = claim.metadata.annotations?.[selectedNodeAnnotation];
      if (selected === undefined) toMatch.push(claim);
      else if (selected === node.metadata.name) toProvision.push(claim);
      else satisfied = false;
    }
    if (satisfied) {
      const taken = new Set<string>();
      for (const claim of toMatch.sort((a, b) => requestedBytes(a) - requestedBytes(b))) {
        const available = data.volumesByClass.get(storageClassOf(claim)) ?? [];
        const volume = findMatchingVolume(claim, available, node, taken);
        if (volume) {
          taken.add(volume.metadata.name ?? '');
          bindings.push({ claim, volume });
        } else toProvision.push(claim);
      }
      if (toProvision.length > 0) {
        const answer = provision(toProvision, node);
        if (typeof answer !== 'string') return answer;
        satisfied = answer !== 'no';
        roomy = answer !== 'full';
      }
    }
    const reasons = [
      ...(reachable ? [] : ["node(s) didn't match PersistentVolume's node affinity"]),
      ...(satisfied ? [] : ["node(s) didn't find available persistent volumes to bind"]),
      ...(roomy ? [] : ['node(s) did not have enough free storage']),
      ...(found
        ? []
        : ['node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)']),
    ];
    return reasons.length > 0 ? unresolvable(...reasons) : { bindings, provisions: toProvision };
  };

  const restore = ({ bindings, provisions }: Decision): void => {
    for (const { volume } of bindings) caches.volumes.restore(volume);
    for (const claim of provisions) caches.claims.restore(claim);
  };

  /** Whether all is bound by now. @throws Error it will never be, and the pod must be scheduled anew. */
  const isDone = (pod: PodView, nodeName: string, decision: Decision): boolean => {
    const node = handle.cache.node(nodeName)?.node;
    if (!node) throw new Error(`failed to get node "${nodeName}": node "${nodeName}" not found`);
    const name = pod.metadata.name ?? '';
    if (!pods.get(objectKey(pod.metadata)))
      throw new Error(`pod does not exist any more: pod "${name}" not found`);
    const unreachable = (volume: VolumeView): void => {
      if (!reaches(volume, node))
        throw new Error(
          `pv "${volume.metadata.name ?? ''}" node affinity doesn't match node "${nodeName}": no matching NodeSelectorTerms`,
        );
    };
    for (const { claim, volume } of decision.bindings) {
      const volumeName = volume.metadata.name ?? '';
      const stored = caches.volumes.stored(keyOf(undefined, volumeName));
      const storedClaim = caches.claims.stored(objectKey(claim.metadata));
      if (!stored || !storedClaim)
        throw new Error(`failed to check binding: could not find "${volumeName}"`);
      unreachable(stored);
      if (stored.spec?.claimRef === undefined) {
        // The cache may not have seen our own write yet.
        if (stored.metadata.resourceVersion !== volume.metadata.resourceVersion) return false;
        throw new Error(`ClaimRef got reset for pv "${volumeName}"`);
      }
      if (!isFullyBound(storedClaim)) return false;
    }
    for (const claim of decision.provisions) {
      const stored = caches.claims.stored(objectKey(claim.metadata));
      const claimName = claim.metadata.name ?? '';
      if (!stored)
        throw new Error(
          `failed to check provisioning pvc: could not find "${objectKey(claim.metadata)}"`,
        );
      if (stored.metadata.annotations?.[selectedNodeAnnotation] !== nodeName)
        throw new Error(`provisioning failed for PVC "${claimName}"`);
      if (stored.spec?.volumeName) {
        const volume = caches.volumes.stored(keyOf(undefined, stored.spec.volumeName));
        if (!volume) return false;
        unreachable(volume);
      }
      if (!isFullyBound(stored)) return false;
    }
    return true;
  };

  const bind = async (pod: PodView, nodeName: string, decision: Decision): Promise<void> => {
    const { client, clock } = handle;
    for (const binding of decision.bindings) {
      const written = jsonClone(binding.volume) as unknown as PersistentVolume;
      binding.volume = await client.resource('persistentvolumes').update(written);
    }
    for (const [index, claim] of decision.provisions.entries())
      decision.provisions[index] = await client
        .resource('persistentvolumeclaims')
        .update(jsonClone(claim) as unknown as PersistentVolumeClaim);
    const untilMs = clock.now() + args.bindTimeoutSeconds * 1000;
    for (;;) {
      await sleep(clock, 1000, undefined, { background: true });
      if (isDone(pod, nodeName, decision)) return;
      if (clock.now() >= untilMs) throw new Error('context deadline exceeded');
    }
  };

  const isOurs = (pod: PodView, claim: unknown): boolean => {
    const { metadata } = claim as ClaimView;
    return (
      metadata.namespace === namespaceOf(pod) && claimNamesOf(pod).includes(metadata.name ?? '')
    );
  };

  return {
    name: key,
    events: [
      { resource: 'StorageClass', actions: ['add', 'update'] },
      {
        resource: 'PersistentVolumeClaim',
        actions: ['add', 'update'],
        hint: (pod, { object }) => isOurs(pod, object),
      },
      { resource: 'PersistentVolume', actions: ['add', 'update'] },
      { resource: 'Node', actions: ['add', 'label'] },
      { resource: 'CSINode', actions: ['add', 'update'] },
      { resource: 'CSIDriver', actions: ['update'] },
      { resource: 'CSIStorageCapacity', actions: ['add', 'update'] },
    ],
    preFilter: (state, { pod, claims }) => {
      const problem = claimProblem(pod);
      if (problem !== undefined) return { status: unresolvable(problem) };
      const data: BindingState = {
        bound: [],
        delayed: [],
        volumesByClass: new Map(),
        decisions: new Map(),
        allBound: claims.length === 0,
      };
      if (claims.length === 0) {
        state.write(key, data);
        return { status: skip };
      }
      const bound: ClaimView[] = [];
      const delayed: ClaimView[] = [];
      const volumesByClass = new Map<string, VolumeView[]>();
      for (const name of claims) {
        const claim = caches.claim(namespaceOf(pod), name);
        if (!claim) continue;
        if (isFullyBound(claim)) {
          bound.push(claim);
          continue;
        }
        const className = storageClassOf(claim);
        const storageClass = className === '' ? undefined : caches.class(className);
        const waits = storageClass?.volumeBindingMode === 'WaitForFirstConsumer';
        if (!waits || claim.spec?.volumeName)
          return { status: unresolvable('pod has unbound immediate PersistentVolumeClaims') };
        delayed.push(claim);
        if (!volumesByClass.has(className))
          volumesByClass.set(
            className,
            caches.volumes.list().filter((volume) => storageClassOf(volume) === className),
          );
      }
      state.write(key, { ...data, bound, delayed, volumesByClass });
      return undefined;
    },
    filter: (state, _pod, { node, name }) => {
      const data = stateOf(state);
      if (!data) return undefined;
      const decision = decide(data, node);
      if ('code' in decision) return decision;
      data.decisions.set(name, decision);
      return undefined;
    },
    reserve: (state, { claims, pod }, nodeName) => {
      const data = stateOf(state);
      const decision = data?.decisions.get(nodeName);
      if (!data || !decision) return undefined;
      data.allBound = claims.every((name) => {
        const claim = caches.claim(namespaceOf(pod), name);
        return claim !== undefined && isFullyBound(claim);
      });
      if (data.allBound) return undefined;
      for (const binding of decision.bindings) {
        const { claim } = binding;
        const volume = jsonClone(binding.volume) as unknown as PersistentVolume;
        const reserved = volume.spec?.claimRef !== undefined;
        volume.spec = {
          ...volume.spec,
          claimRef: {
            kind: 'PersistentVolumeClaim',
            apiVersion: 'v1',
            namespace: claim.metadata.namespace ?? '',
            name: claim.metadata.name ?? '',
            uid: claim.metadata.uid ?? '',
            resourceVersion: claim.metadata.resourceVersion ?? '',
          },
        };
        if (!reserved)
          volume.metadata.annotations = {
            ...volume.metadata.annotations,
            [boundByControllerAnnotation]: 'yes',
          };
        binding.volume = volume;
        caches.volumes.assume(volume);
      }
      decision.provisions = decision.provisions.map((claim) => {
        const copy: ClaimView = {
          ...claim,
          metadata: {
            ...claim.metadata,
            annotations: { ...claim.metadata.annotations, [selectedNodeAnnotation]: nodeName },
          },
        };
        caches.claims.assume(copy);
        return copy;
      });
      return undefined;
    },
    unreserve: (state, _pod, nodeName) => {
      const decision = stateOf(state)?.decisions.get(nodeName);
      if (decision) restore(decision);
    },
    willPreBind: (state) => stateOf(state)?.allBound === false,
    preBind: (state, { pod }, nodeName) => {
      const data = stateOf(state);
      if (!data || data.allBound) return undefined;
      const decision = data.decisions.get(nodeName);
      if (!decision) return Promise.resolve(failed(`no pod volume found for node "${nodeName}"`));
      return bind(pod, nodeName, decision).then(
        () => undefined,
        (error: unknown) => {
          const message = error instanceof Error ? error.message : String(error);
          return failed(`binding volumes: ${message}`);
        },
      );
    },
  };
}
