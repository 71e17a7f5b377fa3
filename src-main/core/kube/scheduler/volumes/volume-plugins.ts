import { storageClassOf } from '../../apis/index.ts';
import { keyOf } from '../../machinery/index.ts';
import { type Plugin, skip, type StateData, unresolvable, unschedulable } from '../framework.ts';
import type { Handle } from '../plugins/handle.ts';
import { claimNamesOf } from '../pod-info.ts';
import {
  type ClaimView,
  type ClassView,
  namespaceOf,
  type PodView,
  type VolumeView,
} from '../views.ts';

const notFound = (name: string): string => `persistentvolumeclaim "${name}" not found`;

const isOurs = (pod: PodView, claim: unknown): boolean => {
  const { metadata } = claim as ClaimView;
  return metadata.namespace === namespaceOf(pod) && claimNamesOf(pod).includes(metadata.name ?? '');
};

const sharesClaim = (pod: PodView, other: unknown): boolean =>
  namespaceOf(other as PodView) === namespaceOf(pod) &&
  claimNamesOf(other as PodView).some((name) => claimNamesOf(pod).includes(name));

interface RestrictionState extends StateData {
  readonly claims: ReadonlySet<string>;
  conflicts: number;
}

type Volume = NonNullable<NonNullable<PodView['spec']>['volumes']>[number];

const overlap = (a: readonly string[] = [], b: readonly string[] = []): boolean =>
  a.some((entry) => b.includes(entry));

/** Whether two volumes are one disk that only one of them may have. */
function sameDisk(a: Volume, b: Volume): boolean {
  if (a.gcePersistentDisk && b.gcePersistentDisk)
    return (
      a.gcePersistentDisk.pdName === b.gcePersistentDisk.pdName &&
      !(a.gcePersistentDisk.readOnly && b.gcePersistentDisk.readOnly)
    );
  if (a.awsElasticBlockStore && b.awsElasticBlockStore)
    return a.awsElasticBlockStore.volumeID === b.awsElasticBlockStore.volumeID;
  if (a.iscsi && b.iscsi)
    return a.iscsi.iqn === b.iscsi.iqn && !(a.iscsi.readOnly && b.iscsi.readOnly);
  if (a.rbd && b.rbd)
    return (
      overlap(a.rbd.monitors, b.rbd.monitors) &&
      a.rbd.pool === b.rbd.pool &&
      a.rbd.image === b.rbd.image &&
      !(a.rbd.readOnly && b.rbd.readOnly)
    );
  return false;
}

const isDisk = (volume: Volume): boolean =>
  Boolean(volume.gcePersistentDisk ?? volume.awsElasticBlockStore ?? volume.rbd ?? volume.iscsi);

