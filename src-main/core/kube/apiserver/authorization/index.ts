export {
  bootstrapPolicyObjects,
  type PolicyWrite,
  reconcileBootstrapPolicy,
} from './bootstrap-policy.ts';
export { createEscalationCheck } from './escalation.ts';
export { forbiddenByAuthorizer, forbiddenMessage } from './messages.ts';
export { createNodeAuthorizer, nodeNameOf } from './node.ts';
export { isMirrorPod, podReferences, type PodReferences } from './node-graph.ts';
export { createRbacAuthorizer, type RbacAuthorizer, type ResolvedRules } from './rbac.ts';
export { subjectRulesStatus } from './rules-review.ts';
export {
  alwaysAllowAuthorizer,
  alwaysDenyAuthorizer,
  mastersAuthorizer,
  unionAuthorizer,
} from './union.ts';
