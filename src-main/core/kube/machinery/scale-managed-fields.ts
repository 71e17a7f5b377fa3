import type { DeepReadonly } from '#core/base';
import { type FieldSet, isEmptySet, memberNode, subtractSet } from './fields-v1.ts';
import { entriesOf, identity, ownersOf } from './managed-fields.ts';
import type { ManagedFieldsEntry } from './meta-v1.ts';

// Rules: k8s.io/apimachinery/pkg/util/managedfields/scalehandler.go.

const scaleVersion = 'autoscaling/v1';
const replicasInScale: FieldSet = { 'f:spec': { 'f:replicas': {} } };

/** Where each version of a resource keeps its replicas: `['spec', 'replicas']`; undefined for a version nobody knows. */
export type ReplicasPath = (apiVersion: string) => readonly string[] | undefined;

type Entries = readonly DeepReadonly<ManagedFieldsEntry>[];

const setOf = (path: readonly string[]): FieldSet =>
  path.reduceRight<FieldSet>((below, name) => ({ [`f:${name}`]: below }), memberNode);

function names(fields: FieldSet, path: readonly string[]): boolean {
  let node: FieldSet | undefined = fields;
  for (const name of path) node = node?.[`f:${name}`];
  return node !== undefined && (isEmptySet(node) || node['.'] !== undefined);
}

/** The managed fields of a resource as its Scale shows them. */
export function scaleEntries(parent: Entries, replicas: ReplicasPath): ManagedFieldsEntry[] {
  return entriesOf(
    ownersOf(parent).flatMap((owner) => {
      const path = replicas(owner.apiVersion);
      return path && names(owner.fields, path)
        ? [{ ...owner, apiVersion: scaleVersion, fields: replicasInScale }]
        : [];
    }),
  );
}

/**
 * The managed fields of a resource after a write of its Scale.
 * @param apiVersion of the resource in the request.
 */
export function parentEntries(
  parent: Entries,
  scale: Entries,
  apiVersion: string,
  replicas: ReplicasPath,
): ManagedFieldsEntry[] {
  const scaleOwners = new Map(ownersOf(scale).map((owner) => [identity(owner), owner]));
  const parentOwners = ownersOf(parent);
  const times = new Map(parentOwners.map((owner) => [identity(owner), owner.time]));
  const out = parentOwners.flatMap((owner) => {
    const path = replicas(owner.apiVersion);
    if (!path) return [];
    if (!names(owner.fields, path) || scaleOwners.delete(identity(owner))) return [owner];
    const fields = subtractSet(owner.fields, setOf(path));
    return isEmptySet(fields) ? [] : [{ ...owner, fields }];
  });
  const own = setOf(replicas(apiVersion) ?? []);
  for (const [key, owner] of scaleOwners)
    if (names(owner.fields, ['spec', 'replicas']))
      out.push({ ...owner, apiVersion, fields: own, time: times.get(key) });
  return entriesOf(out);
}
