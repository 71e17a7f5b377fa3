import { splitOnce } from '#core/base';
import type { CommandSpec } from '../command.ts';
import { findResource } from '../discovery.ts';
import { CommandError, ExitError } from '../errors.ts';
import type { Json } from '../json-view.ts';
import { labelSelectorOf } from '../resources/label-selector.ts';
import type { Session } from '../session.ts';
import { createGenerated, metadataFor, requireFlags, singleName } from './create-object.ts';
import { generatorFlags } from './create-workloads.ts';

const knownVerbs = new Set([
  '*',
  'get',
  'delete',
  'list',
  'create',
  'update',
  'patch',
  'watch',
  'proxy',
  'deletecollection',
  'use',
  'bind',
  'approve',
  'sign',
  'escalate',
  'impersonate',
  'impersonate-on',
]);
const nonResourceVerbs = new Set(['get', 'post', 'put', 'delete', 'patch', 'head', 'options', '*']);

interface Ruled {
  readonly group: string;
  readonly resource: string;
}

/** What `--resource` names, with groups asked of the server. @throws CommandError */
async function ruledResources(session: Session): Promise<Ruled[]> {
  const catalog = await session.catalog();
  const out: Ruled[] = [];
  for (const item of new Set(session.flags.all('resource'))) {
    const [full, subresource] = splitOnce(item, '/');
    const [name, group] = splitOnce(full, '.');
    if (name === '')
      throw new CommandError('resource must be specified if apiGroup/subresource specified');
    const part = subresource === undefined ? '' : `/${subresource}`;
    if (name === '*') {
      out.push({ group: group ?? '', resource: `*${part}` });
      continue;
    }
    let found;
    try {
      found = findResource(catalog, full);
    } catch (error) {
      if (group !== undefined && error instanceof Error)
        throw new CommandError(
          `the server doesn't have a resource type "${name}" in group "${group}"`,
        );
      throw new ExitError(error instanceof Error ? error.message : '');
    }
    out.push({ group: found.group, resource: `${found.resource}${part}` });
  }
  return out;
}

function checkVerbs(session: Session, verbs: readonly string[]): void {
  for (const verb of verbs)
    if (!knownVerbs.has(verb)) session.err(`Warning: '${verb}' is not a standard resource verb\n`);
}

/** One rule for each API group, in the order the groups were named. */
function resourceRules(
  verbs: readonly string[],
  resources: readonly Ruled[],
  names: readonly string[],
): Json[] {
  const groups = [...new Set(resources.map(({ group }) => group))];
  return groups.map((group) => ({
    verbs,
    apiGroups: [group],
    resources: resources.filter((item) => item.group === group).map(({ resource }) => resource),
    ...(names.length > 0 ? { resourceNames: names } : {}),
  }));
}

const uniqueVerbs = (session: Session): string[] => {
  const verbs = [...new Set(session.flags.all('verb'))];
  return verbs.includes('*') ? ['*'] : verbs;
};

const ruleFlags = ['verb:strings', 'resource:strings', 'resource-name:array'];

export const createRole: CommandSpec = {
  name: 'role',
  short: 'Create a role with single rule',
  use: 'kubectl create role NAME --verb=verb --resource=resource.group/subresource [--resource-name=resourcename] [--dry-run=server|client|none] [options]',
  flags: [...generatorFlags, ...ruleFlags],
  run: async (session) => {
    const name = singleName(session);
    const verbs = uniqueVerbs(session);
    if (verbs.length === 0) throw new CommandError('at least one verb must be specified');
    if (session.flags.all('resource').length === 0)
      throw new CommandError('at least one resource must be specified');
    const resources = await ruledResources(session);
    checkVerbs(session, verbs);
    const resource = session.builtin('rbac.authorization.k8s.io', 'v1', 'roles', 'Role');
    return createGenerated(session, resource, {
      kind: 'Role',
      apiVersion: 'rbac.authorization.k8s.io/v1',
      metadata: metadataFor(session, name, resource),
      rules: resourceRules(verbs, resources, session.flags.all('resource-name')),
    });
  },
};

