export { type AdmissionOptions, createAdmissionChain, knownAdmissionPlugins } from './chain.ts';
export type { ResourceOfKind } from './policies/params.ts';
export type { UpdateStatus } from './quota/plugin.ts';
export { applyJsonPatch, JsonPatchError } from './webhooks/json-patch.ts';