/** Disks and claims that only one pod may use. @see plugins/volumerestrictions/volume_restrictions.go */
export function volumeRestrictions({ volumes, cache }: Handle): Plugin {
  const key = 'VolumeRestrictions';
  const change = (
    data: RestrictionState | undefined,
    claims: readonly string[],
    by: number,
  ): void => {
    if (data) data.conflicts += by * claims.filter((name) => data.claims.has(name)).length;
  };
  return {
    name: key,
    events: [
      {
        resource: 'AssignedPod',
        actions: ['delete'],
        hint: (pod, { previous }) =>
          sharesClaim(pod, previous) || (pod.spec?.volumes ?? []).some(isDisk),
      },
      { resource: 'Node', actions: ['add'] },
      {
        resource: 'PersistentVolumeClaim',
        actions: ['add'],
        hint: (pod, { object }) => isOurs(pod, object),
      },
    ],
    preFilter: (state, { pod }) => {
      const exclusive = new Set<string>();
      for (const { persistentVolumeClaim } of pod.spec?.volumes ?? []) {
        if (!persistentVolumeClaim) continue;
        const name = persistentVolumeClaim.claimName;
        const claim = volumes.claim(namespaceOf(pod), name);
        if (!claim) return { status: unresolvable(notFound(name)) };
        if (claim.spec?.accessModes?.includes('ReadWriteOncePod')) exclusive.add(name);
      }
      const conflicts = [...exclusive].filter((name) =>
        cache.isClaimUsed(namespaceOf(pod), name),
      ).length;
      if (conflicts === 0 && !(pod.spec?.volumes ?? []).some(isDisk)) return { status: skip };
      const make = (count: number): RestrictionState => ({
        claims: exclusive,
        conflicts: count,
        clone(): RestrictionState {
          return make(this.conflicts);
        },
      });
      state.write(key, make(conflicts));
      return undefined;
    },
    addPod: (state, pod, added) => {
      if (namespaceOf(added.pod) === namespaceOf(pod.pod))
        change(state.read<RestrictionState>(key), added.claims, 1);
    },
    removePod: (state, pod, removed) => {
      if (namespaceOf(removed.pod) === namespaceOf(pod.pod))
        change(state.read<RestrictionState>(key), removed.claims, -1);
    },
    filter: (state, { pod }, node) => {
      const disks = (pod.spec?.volumes ?? []).filter(isDisk);
      if (disks.length > 0)
        for (const other of node.pods.values())
          for (const volume of other.pod.spec?.volumes ?? [])
            if (disks.some((disk) => sameDisk(disk, volume)))
              return unschedulable('node(s) had no available disk');
      return (state.read<RestrictionState>(key)?.conflicts ?? 0) > 0
        ? unschedulable(
            'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod',
          )
        : undefined;
    },
  };
}

/** How many volumes of a CSI driver a node takes. @see plugins/nodevolumelimits/csi.go */
export function nodeVolumeLimits({ volumes, informers }: Handle): Plugin {
  const csiNodes = informers.for('csinodes.storage.k8s.io');
  /** Volumes of a pod's claims, as `driver/handle`, and their drivers. */
  const attached = (pod: PodView, claims: readonly string[], into: Map<string, string>): void => {
    for (const name of claims) {
      const claim = volumes.claim(namespaceOf(pod), name);
      if (!claim) continue;
      const volume = claim.spec?.volumeName ? volumes.volume(claim.spec.volumeName) : undefined;
      const csi = volume?.spec?.csi;
      if (csi) into.set(`${csi.driver}/${csi.volumeHandle}`, csi.driver);
      else if (!volume) {
        // Not provisioned yet: it will be a volume of its class's provisioner.
        const provisioner = volumes.class(storageClassOf(claim))?.provisioner;
        if (provisioner) into.set(`${provisioner}/${namespaceOf(pod)}/${name}`, provisioner);
      }
    }
  };
  return {
    name: 'NodeVolumeLimits',
    events: [
      { resource: 'CSINode', actions: ['add', 'update'] },
      {
        resource: 'AssignedPod',
        actions: ['delete'],
        hint: (_pod, { previous }) => claimNamesOf(previous as PodView).length > 0,
      },
      {
        resource: 'PersistentVolumeClaim',
        actions: ['add'],
        hint: (pod, { object }) => isOurs(pod, object),
      },
      { resource: 'VolumeAttachment', actions: ['delete'] },
    ],
    preFilter: (_state, { claims }) => (claims.length === 0 ? { status: skip } : undefined),
    filter: (_state, { pod, claims }, node) => {
      const missing = claims.find((name) => !volumes.claim(namespaceOf(pod), name));
      if (missing !== undefined) return unresolvable(notFound(missing));
      const limits = new Map<string, number>();
      for (const { name, allocatable } of csiNodes.get(keyOf(undefined, node.name))?.spec.drivers ??
        [])
        if (allocatable?.count !== undefined) limits.set(name, allocatable.count);
      if (limits.size === 0) return undefined;
      const wanted = new Map<string, string>();
      attached(pod, claims, wanted);
      if (wanted.size === 0) return undefined;
      const there = new Map<string, string>();
      for (const other of node.pods.values()) attached(other.pod, other.claims, there);
      for (const [driver, limit] of limits) {
        const count = (of: ReadonlyMap<string, string>): string[] =>
          [...of].filter(([, name]) => name === driver).map(([volume]) => volume);
        const added = count(wanted).filter((volume) => !there.has(volume));
        if (added.length > 0 && count(there).length + added.length > limit)
          return unschedulable('node(s) exceed max volume count');
      }
      return undefined;
    },
  };
}

