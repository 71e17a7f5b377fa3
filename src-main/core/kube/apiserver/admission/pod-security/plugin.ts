import { byBytes, jsonEqual } from '#core/base';
import { internalError, invalid } from '../../../machinery/index.ts';
import { at, isMap, mapsOf, textAt, textMapOf, textOf } from '../../fields/index.ts';
import type { AdmissionPlugin, AdmissionRequest, ServerState } from '../../types.ts';
import { forbid } from '../attributes.ts';
import { evaluatePod } from './checks.ts';
import { compareLevels, formatLevel, type LevelVersion, policyOfLabels } from './levels.ts';
import { podView, reasonsText, violationsText } from './pod-view.ts';

const maxPodsToCheck = 3000;
const ignoredSubresources = new Set(
  'exec attach binding eviction log portforward proxy status'.split(' '),
);
const templates: Readonly<Record<string, readonly string[]>> = {
  podtemplates: ['template'],
  replicationcontrollers: ['spec', 'template'],
  'deployments.apps': ['spec', 'template'],
  'replicasets.apps': ['spec', 'template'],
  'statefulsets.apps': ['spec', 'template'],
  'daemonsets.apps': ['spec', 'template'],
  'jobs.batch': ['spec', 'template'],
  'cronjobs.batch': ['spec', 'jobTemplate', 'spec', 'template'],
};

/** @see k8s.io/pod-security-admission/admission/admission.go */
export function podSecurity(state: ServerState): AdmissionPlugin {
  return {
    name: 'PodSecurity',
    validate(request) {
      if (request.operation !== 'CREATE' && request.operation !== 'UPDATE') return;
      if (!request.object) return;
      const { group, resource } = request.resource;
      const name = group === '' ? resource : `${resource}.${group}`;
      if (name === 'namespaces') checkNamespace(state, request);
      else if (name === 'pods') checkPod(state, request);
      else {
        const path = templates[name];
        if (path !== undefined) checkTemplate(state, request, path);
      }
    },
  };
}

const labelsOf = (object: unknown): Readonly<Record<string, string>> =>
  textMapOf(at(object, 'metadata', 'labels'));

function checkNamespace(state: ServerState, request: AdmissionRequest): void {
  if (request.subresource !== '') return;
  const name = textAt(request.object, 'metadata', 'name');
  const { policy, errors } = policyOfLabels(labelsOf(request.object));
  const old =
    request.operation === 'UPDATE' ? policyOfLabels(labelsOf(request.oldObject)) : undefined;
  if (errors.length > 0 && !(old && jsonEqual(old.errors, errors)))
    throw invalid({ group: '', kind: 'Namespace' }, name, errors);
  if (!old) return;
  const before = old.policy.enforce;
  const now = policy.enforce;
  if (now.level === 'privileged') return;
  if (now.minor === before.minor && compareLevels(now.level, before.level) <= 0) return;
  for (const warning of podWarnings(state, name, now)) request.warn(warning);
}

/** One warning for each kind of violation among the pods a new level would refuse. */
function podWarnings(state: ServerState, namespace: string, enforce: LevelVersion): string[] {
  const first: unknown[] = [];
  const repeated: unknown[] = [];
  const controllers = new Set<string>();
  for (const pod of state.list('', 'pods', namespace)) {
    const owner = mapsOf(at(pod, 'metadata', 'ownerReferences')).find(
      (o) => o['controller'] === true,
    );
    const uid = textOf(owner?.['uid']);
    if (uid !== '' && controllers.has(uid)) repeated.push(pod);
    else first.push(pod);
    if (uid !== '') controllers.add(uid);
  }
  const pods = [...first, ...repeated];
  const checked = pods.slice(0, maxPodsToCheck);
  const found = new Map<string, string[]>();
  for (const pod of checked) {
    const violations = evaluatePod(enforce, podView(pod));
    if (violations.length === 0) continue;
    const reasons = reasonsText(violations);
    const names = found.get(reasons) ?? [];
    names.push(textAt(pod, 'metadata', 'name'));
    found.set(reasons, names);
  }
  const details = [...found].map(([reasons, names]) => {
    const name = [...names].sort(byBytes)[0] ?? '';
    const others = names.length - 1;
    if (others === 0) return `${name}: ${reasons}`;
    return `${name} (and ${others} other ${others === 1 ? 'pod' : 'pods'}): ${reasons}`;
  });
  return [
    ...(checked.length < pods.length
      ? [
          `new PodSecurity enforce level only checked against the first ${checked.length} of ${pods.length} existing pods`,
        ]
      : []),
    ...(details.length > 0
      ? [
          `existing pods in namespace "${namespace}" violate the new PodSecurity enforce level "${formatLevel(enforce)}"`,
        ]
      : []),
    ...details.sort(byBytes),
  ];
}

function checkPod(state: ServerState, request: AdmissionRequest): void {
  if (ignoredSubresources.has(request.subresource)) return;
  const namespace = state.get('', 'namespaces', '', request.namespace);
  if (!namespace)
    throw internalError(new Error(`failed to lookup namespace "${request.namespace}"`));
  if (request.operation === 'UPDATE' && !isSignificantUpdate(request.object, request.oldObject))
    return;
  evaluate(request, labelsOf(namespace), request.object, true);
}

function checkTemplate(
  state: ServerState,
  request: AdmissionRequest,
  path: readonly string[],
): void {
  if (request.subresource !== '') return;
  const namespace = state.get('', 'namespaces', '', request.namespace);
  const template = at(request.object, ...path);
  if (namespace && isMap(template)) evaluate(request, labelsOf(namespace), template, false);
}

function evaluate(
  request: AdmissionRequest,
  labels: Readonly<Record<string, string>>,
  pod: unknown,
  enforced: boolean,
): void {
  const { policy, errors } = policyOfLabels(labels);
  const view = podView(pod);
  if (errors.length > 0)
    request.annotate(
      'pod-security.kubernetes.io/error',
      `Failed to parse policy: ${errors.map((each) => `${each.field ?? ''}: ${each.message ?? ''}`).join(', ')}`,
    );
  const violations = (mode: LevelVersion): string => violationsText(evaluatePod(mode, view));
  const audit = violations(policy.audit);
  if (audit !== '')
    request.annotate(
      'pod-security.kubernetes.io/audit-violations',
      `would violate PodSecurity "${formatLevel(policy.audit)}": ${audit}`,
    );
  if (enforced) {
    request.annotate('pod-security.kubernetes.io/enforce-policy', formatLevel(policy.enforce));
    const enforce = violations(policy.enforce);
    if (enforce !== '')
      throw forbid(request, `violates PodSecurity "${formatLevel(policy.enforce)}": ${enforce}`);
  }
  const warn = violations(policy.warn);
  if (warn !== '') request.warn(`would violate PodSecurity "${formatLevel(policy.warn)}": ${warn}`);
}

/** Whether containers came, went or changed their image. */
function isSignificantUpdate(pod: unknown, old: unknown): boolean {
  const images = (object: unknown, list: string): string[] =>
    mapsOf(at(object, 'spec', list)).map((container) => textOf(container['image']));
  if (
    ['containers', 'initContainers'].some(
      (list) => !jsonEqual(images(pod, list), images(old, list)),
    )
  )
    return true;
  const before = mapsOf(at(old, 'spec', 'ephemeralContainers'));
  return mapsOf(at(pod, 'spec', 'ephemeralContainers')).some((container) => {
    const same = before.find((other) => other['name'] === container['name']);
    return same?.['image'] !== container['image'];
  });
}
