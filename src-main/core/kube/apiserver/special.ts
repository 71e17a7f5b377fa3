import type { DeepReadonly } from '#core/base';
import type { KubeObject } from '../machinery/index.ts';
import type { Call } from './call.ts';
import { allocateService, prepareService } from './services.ts';

const nameLabel = 'kubernetes.io/metadata.name';

function isCore(object: DeepReadonly<KubeObject>, kind: string): boolean {
  return object.kind === kind && object.apiVersion === 'v1';
}

/** Defaults that need the object's name: they belong to whoever creates it. */
export function defaultSpecial(draft: KubeObject): void {
  if (isCore(draft, 'Namespace') && draft.metadata.name)
    draft.metadata.labels = { ...draft.metadata.labels, [nameLabel]: draft.metadata.name };
}

/** What the server itself decides of some kinds, before the kind's strategy. */
export function prepareSpecial(
  call: Call,
  draft: KubeObject,
  old: DeepReadonly<KubeObject> | undefined,
): void {
  if (isCore(draft, 'Namespace')) {
    if (!old) {
      const spec = (draft['spec'] ?? {}) as { finalizers?: string[] };
      const finalizers = spec.finalizers ?? [];
      draft['spec'] = {
        ...spec,
        finalizers: finalizers.includes('kubernetes') ? finalizers : [...finalizers, 'kubernetes'],
      };
      draft['status'] = { phase: 'Active' };
    } else if (old['spec'] !== undefined) draft['spec'] = structuredClone(old['spec']);
  } else if (isCore(draft, 'Service')) prepareService(draft, old);
  else if (draft.kind === 'CertificateSigningRequest' && !old) {
    const { username, uid, groups, extra } = call.user;
    const { uid: _uid, extra: _extra, ...asked } = (draft['spec'] ?? {}) as Record<string, unknown>;
    draft['spec'] = {
      ...asked,
      username,
      ...(uid === undefined ? {} : { uid }),
      groups: [...groups],
      ...(extra ? { extra: structuredClone(extra) } : {}),
    };
    draft['status'] = {};
  }
}

/** Takes what is scarce (addresses, ports); in one step with the write. */
export function checkInventory(
  call: Call,
  draft: KubeObject,
  old: DeepReadonly<KubeObject> | undefined,
  dryRun: boolean,
): void {
  if (isCore(draft, 'Service')) allocateService(call, draft, old, dryRun);
}
