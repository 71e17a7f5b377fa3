import type { ObjectMeta } from '../../../machinery/index.ts';
import { Printed, type FieldErrors } from '../../validation/field.ts';
import {
  dnsLabel,
  dnsSubdomain,
  qualifiedName,
  sortedEntries,
  validateAnnotations,
  validateLabels,
} from '../../validation/meta.ts';
import {
  inRange,
  isDns1123Subdomain,
  isDns1123SubdomainWithUnderscore,
  isId,
  isIp,
} from '../../validation/names.ts';
import { canonicalQuantity, compareQuantities, quantityNanos } from '../../validation/quantity.ts';
import { validateRequirements } from '../../validation/resources.ts';
import { validatePodAnnotations, validateProfilesMatch } from './pod-annotations.ts';
import {
  validateAppArmorProfile,
  validateContainers,
  validateSeccompProfile,
} from './pod-containers.ts';
import { containersOf, podClaimNames, type PodSpec, type PodTemplate } from './pod-types.ts';
import { validateAffinity, validateSpread, validateTolerations } from './pod-scheduling.ts';
import { validateVolumes } from './pod-volumes.ts';
import { validateHostProcess, validateOs, validateWindowsOptions } from './pod-os.ts';

function validateSecurity(errors: FieldErrors, path: string, spec: PodSpec): void {
  const context = spec.securityContext;
  if (!context) return;
  for (const field of ['fsGroup', 'runAsUser', 'runAsGroup'] as const) {
    const id = context[field];
    if (id !== undefined) errors.invalidEach(`${path}.${field}`, id, isId(id));
  }
  context.supplementalGroups?.forEach((id, index) => {
    errors.invalidEach(`${path}.supplementalGroups[${index}]`, id, isId(id));
  });
  if (spec.shareProcessNamespace && spec.hostPID) {
    errors.invalid(
      `${path}.shareProcessNamespace`,
      true,
      'ShareProcessNamespace and HostPID cannot both be enabled',
    );
  }
  const segment = '[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
  const format = `(${segment}[\\./])*${segment}`;
  const names = new Set<string>();
  context.sysctls?.forEach(({ name = '' }, index) => {
    const at = `${path}.sysctls[${index}].name`;
    if (name === '') errors.required(at);
    else if (name.length > 253 || !new RegExp(`^${format}$`).test(name)) {
      errors.invalid(at, name, `must have at most 253 characters and match regex ^${format}$`);
    } else if (names.has(name)) errors.duplicate(at, name);
    names.add(name);
    if (spec.hostNetwork && name.startsWith('net.')) {
      errors.invalid(at, name, "may not be specified when 'hostNetwork' is true");
    } else if (spec.hostIPC && /^(kernel\.(shm|msg|sem)|fs\.mqueue\.)/.test(name)) {
      errors.invalid(at, name, "may not be specified when 'hostIPC' is true");
    }
  });
  const oneOf = (field: string, value: string | undefined, allowed: readonly string[]): void => {
    if (value !== undefined && !allowed.includes(value)) {
      errors.notSupported(`${path}.${field}`, value, allowed);
    }
  };
  oneOf('fsGroupChangePolicy', context.fsGroupChangePolicy, ['Always', 'OnRootMismatch']);
  validateSeccompProfile(errors, `${path}.seccompProfile`, context.seccompProfile);
  validateWindowsOptions(errors, `${path}.windowsOptions`, context.windowsOptions);
  validateAppArmorProfile(errors, `${path}.appArmorProfile`, context.appArmorProfile);
  oneOf('supplementalGroupsPolicy', context.supplementalGroupsPolicy, ['Merge', 'Strict']);
  // The other policy is behind a feature that is off in v1.36.
  oneOf('seLinuxChangePolicy', context.seLinuxChangePolicy, ['Recursive']);
}

