import { quoted } from '#core/base';
import { failure, notFound, type StatusError } from '../../machinery/index.ts';
import { aggregate, at, mapsOf, textAt, textOf } from '../fields/index.ts';
import type { Attributes, Authorizer, Decision, ServerState, UserInfo } from '../types.ts';
import { type PolicyRule, policyRulesOf, ruleAllows } from './policy-rule.ts';

export const rbacGroup = 'rbac.authorization.k8s.io';

/** What bindings give a user: rules in the order of bindings, and roles that were not found. */
export interface ResolvedRules {
  readonly rules: readonly PolicyRule[];
  /** Upstream's texts for bindings whose role is gone. */
  readonly errors: readonly string[];
  /** Names of the roles that are gone. */
  readonly missing: readonly string[];
}

/** RBAC over the server's state. */
export interface RbacAuthorizer extends Authorizer {
  authorize(attributes: Attributes): Decision;
  /** Everything the user may do in a namespace; '' asks for cluster-wide rules alone. */
  rulesFor(user: UserInfo, namespace: string): ResolvedRules;
  /** The rules a roleRef stands for. @throws StatusError 404 the role does not exist. */
  rulesOfReference(roleRef: unknown, namespace: string): readonly PolicyRule[];
}

interface Binding {
  readonly object: unknown;
  readonly kind: 'ClusterRoleBinding' | 'RoleBinding';
  readonly namespace: string;
  readonly subjects: readonly Subject[];
  readonly rules: readonly PolicyRule[] | undefined;
  readonly error: StatusError | undefined;
}

interface Subject {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
}

/**
 * Bindings by subject, rebuilt when an RBAC object changes, so that a decision looks at the bindings of the
 * user's own names alone.
 */
interface Index {
  /** The sum of the versions of what it was made of: they only grow. */
  readonly versions: number;
  readonly cluster: ReadonlyMap<string, readonly IndexedBinding[]>;
  readonly namespaces: ReadonlyMap<string, ReadonlyMap<string, readonly IndexedBinding[]>>;
  /** What was found, by user and namespace: components ask again and again. */
  readonly found: WeakMap<UserInfo, Map<string, readonly IndexedBinding[]>>;
}

interface IndexedBinding {
  readonly order: number;
  readonly binding: Binding;
  readonly subject: Subject;
  /** Why the binding allows, once somebody was told. */
  reason?: string;
}

const resources = ['roles', 'rolebindings', 'clusterroles', 'clusterrolebindings'] as const;

/** @see k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/rbac.go */
export function createRbacAuthorizer(state: ServerState): RbacAuthorizer {
  let index: Index | undefined;

  const current = (): Index => {
    let versions = 0;
    for (const resource of resources) versions += state.version(rbacGroup, resource);
    if (index?.versions !== versions) index = buildIndex(state, versions);
    return index;
  };

  const bindingsOf = (user: UserInfo, namespace: string): readonly IndexedBinding[] => {
    const { cluster, namespaces, found } = current();
    const local = namespace === '' ? undefined : namespaces.get(namespace);
    const scope = local ? namespace : '';
    let ofUser = found.get(user);
    if (!ofUser) found.set(user, (ofUser = new Map<string, readonly IndexedBinding[]>()));
    let bindings = ofUser.get(scope);
    if (!bindings) {
      bindings = [...matching(cluster, user), ...(local ? matching(local, user) : [])];
      ofUser.set(scope, bindings);
    }
    return bindings;
  };

  return {
    authorize(attributes) {
      if (attributes.user.groups.includes('system:masters'))
        return { decision: 'allow', reason: '' };
      const namespace = attributes.kind === 'resource' ? attributes.namespace : '';
      const errors: string[] = [];
      for (const entry of bindingsOf(attributes.user, namespace)) {
        const { binding } = entry;
        if (binding.error) errors.push(binding.error.message);
        if (binding.rules?.some((rule) => ruleAllows(rule, attributes)))
          return {
            decision: 'allow',
            reason: (entry.reason ??= `RBAC: allowed by ${describe(entry)}`),
          };
      }
      return {
        decision: 'no-opinion',
        reason: errors.length === 0 ? '' : `RBAC: ${aggregate(errors)}`,
      };
    },
    rulesFor(user, namespace) {
      const rules: PolicyRule[] = [];
      const errors: string[] = [];
      const missing: string[] = [];
      for (const { binding } of bindingsOf(user, namespace)) {
        if (binding.error) {
          errors.push(binding.error.message);
          missing.push(binding.error.status.details?.name ?? '');
        }
        rules.push(...(binding.rules ?? []));
      }
      return { rules, errors, missing };
    },
    rulesOfReference: (roleRef, namespace) => referencedRules(state, roleRef, namespace),
  };
}

