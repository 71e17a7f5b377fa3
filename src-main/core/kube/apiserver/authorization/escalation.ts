import { type DeepReadonly, jsonEqual, quoted, quotedList } from '#core/base';
import {
  forbidden,
  isReason,
  type KubeObject,
  notFound,
  type StatusError,
} from '../../machinery/index.ts';
import { aggregate, at, mapsOf, textAt } from '../fields/index.ts';
import type { AdmissionPlugin, AdmissionRequest, Authorizer, UserInfo } from '../types.ts';
import { describeRules, type PolicyRule, policyRulesOf, uncoveredRules } from './policy-rule.ts';
import { type RbacAuthorizer, rbacGroup } from './rbac.ts';

const everything: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'], resourceNames: [], nonResourceURLs: [] },
  { verbs: ['*'], apiGroups: [], resources: [], resourceNames: [], nonResourceURLs: ['*'] },
];

/**
 * Keeps users from granting what they do not hold: writes of roles need their rules (or the verb `escalate`),
 * writes of bindings need the rules of the role they name (or the verb `bind`). Upstream has this check in the
 * registry, after mutating admission and before the object is validated; here it is the last mutating step,
 * though it changes nothing. It cannot be disabled by a flag.
 * @see pkg/registry/rbac/{role,clusterrole,rolebinding,clusterrolebinding}/policybased/storage.go
 */
export function createEscalationCheck(
  rbac: RbacAuthorizer,
  authorizer: Authorizer,
): AdmissionPlugin {
  return {
    name: 'RBACEscalation',
    async admit(request) {
      if (request.resource.group !== rbacGroup || !request.object) return;
      if (request.operation !== 'CREATE' && request.operation !== 'UPDATE') return;
      if (request.user.groups.includes('system:masters')) return;
      if (onlyMetadataForCollection(request)) return;
      const resource = request.resource.resource;
      if (resource === 'roles' || resource === 'clusterroles')
        await checkRole(request, rbac, authorizer);
      else if (resource === 'rolebindings' || resource === 'clusterrolebindings')
        await checkBinding(request, rbac, authorizer);
    },
  };
}

async function checkRole(
  request: AdmissionRequest,
  rbac: RbacAuthorizer,
  authorizer: Authorizer,
): Promise<void> {
  const { resource, user, namespace } = request;
  const escalate = await authorizer.authorize({
    kind: 'resource',
    user,
    verb: 'escalate',
    group: resource.group,
    version: '*',
    resource: resource.resource,
    subresource: '',
    namespace,
    // On create the request's path names no object.
    name: request.operation === 'CREATE' ? '' : request.name,
  });
  if (escalate.decision === 'allow') return;
  const name = textAt(request.object, 'metadata', 'name');
  const why = missingRights(
    rbac,
    user,
    namespace,
    policyRulesOf(at(request.object, 'rules')),
    resource.resource,
  );
  if (why !== undefined) throw refuse(resource.resource, name, why);
  const aggregated = (object: unknown): boolean =>
    mapsOf(at(object, 'aggregationRule', 'clusterRoleSelectors')).length > 0;
  if (
    (aggregated(request.object) || aggregated(request.oldObject)) &&
    missingRights(rbac, user, namespace, everything, resource.resource) !== undefined
  )
    throw refuse(
      resource.resource,
      name,
      'must have cluster-admin privileges to use the aggregationRule',
    );
}

async function checkBinding(
  request: AdmissionRequest,
  rbac: RbacAuthorizer,
  authorizer: Authorizer,
): Promise<void> {
  const { resource, user, namespace } = request;
  const roleRef = at(request.object, 'roleRef');
  const kind = textAt(roleRef, 'kind');
  const roleName = textAt(roleRef, 'name');
  if (kind === 'Role' || kind === 'ClusterRole') {
    const bind = await authorizer.authorize({
      kind: 'resource',
      user,
      verb: 'bind',
      group: textAt(roleRef, 'apiGroup'),
      version: '*',
      resource: kind === 'Role' ? 'roles' : 'clusterroles',
      subresource: '',
      namespace,
      name: roleName,
    });
    if (bind.decision === 'allow') return;
  }
  let rules: readonly PolicyRule[];
  try {
    rules = rbac.rulesOfReference(roleRef, namespace);
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
    // Read through the registry, so the error names the resource of the request.
    throw notFound({ group: rbacGroup, resource: resource.resource }, roleName);
  }
  const why = missingRights(rbac, user, namespace, rules, resource.resource);
  if (why !== undefined)
    throw refuse(resource.resource, textAt(request.object, 'metadata', 'name'), why);
}

/** @see pkg/registry/rbac/validation/rule.go, ConfirmNoEscalation */
function missingRights(
  rbac: RbacAuthorizer,
  user: UserInfo,
  namespace: string,
  wanted: readonly PolicyRule[],
  resource: string,
): string | undefined {
  const { rules, missing } = rbac.rulesFor(user, namespace);
  const uncovered = uncoveredRules(rules, wanted);
  if (uncovered.length === 0) return undefined;
  const errors = missing.map((name) => notFound({ group: rbacGroup, resource }, name).message);
  const resolution = errors.length === 0 ? '' : `; resolution errors: [${aggregate(errors)}]`;
  return `user ${quoted(user.username)} (groups=${quotedList(user.groups)}) is attempting to grant RBAC permissions not currently held:\n${describeRules(uncovered).join('\n')}${resolution}`;
}

const refuse = (resource: string, name: string, why: string): StatusError =>
  forbidden({ group: rbacGroup, resource }, name, why);

/** An update that removes finalizers or owners alone lets the collector finish. @see IsOnlyMutatingGCFields */
function onlyMetadataForCollection({ operation, object, oldObject }: AdmissionRequest): boolean {
  if (operation !== 'UPDATE' || !object || !oldObject) return false;
  const rest = (value: KubeObject | DeepReadonly<KubeObject>): object => {
    const collected = new Set(['ownerReferences', 'finalizers', 'managedFields']);
    const metadata = Object.entries(value.metadata).filter(([field]) => !collected.has(field));
    return { ...value, metadata: Object.fromEntries(metadata) };
  };
  return jsonEqual(rest(object), rest(oldObject));
}