function validateDns(errors: FieldErrors, path: string, spec: PodSpec): void {
  const config = spec.dnsConfig;
  const servers = config?.nameservers ?? [];
  const searches = config?.searches ?? [];
  if (spec.dnsPolicy === 'None') {
    if (!config) {
      errors.required(path, 'must provide `dnsConfig` when `dnsPolicy` is None');
      return;
    }
    if (servers.length === 0) {
      errors.required(
        `${path}.nameservers`,
        'must provide at least one DNS nameserver when `dnsPolicy` is None',
      );
      return;
    }
  }
  if (servers.length > 3) {
    errors.invalid(`${path}.nameservers`, servers, 'must not have more than 3 nameservers');
  }
  servers.forEach((server, index) => {
    errors.invalidEach(`${path}.nameservers[${index}]`, server, isIp(server));
  });
  if (searches.length > 32) {
    errors.invalid(`${path}.searches`, searches, 'must not have more than 32 search paths');
  }
  if (searches.join(' ').length > 2048) {
    errors.invalid(
      `${path}.searches`,
      searches,
      'must not have more than 2048 characters (including spaces) in the search list',
    );
  }
  searches.forEach((search, index) => {
    if (search === '.') return;
    const name = search.replace(/\.$/, '');
    errors.invalidEach(`${path}.searches[${index}]`, name, isDns1123SubdomainWithUnderscore(name));
  });
  config?.options?.forEach(({ name }, index) => {
    if (!name) errors.required(`${path}.options[${index}]`, 'must not be empty');
  });
}

function validateHostNetworkPorts(
  errors: FieldErrors,
  path: string,
  spec: PodSpec,
  isPod: boolean,
): void {
  if (!spec.hostNetwork) return;
  spec.containers?.forEach((container, index) => {
    container.ports?.forEach(({ hostPort = 0, containerPort = 0 }, i) => {
      if ((isPod || hostPort !== 0) && hostPort !== containerPort) {
        errors.invalid(
          `${path}.containers[${index}].ports[${i}].hostPort`,
          hostPort,
          'must match `containerPort` when `hostNetwork` is true',
        );
      }
    });
  });
}

function validatePodResources(errors: FieldErrors, path: string, spec: PodSpec): void {
  const own = spec.resources;
  if (!own) return;
  const at = `${path}.resources`;
  if (own.claims) {
    errors.forbidden(`${at}.claims`, 'claims may not be set for Resources at pod-level');
  }
  validateRequirements(errors, at, own, 'pod', podClaimNames(spec));
  const sums = new Map<string, bigint>();
  for (const { resources } of spec.containers ?? []) {
    for (const [name, amount] of Object.entries(resources?.requests ?? {})) {
      sums.set(name, (sums.get(name) ?? 0n) + (quantityNanos(amount) ?? 0n));
    }
  }
  for (const [name, sum] of sums) {
    const request = own.requests?.[name];
    if (request !== undefined && sum > (quantityNanos(request) ?? 0n)) {
      errors.invalid(
        `${at}.requests[${name}]`,
        canonicalQuantity(request),
        `must be greater than or equal to aggregate container requests of ${canonicalQuantity(`${sum / 1_000_000n}m`)}`,
      );
    }
  }
  spec.containers?.forEach(({ resources }, index) => {
    for (const [name, limit] of sortedEntries(resources?.limits)) {
      const podLimit = own.limits?.[name];
      if (podLimit !== undefined && compareQuantities(limit, podLimit) > 0) {
        errors.invalid(
          `${at}.containers[${index}][${name}].limits`,
          canonicalQuantity(limit),
          `must be less than or equal to pod limits of ${canonicalQuantity(podLimit)}`,
        );
      }
    }
  });
}