/** Each binding once, with its first subject that is the user, in the order of the list. */
function matching(
  bySubject: ReadonlyMap<string, readonly IndexedBinding[]>,
  user: UserInfo,
): IndexedBinding[] {
  const found = new Map<number, IndexedBinding>();
  const names = [`u:${user.username}`, ...user.groups.map((group) => `g:${group}`)];
  for (const name of names)
    for (const entry of bySubject.get(name) ?? [])
      if (!found.has(entry.order)) found.set(entry.order, entry);
  return [...found.values()].sort((a, b) => a.order - b.order);
}

function buildIndex(state: ServerState, versions: number): Index {
  const cluster = new Map<string, IndexedBinding[]>();
  const namespaces = new Map<string, Map<string, IndexedBinding[]>>();
  let order = 0;
  const add = (
    into: Map<string, IndexedBinding[]>,
    binding: Binding,
    defaultNamespace: string,
  ): void => {
    for (const subject of binding.subjects) {
      const key = subjectKey(subject, defaultNamespace);
      if (key === undefined) continue;
      const entries = into.get(key) ?? [];
      into.set(key, entries);
      if (entries.at(-1)?.order !== order) entries.push({ order, binding, subject });
    }
    order += 1;
  };
  for (const object of state.list(rbacGroup, 'clusterrolebindings'))
    add(cluster, bindingOf(state, object, 'ClusterRoleBinding', ''), '');
  for (const object of state.list(rbacGroup, 'rolebindings')) {
    const namespace = object.metadata.namespace ?? '';
    const into = namespaces.get(namespace) ?? new Map<string, IndexedBinding[]>();
    namespaces.set(namespace, into);
    add(into, bindingOf(state, object, 'RoleBinding', namespace), namespace);
  }
  return { versions, cluster, namespaces, found: new WeakMap() };
}

function bindingOf(
  state: ServerState,
  object: unknown,
  kind: Binding['kind'],
  namespace: string,
): Binding {
  const subjects = mapsOf(at(object, 'subjects')).map((subject) => ({
    kind: textOf(subject['kind']),
    name: textOf(subject['name']),
    namespace: textOf(subject['namespace']),
  }));
  try {
    const rules = referencedRules(state, at(object, 'roleRef'), namespace);
    return { object, kind, namespace, subjects, rules, error: undefined };
  } catch (error) {
    return {
      object,
      kind,
      namespace,
      subjects,
      rules: undefined,
      error: error as StatusError,
    };
  }
}

function referencedRules(
  state: ServerState,
  roleRef: unknown,
  namespace: string,
): readonly PolicyRule[] {
  const kind = textAt(roleRef, 'kind');
  const name = textAt(roleRef, 'name');
  if (kind !== 'Role' && kind !== 'ClusterRole')
    throw failure(500, '', `unsupported role reference kind: ${quoted(kind)}`);
  const role =
    kind === 'Role'
      ? state.get(rbacGroup, 'roles', namespace, name)
      : state.get(rbacGroup, 'clusterroles', '', name);
  // Upstream's listers name the resource in the singular here.
  if (!role) throw notFound({ group: rbacGroup, resource: kind.toLowerCase() }, name);
  return policyRulesOf(at(role, 'rules'));
}

function subjectKey(subject: Subject, defaultNamespace: string): string | undefined {
  if (subject.kind === 'User') return `u:${subject.name}`;
  if (subject.kind === 'Group') return `g:${subject.name}`;
  if (subject.kind !== 'ServiceAccount') return undefined;
  const namespace = subject.namespace === '' ? defaultNamespace : subject.namespace;
  return namespace === '' ? undefined : `u:system:serviceaccount:${namespace}:${subject.name}`;
}

function describe({ binding, subject }: IndexedBinding): string {
  const { object, kind, namespace } = binding;
  const bindingName = textAt(object, 'metadata', 'name');
  const full = namespace === '' ? bindingName : `${bindingName}/${namespace}`;
  const who =
    subject.kind === 'ServiceAccount'
      ? `${subject.name}/${subject.namespace === '' ? namespace : subject.namespace}`
      : subject.name;
  return `${kind} ${JSON.stringify(full)} of ${textAt(object, 'roleRef', 'kind')} ${JSON.stringify(textAt(object, 'roleRef', 'name'))} to ${subject.kind} ${JSON.stringify(who)}`;
}
