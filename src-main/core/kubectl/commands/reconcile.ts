import { jsonClone, jsonEqual } from '#core/base';
import type { CommandSpec } from '../command.ts';
import { resourceUrl } from '../discovery.ts';
import { CommandError } from '../errors.ts';
import { isJson, type Json, list, map, strings, text } from '../json-view.ts';
import { fileFlags, fileOptions, requireFiles } from '../resources/manifests.ts';
import { isNotFound, manifestTargets, type Target, urlOf } from '../resources/select.ts';
import { changeFlags, dryRunOf, resultPrinter } from '../results.ts';
import type { Session } from '../session.ts';

type Operation = 'none' | 'create' | 'update' | 'recreate';

interface Reconciled {
  object: Json;
  operation: Operation;
  readonly isProtected: boolean;
  readonly missing: readonly Json[];
  readonly extra: readonly Json[];
}

/**
 * Makes roles allow, and bindings bind, at least what the files say.
 * @see k8s.io/component-helpers/auth/rbac/reconciliation
 */
export const reconcileCommand: CommandSpec = {
  name: 'reconcile',
  short:
    'Reconciles rules for RBAC role, role binding, cluster role, and cluster role binding objects',
  use: 'kubectl auth reconcile -f FILENAME [options]',
  flags: [
    ...fileFlags,
    ...changeFlags,
    'remove-extra-permissions:bool',
    'remove-extra-subjects:bool',
  ],
  run: async (session) => {
    const files = fileOptions(session);
    requireFiles(files);
    if (session.args.length > 0) throw new CommandError('no arguments are allowed');
    if (dryRunOf(session) === 'server')
      throw new CommandError('--dry-run=server for command reconcile is not supported yet');
    const errors: Error[] = [];
    const targets = await manifestTargets(session, files, (error) => errors.push(error));
    const print = resultPrinter(session);
    for (const target of targets) {
      const kind = target.resource.group === rbac ? target.resource.kind : '';
      const isRole = kind === 'Role' || kind === 'ClusterRole';
      if (!isRole && kind !== 'RoleBinding' && kind !== 'ClusterRoleBinding') continue;
      const result = await reconcile(session, target, isRole);
      print(result.object, 'reconciled');
      report(session, result, isRole);
    }
    const [first] = errors;
    if (first) throw first;
    return 0;
  },
};

const rbac = 'rbac.authorization.k8s.io';

