import { byBytes, quotedList } from '#core/base';
import { mapsOf, textsOf } from '../fields/index.ts';
import type { Attributes } from '../types.ts';

/** @see k8s.io/api/rbac/v1, PolicyRule; absent lists are empty. */
export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
  readonly nonResourceURLs: readonly string[];
}

/** Reads the `rules` of a role. */
export function policyRulesOf(rules: unknown): PolicyRule[] {
  return mapsOf(rules).map((rule) => ({
    verbs: textsOf(rule['verbs']),
    apiGroups: textsOf(rule['apiGroups']),
    resources: textsOf(rule['resources']),
    resourceNames: textsOf(rule['resourceNames']),
    nonResourceURLs: textsOf(rule['nonResourceURLs']),
  }));
}

/** @see plugin/pkg/auth/authorizer/rbac/rbac.go, RuleAllows */
export function ruleAllows(rule: PolicyRule, attributes: Attributes): boolean {
  if (!rule.verbs.includes('*') && !rule.verbs.includes(attributes.verb)) return false;
  if (attributes.kind === 'non-resource')
    return rule.nonResourceURLs.some((url) => urlMatches(url, attributes.path));
  const { group, resource, subresource, name } = attributes;
  if (!rule.apiGroups.includes('*') && !rule.apiGroups.includes(group)) return false;
  const combined = subresource === '' ? resource : `${resource}/${subresource}`;
  const named = rule.resources.some(
    (each) =>
      each === '*' || each === combined || (subresource !== '' && each === `*/${subresource}`),
  );
  return named && (rule.resourceNames.length === 0 || rule.resourceNames.includes(name));
}

function urlMatches(ruleUrl: string, path: string): boolean {
  if (ruleUrl === '*' || ruleUrl === path) return true;
  return ruleUrl.endsWith('*') && path.startsWith(ruleUrl.replace(/\*+$/, ''));
}

/**
 * The parts of `wanted` that no rule of `held` grants, each with one verb, group, resource and name.
 * @see k8s.io/component-helpers/auth/rbac/validation/policy_comparator.go, Covers
 */
export function uncoveredRules(
  held: readonly PolicyRule[],
  wanted: readonly PolicyRule[],
): PolicyRule[] {
  return wanted.flatMap(breakDown).filter((part) => !held.some((rule) => ruleCovers(rule, part)));
}

function breakDown(rule: PolicyRule): PolicyRule[] {
  const parts: PolicyRule[] = [];
  const names = rule.resourceNames.length === 0 ? [[]] : rule.resourceNames.map((name) => [name]);
  for (const group of rule.apiGroups)
    for (const resource of rule.resources)
      for (const verb of rule.verbs)
        for (const resourceNames of names)
          parts.push({
            verbs: [verb],
            apiGroups: [group],
            resources: [resource],
            resourceNames,
            nonResourceURLs: [],
          });
  for (const url of rule.nonResourceURLs)
    for (const verb of rule.verbs)
      parts.push({
        verbs: [verb],
        apiGroups: [],
        resources: [],
        resourceNames: [],
        nonResourceURLs: [url],
      });
  return parts;
}

function ruleCovers(owner: PolicyRule, part: PolicyRule): boolean {
  const hasAll = (held: readonly string[], wanted: readonly string[]): boolean =>
    held.includes('*') || wanted.every((item) => held.includes(item));
  const resources = part.resources.every((resource) => {
    if (owner.resources.includes('*') || owner.resources.includes(resource)) return true;
    const slash = resource.indexOf('/');
    return slash >= 0 && owner.resources.includes(`*/${resource.slice(slash + 1)}`);
  });
  const names =
    part.resourceNames.length === 0
      ? owner.resourceNames.length === 0
      : owner.resourceNames.length === 0 ||
        part.resourceNames.every((name) => owner.resourceNames.includes(name));
  return (
    hasAll(owner.verbs, part.verbs) &&
    hasAll(owner.apiGroups, part.apiGroups) &&
    resources &&
    part.nonResourceURLs.every((url) =>
      owner.nonResourceURLs.some((own) => urlMatches(own, url)),
    ) &&
    names
  );
}

/**
 * Joins the verbs of parts that name the same single resource, then one line for each rule, sorted.
 * @see pkg/registry/rbac/validation/policy_compact.go and rbacv1helpers.CompactString
 */
export function describeRules(rules: readonly PolicyRule[]): string[] {
  const joined = new Map<string, PolicyRule>();
  for (const rule of rules) {
    const simple = rule.nonResourceURLs.length === 0 && rule.resourceNames.length <= 1;
    const key = simple
      ? JSON.stringify([rule.apiGroups, rule.resources, rule.resourceNames])
      : `#${joined.size}`;
    const known = joined.get(key);
    joined.set(key, known ? { ...known, verbs: [...known.verbs, ...rule.verbs] } : rule);
  }
  const part = (name: string, values: readonly string[]): string[] =>
    values.length === 0 ? [] : [`${name}:${quotedList(values)}`];
  const lines = [...joined.values()].map(
    (rule) =>
      `{${[
        ...part('APIGroups', rule.apiGroups),
        ...part('Resources', rule.resources),
        ...part('NonResourceURLs', rule.nonResourceURLs),
        ...part('ResourceNames', rule.resourceNames),
        ...part('Verbs', rule.verbs),
      ].join(', ')}}`,
  );
  return [...new Set(lines)].sort(byBytes);
}