const topologyLabels = [
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
];

interface Topology {
  readonly key: string;
  readonly values: readonly string[];
}

/** Zones of a volume by its labels; several are written `a__b`. */
function topologiesOf(volume: VolumeView): Topology[] {
  return topologyLabels.flatMap((key) => {
    const value = volume.metadata.labels?.[key];
    return value === undefined ? [] : [{ key, values: value.split('__') }];
  });
}

/** Keeps pods in the zones of their volumes. @see plugins/volumezone/volume_zone.go */
export function volumeZone({ volumes }: Handle): Plugin {
  const key = 'VolumeZone';
  return {
    name: key,
    events: [
      {
        resource: 'StorageClass',
        actions: ['add'],
        hint: (_pod, { object }) =>
          (object as ClassView).volumeBindingMode === 'WaitForFirstConsumer',
      },
      { resource: 'Node', actions: ['add', 'label'] },
      {
        resource: 'PersistentVolumeClaim',
        actions: ['add', 'update'],
        hint: (pod, { object }) => isOurs(pod, object),
      },
      {
        resource: 'PersistentVolume',
        actions: ['add', 'update'],
        hint: (_pod, { previous, object }) =>
          previous === undefined ||
          JSON.stringify(topologiesOf(previous as VolumeView)) !==
            JSON.stringify(topologiesOf(object as VolumeView)),
      },
    ],
    preFilter: (state, { pod }) => {
      const topologies: Topology[] = [];
      for (const { persistentVolumeClaim } of pod.spec?.volumes ?? []) {
        if (!persistentVolumeClaim) continue;
        const name = persistentVolumeClaim.claimName;
        const claim = volumes.claim(namespaceOf(pod), name);
        if (!claim) return { status: unresolvable(notFound(name)) };
        const volumeName = claim.spec?.volumeName;
        if (!volumeName) {
          const className = storageClassOf(claim);
          if (className === '')
            return {
              status: unresolvable('PersistentVolumeClaim had no pv name and storageClass name'),
            };
          const storageClass = volumes.class(className);
          if (!storageClass)
            return {
              status: unresolvable(`storageclass.storage.k8s.io "${className}" not found`),
            };
          if (storageClass.volumeBindingMode === undefined)
            return {
              status: unresolvable(`VolumeBindingMode not set for StorageClass "${className}"`),
            };
          if (storageClass.volumeBindingMode === 'WaitForFirstConsumer') continue;
          return { status: unresolvable('PersistentVolume had no name') };
        }
        const volume = volumes.volume(volumeName);
        if (!volume) return { status: unresolvable(`persistentvolume "${volumeName}" not found`) };
        topologies.push(...topologiesOf(volume));
      }
      if (topologies.length === 0) return { status: skip };
      state.write(key, { topologies });
      return undefined;
    },
    filter: (state, _pod, { labels }) => {
      const { topologies = [] } = state.read<{ topologies?: readonly Topology[] }>(key) ?? {};
      // A cluster without zones has no say about them.
      if (!topologyLabels.some((label) => labels[label] !== undefined)) return undefined;
      for (const { key: label, values } of topologies) {
        const newer = label.replace('failure-domain.beta.', 'topology.');
        const value = labels[label] ?? labels[newer];
        if (value === undefined || !values.includes(value))
          return unresolvable('node(s) had no available volume zone');
      }
      return undefined;
    },
  };
}
