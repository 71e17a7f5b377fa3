import { isDns1123Label } from '../../validation/names.ts';
import { canonicalQuantity, milliValue } from '../../validation/quantity.ts';
import {
  type ContainerPort,
  containersOf,
  type Pod,
  type PodAffinity,
  type PodSpec,
  type PodTemplate,
} from './pod-types.ts';

const deprecatedLabels: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region':
    'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone':
    'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type':
    'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
};

/** The word on an old node label, if it is one. */
export const deprecatedNodeLabel = (key: string): string | undefined => deprecatedLabels[key];

const deprecatedAnnotations: Readonly<Record<string, string>> = {
  'scheduler.alpha.kubernetes.io/critical-pod':
    'non-functional in v1.16+; use the "priorityClassName" field instead',
  'security.alpha.kubernetes.io/sysctls':
    'non-functional in v1.11+; use the "sysctls" field instead',
  'security.alpha.kubernetes.io/unsafe-sysctls':
    'non-functional in v1.11+; use the "sysctls" field instead',
};
const deprecatedVolumes: Readonly<Record<string, string>> = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  gitRepo: 'deprecated in v1.11, and disabled by default in v1.33+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  flocker: 'deprecated in v1.22, non-functional in v1.25+',
  storageOS: 'deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
};
const nullSelector = 'a null labelSelector results in matching no pod';

function schedulingWarnings(path: string, spec: PodSpec): string[] {
  const warnings: string[] = [];
  for (const key of Object.keys(spec.nodeSelector ?? {})) {
    const message = deprecatedLabels[key];
    if (message) warnings.push(`${path}.nodeSelector[${key}]: ${message}`);
  }
  const node = spec.affinity?.nodeAffinity;
  const terms = [
    ...(node?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []).map(
      (term, index) => ({
        term,
        at: `requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[${index}]`,
      }),
    ),
    ...(node?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((term, index) => ({
      term: term.preference ?? {},
      at: `preferredDuringSchedulingIgnoredDuringExecution[${index}].preference`,
    })),
  ];
  for (const { term, at } of terms) {
    term.matchExpressions?.forEach(({ key = '' }, index) => {
      const message = deprecatedLabels[key];
      if (message) {
        warnings.push(
          `${path}.affinity.nodeAffinity.${at}.matchExpressions[${index}].key: ${key} is ${message}`,
        );
      }
    });
  }
  spec.topologySpreadConstraints?.forEach(({ topologyKey = '', labelSelector }, index) => {
    const at = `${path}.topologySpreadConstraints[${index}]`;
    const message = deprecatedLabels[topologyKey];
    if (message) warnings.push(`${at}.topologyKey: ${topologyKey} is ${message}`);
    if (!labelSelector) warnings.push(`${at}.labelSelector: ${nullSelector}`);
  });
  return warnings;
}

function portWarnings(path: string, spec: PodSpec): string[] {
  const warnings: string[] = [];
  const seen = new Map<string, { at: string; port: ContainerPort }[]>();
  const names = new Map<string, string>();
  const later: string[] = [];
  for (const { container, path: base } of containersOf(spec, path)) {
    container.ports?.forEach((port, index) => {
      const at = `${base}.ports[${index}]`;
      const key = `${port.containerPort ?? 0}/${port.protocol ?? ''}`;
      const others = seen.get(key) ?? [];
      const { hostIP = '', hostPort = 0 } = port;
      for (const other of others) {
        const ip = other.port.hostIP ?? '';
        const host = other.port.hostPort ?? 0;
        if (hostIP === ip && hostPort === host) {
          warnings.push(`${at}: duplicate port definition with ${other.at}`);
        } else if (hostPort === 0 || host === 0) {
          warnings.push(`${at}: overlapping port definition with ${other.at}`);
        } else if (hostPort === host && (hostIP === '') !== (ip === '')) {
          warnings.push(`${at}: dangerously ambiguous port definition with ${other.at}`);
        }
      }
      seen.set(key, [...others, { at, port }]);
      if (!port.name) return;
      const other = names.get(port.name);
      if (other === undefined) names.set(port.name, at);
      else {
        later.push(
          `${at}: duplicate port name ${JSON.stringify(port.name)} with ${other}, services and probes that select ports by name will use ${other}`,
        );
      }
    });
  }
  return [...warnings, ...later];
}

function containerWarnings(path: string, spec: PodSpec): string[] {
  const warnings: string[] = [];
  for (const { container, path: at } of containersOf(spec, path)) {
    for (const resource of ['memory', 'ephemeral-storage']) {
      for (const list of ['limits', 'requests'] as const) {
        const amount = container.resources?.[list]?.[resource];
        if (amount !== undefined && milliValue(amount) % 1000 !== 0) {
          warnings.push(
            `${at}.resources.${list}[${resource}]: fractional byte value ${JSON.stringify(canonicalQuantity(amount))} is invalid, must be an integer`,
          );
        }
      }
    }
    const names = new Set<string>();
    container.env?.forEach(({ name = '', value = '', valueFrom }, index) => {
      const ref = `$(${name})`;
      if (names.has(name) && (valueFrom || value === ref || !value.includes(ref))) {
        warnings.push(
          `${at}.env[${index}]: hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`,
        );
      }
      names.add(name);
    });
  }
  return warnings;
}

function affinityWarnings(path: string, affinity: PodAffinity | undefined): string[] {
  return [
    ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).flatMap((term, index) =>
      term.labelSelector
        ? []
        : [
            `${path}.requiredDuringSchedulingIgnoredDuringExecution[${index}].labelSelector: ${nullSelector}`,
          ],
    ),
    ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).flatMap((term, index) =>
      term.podAffinityTerm?.labelSelector
        ? []
        : [
            `${path}.preferredDuringSchedulingIgnoredDuringExecution[${index}].podAffinityTerm.labelSelector: ${nullSelector}`,
          ],
    ),
  ];
}

