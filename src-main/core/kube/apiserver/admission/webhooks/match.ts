import type { DeepReadonly } from '#core/base';
import type { ResourceInfo } from '../../../apis/index.ts';
import type { KubeObject } from '../../../machinery/index.ts';
import {
  at,
  isMap,
  type JsonMap,
  mapsOf,
  matchesLabelSelector,
  textMapOf,
  textOf,
  textsOf,
} from '../../fields/index.ts';
import type { AdmissionRequest, ServerState } from '../../types.ts';

const policyKinds = new Set([
  'validatingwebhookconfigurations',
  'mutatingwebhookconfigurations',
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
  'mutatingadmissionpolicies',
  'mutatingadmissionpolicybindings',
]);

/** Configuration of admission itself is never put before webhooks or policies: one could not get rid of them. */
export function isExempt({ resource }: AdmissionRequest): boolean {
  return resource.group === 'admissionregistration.k8s.io' && policyKinds.has(resource.resource);
}

/**
 * The resource by which rules are about the request: its own, or one that serves the same objects.
 * @param equivalent `matchPolicy: Equivalent`: other versions of the resource count, too.
 * @returns undefined when no rule is about it.
 * @see k8s.io/apiserver/pkg/admission/plugin/webhook/generic/webhook.go, ShouldCallHook
 */
export function matchedResource(
  rules: readonly JsonMap[],
  request: AdmissionRequest,
  equivalent: boolean,
): ResourceInfo | undefined {
  if (rules.some((rule) => isAbout(rule, request, request.resource))) return request.resource;
  if (!equivalent || !request.versions) return undefined;
  const others = request.versions.others();
  if (others.length === 0) return undefined;
  for (const rule of rules)
    for (const other of others) if (isAbout(rule, request, other)) return other;
  return undefined;
}

/** @see k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/rules/rules.go */
function isAbout(rule: JsonMap, request: AdmissionRequest, asked: ResourceInfo): boolean {
  const { group, version, resource } = asked;
  const has = (list: unknown, value: string): boolean => {
    const items = textsOf(list);
    return items.includes('*') || items.includes(value);
  };
  const scope = textOf(rule['scope']);
  const isNamespace = group === '' && resource === 'namespaces';
  const clusterScoped = isNamespace || request.namespace === '';
  if (scope === 'Namespaced' && clusterScoped) return false;
  if (scope === 'Cluster' && !clusterScoped) return false;
  if (!has(rule['operations'], request.operation)) return false;
  if (!has(rule['apiGroups'], group)) return false;
  if (!has(rule['apiVersions'], version)) return false;
  const named = textsOf(rule['resources']).some((each) => {
    const [name = '', subresource = ''] = each.split('/');
    return (
      (name === '*' || name === resource) &&
      (subresource === '*' || subresource === request.subresource)
    );
  });
  const names = textsOf(rule['resourceNames']);
  return named && (names.length === 0 || names.includes(request.name));
}

/** Whether the labels of the request's namespace and objects are selected. */
export function matchesSelectors(
  state: ServerState,
  holder: unknown,
  request: AdmissionRequest,
): boolean {
  const namespaceSelector = at(holder, 'namespaceSelector');
  if (isMap(namespaceSelector) && Object.keys(namespaceSelector).length > 0) {
    const labels = namespaceLabels(state, request);
    if (labels && !matchesLabelSelector(namespaceSelector, labels)) return false;
  }
  const objectSelector = at(holder, 'objectSelector');
  if (!isMap(objectSelector) || Object.keys(objectSelector).length === 0) return true;
  return [request.object, request.oldObject].some(
    (object) =>
      object !== null &&
      matchesLabelSelector(objectSelector, textMapOf(at(object, 'metadata', 'labels'))),
  );
}

function namespaceLabels(
  state: ServerState,
  request: AdmissionRequest,
): Readonly<Record<string, string>> | undefined {
  const { group, resource } = request.resource;
  if (group === '' && resource === 'namespaces') {
    const own: DeepReadonly<KubeObject> | null = request.object ?? request.oldObject;
    return textMapOf(at(own, 'metadata', 'labels'));
  }
  if (request.namespace === '') return undefined;
  return textMapOf(at(state.get('', 'namespaces', '', request.namespace), 'metadata', 'labels'));
}

/**
 * `resourceRules` less `excludeResourceRules`, and the selectors of a policy's `matchConstraints`.
 * @returns the resource by which they are about the request; undefined when they are not.
 */
export function matchesResources(
  state: ServerState,
  matchResources: unknown,
  request: AdmissionRequest,
): ResourceInfo | undefined {
  if (!isMap(matchResources)) return request.resource;
  const equivalent = textOf(matchResources['matchPolicy']) !== 'Exact';
  const excluded = mapsOf(matchResources['excludeResourceRules']);
  if (matchedResource(excluded, request, equivalent)) return undefined;
  const rules = mapsOf(matchResources['resourceRules']);
  const matched =
    rules.length === 0 ? request.resource : matchedResource(rules, request, equivalent);
  return matched && matchesSelectors(state, matchResources, request) ? matched : undefined;
}
