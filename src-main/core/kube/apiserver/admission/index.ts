export { type AdmissionOptions, createAdmissionChain, knownAdmissionPlugins } from './chain.ts';
export { withExpressionChecks } from './policies/expression-validation.ts';
export { admitInRounds } from './reinvocation.ts';
export type { ResourceOfKind } from './policies/params.ts';
export type { UpdateStatus } from './quota/plugin.ts';