export const createClusterRole: CommandSpec = {
  name: 'clusterrole',
  short: 'Create a cluster role',
  use: 'kubectl create clusterrole NAME --verb=verb --resource=resource.group [--resource-name=resourcename] [--dry-run=server|client|none] [options]',
  flags: [...generatorFlags, ...ruleFlags, 'non-resource-url:strings', 'aggregation-rule:map'],
  run: async (session) => {
    const name = singleName(session);
    const { flags } = session;
    const verbs = uniqueVerbs(session);
    const urls = flags.all('non-resource-url');
    const aggregation = flags.all('aggregation-rule');
    const resource = session.builtin(
      'rbac.authorization.k8s.io',
      'v1',
      'clusterroles',
      'ClusterRole',
      false,
    );
    const head = {
      kind: 'ClusterRole',
      apiVersion: 'rbac.authorization.k8s.io/v1',
      metadata: { name },
    };
    if (aggregation.length > 0) {
      if (
        urls.length +
          verbs.length +
          flags.all('resource').length +
          flags.all('resource-name').length >
        0
      )
        throw new CommandError(
          'aggregation rule must be specified without nonResourceURLs, verbs, resources or resourceNames',
        );
      return createGenerated(session, resource, {
        ...head,
        rules: null,
        aggregationRule: { clusterRoleSelectors: [labelSelectorOf(aggregation.join(','))] },
      });
    }
    if (verbs.length === 0) throw new CommandError('at least one verb must be specified');
    if (flags.all('resource').length === 0 && urls.length === 0)
      throw new CommandError('one of resource or nonResourceURL must be specified');
    const resources = await ruledResources(session);
    if (resources.length > 0) checkVerbs(session, verbs);
    for (const verb of urls.length > 0 ? verbs : [])
      if (!nonResourceVerbs.has(verb))
        throw new CommandError(`invalid verb: '${verb}' for nonResourceURL`);
    for (const url of urls) {
      if (url !== '*' && !url.startsWith('/'))
        throw new CommandError('nonResourceURL should start with /');
      if (url.slice(0, -1).includes('*'))
        throw new CommandError(
          "nonResourceURL only supports wildcard matches when '*' is at the end",
        );
    }
    return createGenerated(session, resource, {
      ...head,
      rules: [
        ...resourceRules(verbs, resources, flags.all('resource-name')),
        ...(urls.length > 0 ? [{ verbs, nonResourceURLs: urls }] : []),
      ],
    });
  },
};

function subjectsOf(session: Session): Json[] {
  const { flags } = session;
  const apiGroup = 'rbac.authorization.k8s.io';
  return [
    ...flags.all('user').map((name) => ({ kind: 'User', apiGroup, name })),
    ...flags.all('group').map((name) => ({ kind: 'Group', apiGroup, name })),
    ...flags.all('serviceaccount').map((account) => {
      const [namespace = '', name = '', ...more] = account.split(':');
      if (namespace === '' || name === '' || more.length > 0)
        throw new CommandError('serviceaccount must be <namespace>:<name>');
      return { kind: 'ServiceAccount', name, namespace };
    }),
  ];
}

const subjectFlags = ['user:array', 'group:array', 'serviceaccount:array'];

function bindingObject(session: Session, kind: string, metadata: Json): Json {
  const { flags } = session;
  const role = flags.knows('role') ? flags.text('role') : '';
  const subjects = subjectsOf(session);
  return {
    kind,
    apiVersion: 'rbac.authorization.k8s.io/v1',
    metadata,
    ...(subjects.length > 0 ? { subjects } : {}),
    roleRef: {
      apiGroup: 'rbac.authorization.k8s.io',
      kind: role === '' ? 'ClusterRole' : 'Role',
      name: role === '' ? flags.text('clusterrole') : role,
    },
  };
}

export const createRoleBinding: CommandSpec = {
  name: 'rolebinding',
  short: 'Create a role binding for a particular role or cluster role',
  use: 'kubectl create rolebinding NAME --clusterrole=NAME|--role=NAME [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none] [options]',
  flags: [...generatorFlags, 'clusterrole:string', 'role:string', ...subjectFlags],
  run: async (session) => {
    const name = singleName(session);
    const { flags } = session;
    if ((flags.text('clusterrole') === '') === (flags.text('role') === ''))
      throw new CommandError('exactly one of clusterrole or role must be specified');
    const resource = session.builtin(
      'rbac.authorization.k8s.io',
      'v1',
      'rolebindings',
      'RoleBinding',
    );
    return createGenerated(
      session,
      resource,
      bindingObject(session, 'RoleBinding', metadataFor(session, name, resource)),
      'failed to create rolebinding: ',
    );
  },
};

export const createClusterRoleBinding: CommandSpec = {
  name: 'clusterrolebinding',
  short: 'Create a cluster role binding for a particular cluster role',
  use: 'kubectl create clusterrolebinding NAME --clusterrole=NAME [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none] [options]',
  flags: [...generatorFlags, 'clusterrole:string', ...subjectFlags],
  run: async (session) => {
    requireFlags(session, 'clusterrole');
    const name = singleName(session);
    const resource = session.builtin(
      'rbac.authorization.k8s.io',
      'v1',
      'clusterrolebindings',
      'ClusterRoleBinding',
      false,
    );
    return createGenerated(
      session,
      resource,
      bindingObject(session, 'ClusterRoleBinding', { name }),
      'failed to create clusterrolebinding: ',
    );
  },
};