function duplicates(
  path: string,
  items: readonly (string | undefined)[] | undefined,
  field: string,
): string[] {
  return (items ?? []).flatMap((item, index) =>
    (items ?? []).indexOf(item) < index
      ? [`${path}[${index}].${field}: duplicate ${field} ${JSON.stringify(item)}`]
      : [],
  );
}

function specWarnings(prefix: string, { metadata, spec = {} }: PodTemplate): string[] {
  const path = `${prefix}spec`;
  const warnings = schedulingWarnings(path, spec);
  for (const [key, message] of Object.entries(deprecatedAnnotations)) {
    if (metadata?.annotations?.[key] !== undefined) {
      warnings.push(`${prefix}metadata.annotations[${key}]: ${message}`);
    }
  }
  spec.volumes?.forEach((volume, index) => {
    for (const [kind, message] of Object.entries(deprecatedVolumes)) {
      if (kind in volume) warnings.push(`${path}.volumes[${index}].${kind}: ${message}`);
    }
  });
  warnings.push(
    ...duplicates(
      `${path}.hostAliases`,
      spec.hostAliases?.map(({ ip }) => ip),
      'ip',
    ),
    ...duplicates(
      `${path}.imagePullSecrets`,
      spec.imagePullSecrets?.map(({ name }) => name),
      'name',
    ),
  );
  spec.imagePullSecrets?.forEach(({ name }, index) => {
    if (!name) warnings.push(`${path}.imagePullSecrets[${index}].name: invalid empty name ""`);
  });
  warnings.push(...containerWarnings(path, spec), ...portWarnings(path, spec));
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) {
    warnings.push(
      `${path}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`,
    );
  }
  warnings.push(
    ...affinityWarnings(`${path}.affinity.podAffinity`, spec.affinity?.podAffinity),
    ...affinityWarnings(`${path}.affinity.podAntiAffinity`, spec.affinity?.podAntiAffinity),
  );
  return warnings;
}

/** Warnings on a pod being created; @see pkg/api/pod/warnings.go. */
export function podWarnings(pod: Pod): string[] {
  const messages = isDns1123Label(pod.metadata.name ?? '');
  return [
    ...(messages.length > 0
      ? [
          `metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [${messages.join(' ')}]`,
        ]
      : []),
    ...specWarnings('', pod),
  ];
}

/** Warnings on the template of a workload; an update that leaves the template alone has none. */
export function templateWarnings(
  path: string,
  template: PodTemplate | undefined,
  old?: PodTemplate,
): string[] {
  if (!template || (old && JSON.stringify(old) === JSON.stringify(template))) return [];
  return specWarnings(`${path}.`, template);
}