/** @see validatePodResourceClaims */
function validatePodClaims(
  errors: FieldErrors,
  path: string,
  spec: PodSpec,
  pod: ObjectMeta | undefined,
): void {
  const seen = new Set<string>();
  const quote = (name: string | undefined): string => JSON.stringify(name ?? null);
  spec.resourceClaims?.forEach((claim, index) => {
    if (pod?.annotations?.['kubernetes.io/config.mirror'] !== undefined) {
      errors.forbidden('', 'static pods do not support resource claims');
      return;
    }
    const at = `${path}[${index}]`;
    const { name = '', resourceClaimName: own, resourceClaimTemplateName: template } = claim;
    if (name === '') errors.required(`${at}.name`);
    else if (seen.has(name)) errors.duplicate(`${at}.name`, name);
    else {
      dnsLabel(errors, `${at}.name`, name);
      seen.add(name);
    }
    const printed = new Printed(
      `{"Name":${quote(name)},"ResourceClaimName":${quote(own)},"ResourceClaimTemplateName":${quote(template)}}`,
    );
    if (own !== undefined && template !== undefined) {
      errors.invalid(
        at,
        printed,
        'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified',
      );
    } else if (own === undefined && template === undefined) {
      errors.invalid(
        at,
        printed,
        'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`',
      );
    }
    if (own !== undefined) dnsSubdomain(errors, `${at}.resourceClaimName`, own);
    if (template !== undefined) dnsSubdomain(errors, `${at}.resourceClaimTemplateName`, template);
  });
}

function validateHostUsers(errors: FieldErrors, path: string, spec: PodSpec): void {
  if (spec.hostUsers !== false) return;
  const when = 'when `hostUsers` is false';
  if (spec.hostNetwork) errors.forbidden(`${path}.hostNetwork`, when);
  if (spec.hostPID) errors.forbidden(`${path}.HostPID`, when);
  if (spec.hostIPC) errors.forbidden(`${path}.HostIPC`, when);
  for (const { container, path: at } of containersOf(spec, path)) {
    if ((container.volumeDevices ?? []).length > 0) errors.forbidden(`${at}.volumeDevices`, when);
  }
}

function validateNames(errors: FieldErrors, path: string, spec: PodSpec): void {
  if (spec.hostnameOverride !== undefined) {
    const at = `${path}.hostnameOverride`;
    if (spec.setHostnameAsFQDN) {
      errors.forbidden(at, 'may not be specified when setHostnameAsFQDN is true');
    }
    if (spec.hostNetwork) errors.forbidden(at, 'may not be specified when hostNetwork is true');
    if (spec.hostnameOverride.length > 64) errors.tooLong(at, 64);
    dnsSubdomain(errors, at, spec.hostnameOverride);
  }
  if (spec.serviceAccountName) {
    dnsSubdomain(errors, `${path}.serviceAccountName`, spec.serviceAccountName);
  }
  if (spec.nodeName) dnsSubdomain(errors, `${path}.nodeName`, spec.nodeName);
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined) {
    errors.invalidEach(
      `${path}.activeDeadlineSeconds`,
      deadline,
      inRange(deadline, 1, 2_147_483_647),
    );
  }
  if (spec.hostname) dnsLabel(errors, `${path}.hostname`, spec.hostname);
  if (spec.subdomain) dnsLabel(errors, `${path}.subdomain`, spec.subdomain);
}

/**
 * Checks a pod's spec; `pod` is its metadata in a pod, nothing in a template.
 * @see pkg/apis/core/validation/validation.go, ValidatePodSpec
 */
