import type { UserInfo } from '../types.ts';
import type { RbacAuthorizer } from './rbac.ts';

/**
 * The `status` of a SelfSubjectRulesReview: rules in the order of bindings, lists as the roles have them.
 * @see k8s.io/kubernetes/pkg/registry/authorization/selfsubjectrulesreview/rest.go
 */
export function subjectRulesStatus(
  rbac: RbacAuthorizer,
  user: UserInfo,
  namespace: string,
): Record<string, unknown> {
  const resourceRules: object[] = [];
  const nonResourceRules: object[] = [];
  const { rules, errors } = rbac.rulesFor(user, namespace);
  for (const rule of rules) {
    if (rule.resources.length > 0)
      resourceRules.push({
        verbs: rule.verbs,
        apiGroups: rule.apiGroups,
        resources: rule.resources,
        ...(rule.resourceNames.length > 0 ? { resourceNames: rule.resourceNames } : {}),
      });
    if (rule.nonResourceURLs.length > 0)
      nonResourceRules.push({ verbs: rule.verbs, nonResourceURLs: rule.nonResourceURLs });
  }
  const isNode = user.groups.includes('system:nodes') && user.username.startsWith('system:node:');
  const failures = [
    ...(isNode ? ['node authorizer does not support user rule resolution'] : []),
    ...errors,
  ];
  return {
    resourceRules,
    nonResourceRules,
    incomplete: failures.length > 0,
    ...(failures.length > 0 ? { evaluationError: failures.join(', ') } : {}),
  };
}
