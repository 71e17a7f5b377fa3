import { isDns1123Label, isLabelValue } from '../../validation/names.ts';
import { addressWarnings } from '../../validation/addresses.ts';
import { semanticEqual } from '../../validation/meta.ts';
import { appArmorDeprecated, appArmorKey, profileOf } from './app-armor.ts';
import {
  type NodeSelector,
  type ContainerPort,
  containersOf,
  type Pod,
  type PodAffinity,
  type PodSpec,
  type PodTemplate,
} from './pod-types.ts';
import { seccompKey, seccompPodKey } from './pod-annotations.ts';
import { fractionWarnings, volumeWarnings } from './pod-volume-warnings.ts';

const deprecatedLabels: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region':
    'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone':
    'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type':
    'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
  'app.kubernetes.io/created-by': 'deprecated since v1.9',
  'scheduler.alpha.kubernetes.io/preferAvoidPods':
    'deprecated since v1.22; use Taints and Tolerations instead',
  'node-role.kubernetes.io/master': 'use "node-role.kubernetes.io/control-plane" instead',
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
const nullSelector = 'a null labelSelector results in matching no pod';

type NodeTerm = Readonly<NonNullable<NodeSelector['nodeSelectorTerms']>[number]>;

const termWarnings = (path: string, { matchExpressions = [] }: NodeTerm): string[] =>
  matchExpressions.flatMap(({ key = '' }, index) => {
    const message = deprecatedLabels[key];
    return message ? [`${path}.matchExpressions[${index}].key: ${key} is ${message}`] : [];
  });

/** Values of what is only preferred; of what is required they are errors. */
const valueWarnings = (path: string, { matchExpressions = [] }: NodeTerm): string[] =>
  matchExpressions.flatMap(({ values = [] }, index) =>
    values.flatMap((value, i) =>
      isLabelValue(value).map(
        (problem) =>
          `${path}.matchExpressions[${index}].values[${i}]: ${value} is invalid, ${problem}`,
      ),
    ),
  );

/** Old labels in the terms of a node selector. */
export function nodeTermWarnings(path: string, terms: readonly NodeTerm[]): string[] {
  return terms.flatMap((term, index) => termWarnings(`${path}[${index}]`, term));
}

function schedulingWarnings(path: string, spec: PodSpec): string[] {
  const warnings: string[] = [];
  for (const key of Object.keys(spec.nodeSelector ?? {})) {
    const message = deprecatedLabels[key];
    if (message) warnings.push(`${path}.nodeSelector[${key}]: ${message}`);
  }
  const node = spec.affinity?.nodeAffinity;
  const at = `${path}.affinity.nodeAffinity`;
  warnings.push(
    ...nodeTermWarnings(
      `${at}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`,
      node?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [],
    ),
    ...(node?.preferredDuringSchedulingIgnoredDuringExecution ?? []).flatMap(
      ({ preference = {} }, index) => {
        const where = `${at}.preferredDuringSchedulingIgnoredDuringExecution[${index}].preference`;
        return [...termWarnings(where, preference), ...valueWarnings(where, preference)];
      },
    ),
  );
  spec.topologySpreadConstraints?.forEach(({ topologyKey = '', labelSelector }, index) => {
    const at = `${path}.topologySpreadConstraints[${index}]`;
    const message = deprecatedLabels[topologyKey];
    if (message) warnings.push(`${at}.topologyKey: ${topologyKey} is ${message}`);
    if (!labelSelector) warnings.push(`${at}.labelSelector: ${nullSelector}`);
  });
  return warnings;
}

/** As Go prints the struct. */
const printPort = ({ name, hostPort, containerPort, protocol, hostIP }: ContainerPort): string =>
  `{Name:${name ?? ''} HostPort:${hostPort ?? 0} ContainerPort:${containerPort ?? 0} Protocol:${protocol ?? ''} HostIP:${hostIP ?? ''}}`;

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
      if (hostIP !== '' && hostPort === 0)
        warnings.push(`${at}: hostIP set without hostPort: ${printPort(port)}`);
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

type Annotations = Readonly<Record<string, string>>;
const seccomp = 'non-functional in v1.27+; use the "seccompProfile" field instead';

