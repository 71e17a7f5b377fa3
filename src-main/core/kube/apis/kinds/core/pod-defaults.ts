import { canonicalQuantity, quantityNanos } from '../../validation/quantity.ts';
import type {
  ClaimSpec,
  Container,
  DownwardFile,
  Handler,
  PodSpec,
  PodTemplate,
  Probe,
  ResourceList,
  Volume,
} from './pod-types.ts';

const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const reference = new RegExp(
  `^(?:[A-Za-z0-9.\\[\\]:-]+/)?${component}(?:/${component})*(?::(\\w[\\w.-]{0,127}))?(@[A-Za-z][\\w+.-]*:[0-9a-fA-F]{32,})?$`,
);

/** The tag decides how eagerly an image is pulled; what cannot be read as a reference is not pulled again. */
export function defaultPullPolicy(image: string): 'Always' | 'IfNotPresent' {
  const match = reference.exec(image);
  if (!match) return 'IfNotPresent';
  const [, tag, digest] = match;
  return tag === 'latest' || (tag === undefined && digest === undefined)
    ? 'Always'
    : 'IfNotPresent';
}

function setHandlerDefaults(handler: Handler | undefined): void {
  const get = handler?.httpGet;
  if (get) {
    get.path ||= '/';
    get.scheme ||= 'HTTP';
  }
  if (handler?.grpc) handler.grpc.service ??= '';
}

function setProbeDefaults(probe: Probe | undefined): void {
  if (!probe) return;
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
  setHandlerDefaults(probe);
}

function setContainerDefaults(container: Container): void {
  container.imagePullPolicy ||= defaultPullPolicy(container.image ?? '');
  container.terminationMessagePath ||= '/dev/termination-log';
  container.terminationMessagePolicy ||= 'File';
  container.resources ??= {};
  roundUp(container.resources.limits);
  roundUp(container.resources.requests);
  for (const port of container.ports ?? []) port.protocol ||= 'TCP';
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.fieldRef) valueFrom.fieldRef.apiVersion ||= 'v1';
    if (valueFrom?.resourceFieldRef) valueFrom.resourceFieldRef.divisor ??= '0';
  }
  setProbeDefaults(container.livenessProbe);
  setProbeDefaults(container.readinessProbe);
  setProbeDefaults(container.startupProbe);
  setHandlerDefaults(container.lifecycle?.postStart);
  setHandlerDefaults(container.lifecycle?.preStop);
  // The feature behind the field is off in v1.36, and what a client sends is dropped.
  delete container.lifecycle?.stopSignal;
}

/** Amounts have no finer grain than thousandths. */
export function roundUp(list: ResourceList | undefined): void {
  for (const [name, amount] of Object.entries(list ?? {})) {
    const nanos = quantityNanos(amount);
    if (list && nanos !== undefined && nanos % 1_000_000n !== 0n) {
      list[name] = canonicalQuantity(`${(nanos + 999_999n) / 1_000_000n}m`);
    }
  }
}

function setFileDefaults(files: readonly DownwardFile[] | undefined): void {
  for (const file of files ?? []) {
    if (file.fieldRef) file.fieldRef.apiVersion ||= 'v1';
    if (file.resourceFieldRef) file.resourceFieldRef.divisor ??= '0';
  }
}

/** Defaults of a claim's spec, of a PVC, a StatefulSet's template or an ephemeral volume. */
export function setClaimSpecDefaults(spec: ClaimSpec): void {
  spec.volumeMode ??= 'Filesystem';
  spec.resources ??= {};
  roundUp(spec.resources.limits);
  roundUp(spec.resources.requests);
}

