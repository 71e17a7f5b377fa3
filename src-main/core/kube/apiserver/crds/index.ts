export { customResourceDefinitionStrategy } from './definition.ts';
export { createCrdRegistry } from './registry.ts';
export { noReplicas } from './scale.ts';
export { crdCleanupFinalizer, markCrdDeleting, reconcileCrdStatus } from './status.ts';
export type { CrdRegistry } from './types.ts';