function containerWarnings(prefix: string, spec: PodSpec, annotations: Annotations): string[] {
  const warnings: string[] = [];
  for (const { container, path: at } of containersOf(spec, `${prefix}spec`)) {
    const { name = '', resources, securityContext } = container;
    const profile = seccompKey(name);
    if (!securityContext?.seccompProfile && profile in annotations)
      warnings.push(`${prefix}metadata.annotations[${profile}]: ${seccomp}`);
    const armor = appArmorKey(name);
    const wanted = annotations[armor];
    // A pod's own annotation is told of where it becomes a field.
    if (prefix !== '' && wanted !== undefined && !securityContext?.appArmorProfile) {
      const pod = spec.securityContext?.appArmorProfile;
      if (!pod || !semanticEqual(pod, profileOf(wanted)))
        warnings.push(`${prefix}metadata.annotations[${armor}]: ${appArmorDeprecated}`);
    }
    for (const resource of ['memory', 'ephemeral-storage'])
      for (const list of ['limits', 'requests'] as const)
        warnings.push(
          ...fractionWarnings(
            `${at}.resources.${list}[${resource}]`,
            resources?.[list]?.[resource],
          ),
        );
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
  const annotations = metadata?.annotations ?? {};
  const warnings = schedulingWarnings(path, spec);
  for (const [key, message] of Object.entries(deprecatedAnnotations)) {
    if (key in annotations) {
      warnings.push(`${prefix}metadata.annotations[${key}]: ${message}`);
    }
  }
  warnings.push(
    ...volumeWarnings(`${path}.volumes`, spec.volumes ?? []),
    ...duplicates(
      `${path}.hostAliases`,
      spec.hostAliases?.map(({ ip = '' }) => ip),
      'ip',
    ),
    ...duplicates(
      `${path}.imagePullSecrets`,
      spec.imagePullSecrets?.map(({ name = '' }) => name),
      'name',
    ),
  );
  spec.imagePullSecrets?.forEach(({ name }, index) => {
    if (!name) warnings.push(`${path}.imagePullSecrets[${index}].name: invalid empty name ""`);
  });
  for (const resource of ['memory', 'ephemeral-storage'])
    warnings.push(...fractionWarnings(`${path}.overhead[${resource}]`, spec.overhead?.[resource]));
  if (!spec.securityContext?.seccompProfile && seccompPodKey in annotations)
    warnings.push(`${prefix}metadata.annotations[${seccompPodKey}]: ${seccomp}`);
  warnings.push(...containerWarnings(prefix, spec, annotations), ...portWarnings(path, spec));
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) {
    warnings.push(
      `${path}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`,
    );
  }
  warnings.push(
    ...affinityWarnings(`${path}.affinity.podAffinity`, spec.affinity?.podAffinity),
    ...affinityWarnings(`${path}.affinity.podAntiAffinity`, spec.affinity?.podAntiAffinity),
    ...(spec.dnsConfig?.nameservers ?? []).flatMap((address, index) =>
      addressWarnings(`${path}.dnsConfig.nameservers[${index}]`, address),
    ),
    ...(spec.hostAliases ?? []).flatMap(({ ip = '' }, index) =>
      addressWarnings(`${path}.hostAliases[${index}].ip`, ip),
    ),
  );
  return warnings;
}

function hostnameWarnings(of: string, name: string | undefined): string[] {
  const problems = isDns1123Label(name ?? '');
  return problems.length > 0
    ? [
        `metadata.name: this is used in ${of}, which can result in surprising behavior; a DNS label is recommended: [${problems.join(' ')}]`,
      ]
    : [];
}

/** Warnings on a pod being created; @see pkg/api/pod/warnings.go. */
export function podWarnings(pod: Pod): string[] {
  return [...hostnameWarnings("the Pod's hostname", pod.metadata.name), ...specWarnings('', pod)];
}

/** A workload whose pods are named after it says so when it is created. */
export function workloadNameWarnings(name: string | undefined): string[] {
  return hostnameWarnings('Pod names and hostnames', name);
}

/** Warnings on the template of a workload. */
export function templateWarnings(path: string, template: PodTemplate | undefined): string[] {
  return template ? specWarnings(`${path}.`, template) : [];
}
