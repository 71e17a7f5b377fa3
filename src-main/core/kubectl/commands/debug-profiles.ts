import { CommandError } from '../errors.ts';
import { ensureMap, isJson, type Json, list, map, text } from '../json-view.ts';

/** How a debugging container comes about. */
export type DebugStyle = 'ephemeral' | 'copy' | 'node';

/** Which parts of the pod a copy keeps. */
export interface KeptParts {
  readonly labels: boolean;
  readonly annotations: boolean;
  readonly liveness: boolean;
  readonly readiness: boolean;
  readonly startup: boolean;
  readonly initContainers: boolean;
}

const names = ['legacy', 'general', 'baseline', 'restricted', 'netadmin', 'sysadmin'] as const;
type Profile = (typeof names)[number];

/** @throws CommandError there is no profile of that name. */
export function profileNamed(name: string): Profile {
  const found = names.find((each) => each === name);
  if (!found) throw new CommandError(`unknown profile: ${name}`);
  return found;
}

/**
 * Gives a debugging container, and its pod, the rights of a profile. Changes `pod`.
 * @see k8s.io/kubectl/pkg/cmd/debug/profiles.go
 */
export function applyProfile(
  profile: Profile,
  style: DebugStyle,
  pod: Json,
  container: string,
  keep: KeptParts,
): void {
  const spec = ensureMap(pod, 'spec');
  const target = containerNamed(spec, container);
  if (profile === 'baseline' || profile === 'restricted') delete target['securityContext'];
  switch (profile) {
    case 'legacy':
    case 'baseline':
      break;
    case 'general':
      if (style === 'node') delete target['securityContext'];
      else addCapabilities(target, 'SYS_PTRACE');
      break;
    case 'restricted':
      Object.assign(ensureMap(target, 'securityContext'), {
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      break;
    case 'netadmin':
      addCapabilities(target, 'NET_ADMIN', 'NET_RAW');
      break;
    case 'sysadmin':
      ensureMap(target, 'securityContext')['privileged'] = true;
  }
  if (style === 'node') {
    if (['legacy', 'general', 'sysadmin'].includes(profile)) mountHost(spec, target);
    if (profile !== 'baseline' && profile !== 'restricted')
      Object.assign(spec, { hostIPC: true, hostNetwork: true, hostPID: true });
  }
  if (style === 'copy') trimCopy(profile, pod, spec, keep);
}

function trimCopy(profile: Profile, pod: Json, spec: Json, keep: KeptParts): void {
  const metadata = map(pod, 'metadata');
  if (profile === 'legacy') {
    delete metadata['labels'];
    return;
  }
  if (!keep.labels) delete metadata['labels'];
  if (!keep.annotations) delete metadata['annotations'];
  for (const container of list(spec, 'containers').filter(isJson)) {
    if (!keep.liveness) delete container['livenessProbe'];
    if (!keep.readiness) delete container['readinessProbe'];
    if (!keep.startup) delete container['startupProbe'];
  }
  if (!keep.initContainers) delete spec['initContainers'];
  spec['shareProcessNamespace'] ??= true;
}

function containerNamed(spec: Json, name: string): Json {
  const all = [
    ...list(spec, 'initContainers'),
    ...list(spec, 'containers'),
    ...list(spec, 'ephemeralContainers'),
  ];
  return all.filter(isJson).find((each) => text(each, 'name') === name) ?? {};
}

function addCapabilities(container: Json, ...added: readonly string[]): void {
  const capabilities = ensureMap(container, 'securityContext', 'capabilities');
  capabilities['add'] = [...list(capabilities, 'add'), ...added];
}

function mountHost(spec: Json, container: Json): void {
  const volumes = list(spec, 'volumes');
  spec['volumes'] = [...volumes, { hostPath: { path: '/' }, name: 'host-root' }];
  const mounts = list(container, 'volumeMounts');
  container['volumeMounts'] = [...mounts, { mountPath: '/host', name: 'host-root' }];
}
