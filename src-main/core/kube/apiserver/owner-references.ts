import { type DeepReadonly, jsonEqual } from '#core/base';
import type { ObjectMeta, OwnerReference } from '../machinery/index.ts';

/**
 * Takes owners out that are named twice, word for word, and warns of them.
 *
 * @param isAdmitted admission has had its say.
 * @see k8s.io/apiserver/pkg/endpoints/handlers/rest.go
 */
export function dropRepeatedOwners(
  meta: ObjectMeta,
  warnings: string[],
  isAdmitted: boolean,
): void {
  const owners = meta.ownerReferences;
  if (!Array.isArray(owners) || owners.length < 2) return;
  const kept: DeepReadonly<OwnerReference>[] = [];
  const repeated: string[] = [];
  for (const owner of owners)
    if (kept.some((other) => other.uid === owner.uid && jsonEqual(other, owner)))
      repeated.push(owner.uid);
    else kept.push(owner);
  if (repeated.length === 0) return;
  meta.ownerReferences = kept.map((owner) => ({ ...owner }));
  const when = isAdmitted ? ' after mutating admission happens' : '';
  warnings.push(
    `.metadata.ownerReferences contains duplicate entries${when}; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${repeated.join(', ')}`,
  );
}