function setVolumeDefaults(volume: Volume): void {
  if (Object.keys(volume).every((key) => key === 'name')) volume.emptyDir = {};
  if (volume.image) volume.image.pullPolicy ||= defaultPullPolicy(volume.image.reference ?? '');
  if (volume.secret) volume.secret.defaultMode ??= 0o644;
  if (volume.configMap) volume.configMap.defaultMode ??= 0o644;
  if (volume.hostPath) volume.hostPath.type ??= '';
  if (volume.downwardAPI) {
    volume.downwardAPI.defaultMode ??= 0o644;
    setFileDefaults(volume.downwardAPI.items);
  }
  if (volume.projected) {
    volume.projected.defaultMode ??= 0o644;
    for (const source of volume.projected.sources ?? []) {
      // The features behind these two are off in v1.36, and what a client sends is dropped.
      delete source.clusterTrustBundle;
      delete source.podCertificate;
      if (source.serviceAccountToken) source.serviceAccountToken.expirationSeconds ??= 3600;
      setFileDefaults(source.downwardAPI?.items);
    }
  }
  if (volume.iscsi) volume.iscsi.iscsiInterface ||= 'default';
  if (volume.rbd) {
    volume.rbd.pool ||= 'rbd';
    volume.rbd.user ||= 'admin';
    volume.rbd.keyring ||= '/etc/ceph/keyring';
  }
  if (volume.azureDisk) {
    volume.azureDisk.cachingMode ??= 'ReadWrite';
    volume.azureDisk.kind ??= 'Shared';
    volume.azureDisk.fsType ??= 'ext4';
    volume.azureDisk.readOnly ??= false;
  }
  if (volume.scaleIO) {
    volume.scaleIO.storageMode ||= 'ThinProvisioned';
    volume.scaleIO.fsType ||= 'xfs';
  }
  const claim = volume.ephemeral?.volumeClaimTemplate;
  if (claim) {
    claim.metadata ??= {};
    setClaimSpecDefaults((claim.spec ??= {}));
  }
}

/**
 * Defaults of a pod's spec wherever it stands: in a pod or in a template. They write nothing to a spec that has been
 * through them: a pod's versions share theirs.
 */
export function setPodSpecDefaults(spec: PodSpec): void {
  spec.dnsPolicy ||= 'ClusterFirst';
  spec.restartPolicy ||= 'Always';
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= 30;
  spec.schedulerName ||= 'default-scheduler';
  // The old spelling is kept beside the new one.
  const account = spec.serviceAccountName || spec.serviceAccount;
  if (account && spec.serviceAccount !== account) spec.serviceAccount = account;
  if (account && spec.serviceAccountName !== account) spec.serviceAccountName = account;
  spec.volumes?.forEach(setVolumeDefaults);
  for (const list of [spec.initContainers, spec.containers, spec.ephemeralContainers]) {
    list?.forEach(setContainerDefaults);
  }
  roundUp(spec.overhead);
  roundUp(spec.resources?.limits);
  roundUp(spec.resources?.requests);
}

/** What is particular to pods themselves: requests follow limits, service links are on. Like those of the spec. */
export function setPodDefaults(spec: PodSpec): void {
  for (const { resources } of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) {
    if (resources?.limits && isMissing(resources.limits, resources.requests))
      resources.requests = { ...resources.limits, ...resources.requests };
  }
  setPodLevelRequests(spec);
  spec.enableServiceLinks ??= true;
  if (spec.hostNetwork) {
    for (const container of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) {
      for (const port of container.ports ?? []) {
        const { containerPort } = port;
        if (!port.hostPort && containerPort !== undefined) port.hostPort = containerPort;
      }
    }
  }
}

/** Whether some of these names are not in a list. */
const isMissing = (names: ResourceList, list: ResourceList | undefined): boolean =>
  !list || Object.keys(names).some((name) => list[name] === undefined);

const podLevelResources = new Set(['cpu', 'memory']);

function setPodLevelRequests(spec: PodSpec): void {
  const limits = spec.resources?.limits;
  if (!spec.resources || !limits || Object.keys(limits).length === 0) return;
  const requests: ResourceList = { ...spec.resources.requests };
  const sums = new Map<string, bigint>();
  for (const { resources } of spec.containers ?? []) {
    for (const [name, amount] of Object.entries(resources?.requests ?? {})) {
      sums.set(name, (sums.get(name) ?? 0n) + (quantityNanos(amount) ?? 0n));
    }
  }
  for (const [name, nanos] of sums) {
    if (podLevelResources.has(name)) {
      requests[name] ??= canonicalQuantity(`${nanos / 1_000_000n}m`);
    }
  }
  for (const [name, amount] of Object.entries(limits)) {
    if (podLevelResources.has(name) || name.startsWith('hugepages-')) requests[name] ??= amount;
  }
  if (isMissing(requests, spec.resources.requests)) spec.resources.requests = requests;
}

/** A template always prints its metadata and spec. */
export function setTemplateDefaults(template: PodTemplate): void {
  template.metadata ??= {};
  setPodSpecDefaults((template.spec ??= {}));
}
