import type { ObjectReference } from './graded-cluster.ts';

const version = /^v\d+((alpha|beta)\d+)?$/;

/**
 * Reads `apps/v1/Deployment/NAMESPACE/NAME`, `v1/Node/NAME`.
 * @throws Error the text is no reference.
 */
export function parseReference(text: string): ObjectReference {
  const { apiVersion, kind, rest } = split(text);
  const [first, second, ...more] = rest;
  if (!first || more.length > 0)
    throw new Error(`${JSON.stringify(text)} is not VERSION/KIND/[NAMESPACE/]NAME`);
  return second === undefined
    ? { apiVersion, kind, name: first }
    : { apiVersion, kind, namespace: first, name: second };
}

/**
 * Reads `v1/Pod/NAMESPACE`, `v1/Node`: all objects of a kind.
 * @throws Error the text is no such reference.
 */
export function parseListReference(text: string): Omit<ObjectReference, 'name'> {
  const { apiVersion, kind, rest } = split(text);
  const [namespace, ...more] = rest;
  if (more.length > 0) throw new Error(`${JSON.stringify(text)} is not VERSION/KIND[/NAMESPACE]`);
  return namespace ? { apiVersion, kind, namespace } : { apiVersion, kind };
}

/** `Deployment/web`, for people. */
export function shortName(reference: ObjectReference): string {
  return `${reference.kind}/${reference.name}`;
}

function split(text: string): { apiVersion: string; kind: string; rest: readonly string[] } {
  const parts = text.split('/');
  const core = version.test(parts[0] ?? '');
  const apiVersion = parts.slice(0, core ? 1 : 2).join('/');
  const [kind, ...rest] = parts.slice(core ? 1 : 2);
  if (!kind || (!core && !version.test(parts[1] ?? '')))
    throw new Error(`${JSON.stringify(text)} does not begin with an API version and a kind`);
  return { apiVersion, kind, rest };
}
