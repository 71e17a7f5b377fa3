import { CommandError } from '../errors.ts';
import { formatYaml } from '#core/kube';
import { isJson, list, map, nameOf, namespaceOf, text } from '../json-view.ts';
import { type FieldSpec, type Place, visitField } from './field-path.ts';
import { type NameReference, nameReferences } from './field-specs.ts';
import { currentId, originalId, previousIds, type Resource, type Resources } from './resource.ts';
import {
  effectiveNamespace,
  formatId,
  type Gvk,
  isClusterScoped,
  isSelected,
} from './resource-id.ts';

/**
 * Follows names that have changed: whoever holds an object's former name gets its present one.
 * @throws CommandError several objects of that former name could be meant.
 * @see sigs.k8s.io/kustomize/api/filters/nameref
 */
export function fixReferences(resources: Resources): void {
  for (const { target, fields } of nameReferences)
    for (const field of fields)
      for (const referrer of resources)
        if (isSelected(originalId(referrer), field))
          fixField(referrer, target, { path: field.path }, reachable(resources, referrer));
}

/** What may be referred to: the same namespace, what has none, and accounts of a binding's subjects. */
function reachable(resources: Resources, referrer: Resource): Resources {
  const own = currentId(referrer);
  if (isClusterScoped(own)) return resources;
  const others = new Set(
    own.kind === 'RoleBinding'
      ? list(referrer.object, 'subjects')
          .filter((subject) => text(subject, 'kind') === 'ServiceAccount')
          .map((subject) => text(subject, 'namespace'))
      : [],
  );
  return resources.filter((resource) => {
    const id = currentId(resource);
    return (
      isClusterScoped(id) ||
      effectiveNamespace(id) === effectiveNamespace(own) ||
      others.has(id.namespace)
    );
  });
}

function fixField(
  referrer: Resource,
  target: NameReference['target'],
  field: FieldSpec,
  candidates: Resources,
): void {
  const fixName = (place: Place): void => {
    const name = String(place.value);
    const found = selectReferral(referrer, target, field, name, candidates, false);
    if (found) place.set(nameOf(found.object));
  };
  const fix = (place: Place): void => {
    const { value } = place;
    if (Array.isArray(value)) {
      const items = value as unknown[];
      items.forEach((item, index) => {
        fix({ value: item, set: (next) => void (items[index] = next) });
      });
    } else if (isJson(value)) {
      if (!('name' in value))
        throw new CommandError(
          `updating name reference in '${field.path}' field of '${formatId(currentId(referrer))}': considering field '${field.path}' of object ${formatId(currentId(referrer))}: path config error; no 'name' field in node`,
        );
      const among =
        'namespace' in value ? inNamespace(candidates, text(value, 'namespace')) : candidates;
      const found = selectReferral(referrer, target, field, text(value, 'name'), among, true);
      if (!found) return;
      value['name'] = nameOf(found.object);
      const namespace = namespaceOf(found.object);
      if (namespace !== '') value['namespace'] = namespace;
    } else if (value !== null && value !== undefined) fixName(place);
  };
  visitField(referrer.object, field, 'none', fix);
}

function inNamespace(candidates: Resources, namespace: string): Resources {
  const inIt = (id: Parameters<typeof effectiveNamespace>[0]): boolean =>
    !isClusterScoped(id) && effectiveNamespace(id) === namespace;
  const before = candidates.filter((resource) => inIt(originalId(resource)));
  return before.length > 0 ? before : candidates.filter((resource) => inIt(currentId(resource)));
}

function selectReferral(
  referrer: Resource,
  target: NameReference['target'],
  field: FieldSpec,
  name: string,
  candidates: Resources,
  withNamespace: boolean,
): Resource | undefined {
  const own = currentId(referrer);
  const role = roleRefOf(referrer, field);
  let found = candidates.filter((resource) => {
    const ids = previousIds(resource);
    const id = currentId(resource);
    return (
      ids.some((each) => each.name === name) &&
      ids.some((each) => isSelected(each, target)) &&
      (!role || ids.some((each) => isSelected(each, role))) &&
      (isClusterScoped(own) ||
        isClusterScoped(id) ||
        id.kind === 'ServiceAccount' ||
        effectiveNamespace(own) === effectiveNamespace(id))
    );
  });
  if (found.length === 1) return found[0];
  found = found.filter((resource) => sameAffixes(resource, referrer, true));
  if (found.length > 1) found = found.filter((resource) => sameAffixes(resource, referrer, false));
  const [first] = found;
  if (!first || found.length === 1) return first;
  const key = ({ object }: Resource): string =>
    withNamespace ? `${namespaceOf(object)}/${nameOf(object)}` : nameOf(object);
  if (found.every((resource) => key(resource) === key(first))) return first;
  throw new CommandError(
    `updating name reference in '${field.path}' field of '${formatId(own)}': considering field '${field.path}' of object ${formatId(own)}: found multiple possible referrals: ${found.map((each) => formatId(currentId(each))).join(', ')}\n\n**** Too many possible referral targets to referrer:\n${formatYaml(referrer.object)}\n${found.map((each, index) => `--- possible referral ${index}:\n${formatYaml(each.object)}\n`).join('')}`,
  );
}

function roleRefOf(referrer: Resource, field: FieldSpec): Partial<Gvk> | undefined {
  if (!field.path.endsWith('roleRef/name')) return undefined;
  const role = map(referrer.object, 'roleRef');
  const [group, kind] = [text(role, 'apiGroup'), text(role, 'kind')];
  return 'apiGroup' in role && 'kind' in role ? { group, kind } : undefined;
}

/** Whether two resources got their prefixes and suffixes in the same overlays. */
function sameAffixes(a: Resource, b: Resource, emptyMatches: boolean): boolean {
  const same = (x: readonly string[], y: readonly string[]): boolean => {
    if (emptyMatches && (x.length === 0 || y.length === 0)) return true;
    const [short, long] = x.length < y.length ? [x, y] : [y, x];
    if (short.length === 0) return long.length === 0;
    return short.every((each, index) => each === long[long.length - short.length + index]);
  };
  return same(a.prefixes, b.prefixes) && same(a.suffixes, b.suffixes);
}