export function validatePodSpec(
  errors: FieldErrors,
  path: string,
  spec: PodSpec,
  pod: ObjectMeta | undefined,
): void {
  const isPod = pod !== undefined;
  if (spec.terminationGracePeriodSeconds === undefined) {
    errors.required(`${path}.terminationGracePeriodSeconds`);
  }
  const volumes = validateVolumes(errors, `${path}.volumes`, spec, pod?.name, isPod);
  validatePodClaims(errors, `${path}.resourceClaims`, spec, pod);
  validateContainers(errors, path, spec, volumes);
  validatePodResources(errors, path, spec);
  validateHostNetworkPorts(errors, path, spec, isPod);
  const restart = spec.restartPolicy ?? '';
  if (restart === '') errors.required(`${path}.restartPolicy`);
  else if (!['Always', 'OnFailure', 'Never'].includes(restart)) {
    errors.notSupported(`${path}.restartPolicy`, restart, ['Always', 'OnFailure', 'Never']);
  }
  const dns = spec.dnsPolicy ?? '';
  const dnsPolicies = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];
  if (dns === '') errors.required(`${path}.dnsPolicy`);
  else if (!dnsPolicies.includes(dns)) errors.notSupported(`${path}.dnsPolicy`, dns, dnsPolicies);
  validateLabels(errors, `${path}.nodeSelector`, spec.nodeSelector);
  validateSecurity(errors, `${path}.securityContext`, spec);
  validateAffinity(errors, `${path}.affinity`, spec);
  validateDns(errors, `${path}.dnsConfig`, spec);
  spec.readinessGates?.forEach(({ conditionType = '' }, index) => {
    qualifiedName(errors, `${path}.readinessGates[${index}].conditionType`, conditionType);
  });
  const gates = new Set<string>();
  spec.schedulingGates?.forEach(({ name = '' }, index) => {
    qualifiedName(errors, `${path}.schedulingGates[${index}]`, name);
    if (gates.has(name)) errors.duplicate(`${path}.schedulingGates[${index}]`, name);
    gates.add(name);
  });
  validateSpread(errors, `${path}.topologySpreadConstraints`, spec.topologySpreadConstraints ?? []);
  validateHostProcess(errors, path, spec);
  validateHostUsers(errors, path, spec);
  validateNames(errors, path, spec);
  validateTolerations(errors, `${path}.tolerations`, spec.tolerations ?? []);
  spec.hostAliases?.forEach(({ ip = '', hostnames = [] }, index) => {
    const at = `${path}.hostAliases[${index}]`;
    errors.invalidEach(`${at}.ip`, ip, isIp(ip));
    hostnames.forEach((name, i) => {
      dnsSubdomain(errors, `${at}.hostnames[${i}]`, name);
    });
  });
  if (spec.priorityClassName) {
    dnsSubdomain(errors, `${path}.priorityClassName`, spec.priorityClassName);
  }
  if (spec.runtimeClassName !== undefined) {
    const name = spec.runtimeClassName;
    errors.invalidEach(`${path}.runtimeClassName`, name, isDns1123Subdomain(name));
  }
  const preemption = spec.preemptionPolicy;
  if (preemption === '') errors.required(`${path}.preemptionPolicy`);
  else if (preemption && !['PreemptLowerPriority', 'Never'].includes(preemption)) {
    errors.notSupported(`${path}.preemptionPolicy`, preemption, ['PreemptLowerPriority', 'Never']);
  }
  validateRequirements(
    errors,
    `${path}.overhead`,
    { limits: spec.overhead ?? {} },
    'container',
    [],
  );
  validateOs(errors, path, spec);
  validateFileKeys(errors, path, spec);
}

function validateFileKeys(errors: FieldErrors, path: string, spec: PodSpec): void {
  for (const { container, path: at } of containersOf(spec, path)) {
    container.env?.forEach(({ valueFrom }, index) => {
      const name = valueFrom?.fileKeyRef?.volumeName;
      if (valueFrom?.fileKeyRef === undefined) return;
      const where = `${at}.env[${index}].valueFrom.fileKeyRef.volumeName`;
      const volume = spec.volumes?.find((candidate) => candidate.name === name);
      if (!volume) errors.notFound(where, name ?? '');
      else if (!volume.emptyDir) {
        errors.invalid(where, name ?? '', 'referenced volume must be of type emptyDir');
      }
    });
  }
}

/** A pod template; upstream's path of its labels has no `metadata` in it. */
export function validatePodTemplate(
  errors: FieldErrors,
  path: string,
  template: PodTemplate,
): void {
  validateLabels(errors, `${path}.labels`, template.metadata?.labels);
  validateAnnotations(errors, `${path}.annotations`, template.metadata?.annotations);
  const annotations = template.metadata?.annotations ?? {};
  validatePodAnnotations(errors, `${path}.annotations`, annotations, template.spec ?? {});
  validatePodSpec(errors, `${path}.spec`, template.spec ?? {}, undefined);
  validateProfilesMatch(errors, `${path}.spec`, annotations, template.spec ?? {});
  if ((template.spec?.ephemeralContainers ?? []).length > 0) {
    errors.forbidden(
      `${path}.spec.ephemeralContainers`,
      'ephemeral containers not allowed in pod template',
    );
  }
}