async function reconcile(session: Session, target: Target, isRole: boolean): Promise<Reconciled> {
  const expected = jsonClone(target.object);
  if (target.namespace !== '') map(expected, 'metadata')['namespace'] = target.namespace;
  const removeExtra = session.flags.bool(
    isRole ? 'remove-extra-permissions' : 'remove-extra-subjects',
  );
  let existing: Json | undefined;
  try {
    existing = await session.api.get(urlOf(target));
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  const field = isRole ? 'rules' : 'subjects';
  const result: Reconciled = existing
    ? isRole
      ? reconcileRole(existing, expected, removeExtra)
      : reconcileBinding(existing, expected, removeExtra)
    : {
        object: expected,
        operation: 'create',
        isProtected: false,
        missing: list(expected, field).filter(isJson),
        extra: [],
      };
  if (result.isProtected || dryRunOf(session) === 'client') return result;
  const url = resourceUrl(target.resource, target.namespace);
  if (result.operation === 'recreate')
    await session.api.json('DELETE', urlOf(target), {
      body: {
        kind: 'DeleteOptions',
        apiVersion: 'v1',
        preconditions: { uid: text(existing, 'metadata', 'uid') },
      },
    });
  if (result.operation === 'create' && target.namespace !== '')
    await ensureNamespace(session, target);
  if (result.operation === 'create' || result.operation === 'recreate')
    result.object = await session.api.json('POST', url, { body: result.object });
  else if (result.operation === 'update')
    result.object = await session.api.json('PUT', urlOf(target), { body: result.object });
  return result;
}

async function ensureNamespace(session: Session, { namespace }: Target): Promise<void> {
  const namespaces = session.builtin('', 'v1', 'namespaces', 'Namespace', false);
  try {
    await session.api.get(resourceUrl(namespaces, '', namespace));
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await session.api.json('POST', resourceUrl(namespaces, ''), {
      body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    });
  }
}

/** Labels and annotations of both, those that exist winning; whether that changes what exists. */
function mergedMetadata(existing: Json, expected: Json): { object: Json; changed: boolean } {
  const object = jsonClone(existing);
  let changed = false;
  for (const field of ['labels', 'annotations'] as const) {
    const merged = {
      ...strings(expected, 'metadata', field),
      ...strings(existing, 'metadata', field),
    };
    if (jsonEqual(merged, strings(existing, 'metadata', field))) continue;
    map(object, 'metadata')[field] = merged;
    changed = true;
  }
  return { object, changed };
}

const isProtected = (existing: Json): boolean =>
  text(existing, 'metadata', 'annotations', 'rbac.authorization.kubernetes.io/autoupdate') ===
  'false';

function reconcileRole(existing: Json, expected: Json, removeExtra: boolean): Reconciled {
  const { object, changed } = mergedMetadata(existing, expected);
  let operation: Operation = changed ? 'update' : 'none';
  const [have, want] = [rulesOf(existing), rulesOf(expected)];
  const aggregated = isJson(expected['aggregationRule']) && isJson(existing['aggregationRule']);
  const extra = aggregated ? [] : uncovered(want, have);
  const missing = uncovered(have, want);
  if (!removeExtra && missing.length > 0) {
    object['rules'] = [...have, ...missing];
    operation = 'update';
  } else if (removeExtra && missing.length + extra.length > 0) {
    object['rules'] = want;
    operation = 'update';
  }
  if (reconcileAggregation(object, existing, expected, removeExtra)) operation = 'update';
  return { object, operation, isProtected: isProtected(existing), missing, extra };
}

const rulesOf = (role: Json): Json[] => list(role, 'rules').filter(isJson);

function reconcileAggregation(
  object: Json,
  existing: Json,
  expected: Json,
  removeExtra: boolean,
): boolean {
  if (!isJson(expected['aggregationRule'])) {
    if (!isJson(existing['aggregationRule'])) return false;
    delete object['aggregationRule'];
    return true;
  }
  const selectors = (role: Json): readonly unknown[] =>
    list(role, 'aggregationRule', 'clusterRoleSelectors');
  const lacking = (of: readonly unknown[], among: readonly unknown[]): unknown[] =>
    of.filter((each) => !among.some((other) => jsonEqual(each, other)));
  const missing = lacking(selectors(expected), selectors(existing));
  const extra = lacking(selectors(existing), selectors(expected));
  if (removeExtra ? missing.length + extra.length === 0 : missing.length === 0) return false;
  object['aggregationRule'] = removeExtra
    ? expected['aggregationRule']
    : { clusterRoleSelectors: [...selectors(existing), ...missing] };
  return true;
}

function reconcileBinding(existing: Json, expected: Json, removeExtra: boolean): Reconciled {
  if (!jsonEqual(map(existing, 'roleRef'), map(expected, 'roleRef')))
    return {
      object: expected,
      operation: 'recreate',
      isProtected: isProtected(existing),
      missing: [],
      extra: [],
    };
  const { object, changed } = mergedMetadata(existing, expected);
  const [have, want] = [subjectsOf(existing), subjectsOf(expected)];
  const missing = want.filter((each) => !have.some((other) => jsonEqual(each, other)));
  const extra = have.filter((each) => !want.some((other) => jsonEqual(each, other)));
  let operation: Operation = changed ? 'update' : 'none';
  if (!removeExtra && missing.length > 0) {
    object['subjects'] = [...have, ...missing];
    operation = 'update';
  } else if (removeExtra && missing.length + extra.length > 0) {
    object['subjects'] = want;
    operation = 'update';
  }
  return { object, operation, isProtected: isProtected(existing), missing, extra };
}

/** As they are written: upstream's client completes nothing here. */
const subjectsOf = (binding: Json): Json[] => list(binding, 'subjects').filter(isJson);

interface SimpleRule {
  readonly verb: string;
  readonly group?: string;
  readonly resource?: string;
  readonly name?: string;
  readonly url?: string;
}

const texts = (rule: Json, field: string): readonly string[] => list(rule, field).map(String);

/** A rule taken apart into one verb on one thing each. */
function breakDown(rule: Json): SimpleRule[] {
  const out: SimpleRule[] = [];
  const verbs = texts(rule, 'verbs');
  const names = texts(rule, 'resourceNames');
  for (const group of texts(rule, 'apiGroups'))
    for (const resource of texts(rule, 'resources'))
      for (const verb of verbs)
        if (names.length === 0) out.push({ verb, group, resource });
        else for (const name of names) out.push({ verb, group, resource, name });
  for (const url of texts(rule, 'nonResourceURLs'))
    for (const verb of verbs) out.push({ verb, url });
  return out;
}

/** The parts of rules that no owner's rule allows. @see k8s.io/component-helpers/auth/rbac/validation, Covers */
function uncovered(owners: readonly Json[], rules: readonly Json[]): Json[] {
  return rules
    .flatMap(breakDown)
    .filter((part) => !owners.some((owner) => covers(owner, part)))
    .map(({ verb, group, resource, name, url }) =>
      url === undefined
        ? {
            verbs: [verb],
            apiGroups: [group ?? ''],
            resources: [resource ?? ''],
            ...(name === undefined ? {} : { resourceNames: [name] }),
          }
        : { verbs: [verb], nonResourceURLs: [url] },
    );
}

function covers(owner: Json, part: SimpleRule): boolean {
  const has = (field: string, value: string): boolean =>
    texts(owner, field).includes('*') || texts(owner, field).includes(value);
  if (!has('verbs', part.verb)) return false;
  if (part.url !== undefined) {
    const { url } = part;
    return texts(owner, 'nonResourceURLs').some(
      (each) => each === url || (each.endsWith('*') && url.startsWith(each.slice(0, -1))),
    );
  }
  const { group = '', resource = '', name } = part;
  const names = texts(owner, 'resourceNames');
  return (
    has('apiGroups', group) &&
    (has('resources', resource) ||
      (resource.includes('/') &&
        texts(owner, 'resources').includes(`*/${resource.split('/').slice(1).join('/')}`))) &&
    (names.length === 0 || (name !== undefined && names.includes(name)))
  );
}

function report(session: Session, result: Reconciled, isRole: boolean): void {
  if (result.operation === 'none') return;
  const caveat = result.isProtected
    ? ', but object opted out (rbac.authorization.kubernetes.io/autoupdate: false)'
    : '';
  session.err(`\treconciliation required ${result.operation}${caveat}\n`);
  const what = isRole ? 'rules' : 'subjects';
  const show = (title: string, items: readonly Json[]): void => {
    if (items.length === 0) return;
    session.err(`\t${title}:\n`);
    for (const item of items) session.err(`\t\t${isRole ? goRule(item) : goSubject(item)}\n`);
  };
  show(`missing ${what} added`, result.missing);
  if (session.flags.bool(isRole ? 'remove-extra-permissions' : 'remove-extra-subjects'))
    show(`extra ${what} removed`, result.extra);
}

/** Go's `%+v`. */
function goRule(rule: Json): string {
  const field = (name: string, from: string): string => `${name}:[${texts(rule, from).join(' ')}]`;
  return `{${[
    field('Verbs', 'verbs'),
    field('APIGroups', 'apiGroups'),
    field('Resources', 'resources'),
    field('ResourceNames', 'resourceNames'),
    field('NonResourceURLs', 'nonResourceURLs'),
  ].join(' ')}}`;
}

function goSubject(subject: Json): string {
  return `{Kind:${text(subject, 'kind')} APIGroup:${text(subject, 'apiGroup')} Name:${text(subject, 'name')} Namespace:${text(subject, 'namespace')}}`;
}
