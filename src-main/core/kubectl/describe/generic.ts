import { goValue } from '../print/go-value.ts';
import { isJson, type Json, sortedKeys, strings, text } from '../json-view.ts';
import type { Description } from './writer.ts';

const special: Readonly<Record<string, string>> = {
  uid: 'UID',
  id: 'ID',
  api: 'API',
  url: 'URL',
  ip: 'IP',
  ips: 'IPs',
  cpu: 'CPU',
  uri: 'URI',
  http: 'HTTP',
  tls: 'TLS',
  dns: 'DNS',
};

/** `creationTimestamp` -> `Creation Timestamp`. @see describe.go, smartLabelFor */
function labelFor(field: string): string {
  if (!/^[A-Za-z]/.test(field) || /[^A-Za-z0-9]/.test(field)) return field;
  const parts = field.match(/[A-Z]{2,}(?![a-z])|[A-Z]?[a-z0-9]+|[A-Z]/g) ?? [field];
  return parts
    .map((part) => special[part.toLowerCase()] ?? part.charAt(0).toUpperCase() + part.slice(1))
    .join(' ');
}

/** Any object, member by member: custom resources and kinds without a description of their own. */
export function describeGeneric(out: Description, object: Json): void {
  out.line(0, 'Name:', text(object, 'metadata', 'name'));
  out.line(0, 'Namespace:', text(object, 'metadata', 'namespace'));
  out.pairs('Labels', strings(object, 'metadata', 'labels'));
  out.annotations(strings(object, 'metadata', 'annotations'));
  const skipped = new Set([
    '.metadata.managedFields',
    '.metadata.name',
    '.metadata.namespace',
    '.metadata.labels',
    '.metadata.annotations',
  ]);
  members(out, 0, object, '', skipped);
}

function members(
  out: Description,
  level: number,
  object: Json,
  path: string,
  skipped: ReadonlySet<string>,
): void {
  const rename: Readonly<Record<string, string>> = { apiVersion: 'API Version' };
  for (const key of sortedKeys(object)) {
    const own = `${path}.${key}`;
    if (skipped.has(own)) continue;
    const label = rename[key] ?? labelFor(key);
    const value = object[key];
    if (isJson(value)) {
      if (own === '.metadata') {
        out.line(level, 'Metadata:');
        members(out, level + 1, value, own, skipped);
        continue;
      }
      out.line(level, `${label}:`);
      members(out, level + 1, value, own, skipped);
    } else if (Array.isArray(value)) {
      out.line(level, `${label}:`);
      for (const item of value as unknown[])
        if (isJson(item)) members(out, level + 1, item, own, skipped);
        else out.line(level + 1, goValue(item));
    } else out.line(level, `${label}:`, goValue(value));
  }
}
