import { fromUtf8, toBase64, utf8 } from '#core/base';
import { CommandError, prefixed } from '../errors.ts';
import { compareText, type Json, list, map, strings, text } from '../json-view.ts';
import { absorb, type Behavior, makeResource, type Resource, type Resources } from './resource.ts';

/** Reads a file of the kustomization. @throws CommandError */
export type ReadBytes = (path: string) => Uint8Array;

/** `configMapGenerator` and `secretGenerator`. @throws CommandError */
export function runGenerators(resources: Resources, kustomization: Json, read: ReadBytes): void {
  for (const kind of ['ConfigMap', 'Secret'] as const)
    for (const entry of list(
      kustomization,
      kind === 'ConfigMap' ? 'configMapGenerator' : 'secretGenerator',
    )) {
      const made = generate(kind, map(entry), map(kustomization, 'generatorOptions'), read);
      // Upstream prints the generator as Go prints a pointer: an address that says nothing.
      prefixed('merging from generator &{0xc000a52680 <nil>}', () => {
        absorb(resources, made);
      });
    }
}

function generate(
  kind: 'ConfigMap' | 'Secret',
  entry: Json,
  shared: Json,
  read: ReadBytes,
): Resource {
  const name = text(entry, 'name');
  if (name === '') throw new CommandError('a configmap must have a name');
  const own = map(entry, 'options');
  const labels = { ...strings(shared, 'labels'), ...strings(own, 'labels') };
  const annotations = { ...strings(shared, 'annotations'), ...strings(own, 'annotations') };
  const flag = (field: string): boolean => own[field] === true || shared[field] === true;
  const namespace = text(entry, 'namespace');
  const object: Json = {
    apiVersion: 'v1',
    kind,
    metadata: {
      name,
      ...(namespace === '' ? {} : { namespace }),
      ...(Object.keys(labels).length > 0 ? { labels } : {}),
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    },
    ...(kind === 'Secret' ? { type: text(entry, 'type') || 'Opaque' } : {}),
    ...dataOf(kind, pairsOf(entry, name, read)),
    ...(flag('immutable') ? { immutable: true } : {}),
  };
  const behavior = text(entry, 'behavior');
  return makeResource(object, {
    behavior: (['create', 'replace', 'merge'] as const).includes(behavior as 'create')
      ? (behavior as Behavior)
      : 'unspecified',
    needsHash: !flag('disableNameSuffixHash'),
  });
}

function dataOf(kind: 'ConfigMap' | 'Secret', pairs: ReadonlyMap<string, Uint8Array>): Json {
  const data: Json = {};
  const binaryData: Json = {};
  for (const [key, bytes] of [...pairs].sort(([a], [b]) => compareText(a, b)))
    if (kind === 'Secret') data[key] = wrappedBase64(bytes);
    else {
      const decoded = textOf(bytes);
      if (decoded === undefined) binaryData[key] = wrappedBase64(bytes);
      else data[key] = decoded;
    }
  return {
    ...(kind === 'Secret' || Object.keys(data).length > 0 ? { data } : {}),
    ...(Object.keys(binaryData).length > 0 ? { binaryData } : {}),
  };
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Base64 in lines of 70 letters; a text of one line has no line break. */
function wrappedBase64(bytes: Uint8Array): string {
  const encoded = toBase64(bytes);
  if (encoded.length < 70) return encoded;
  return (encoded.match(/.{1,70}/g) ?? []).map((line) => `${line}\n`).join('');
}

const keyPattern = /^[-._a-zA-Z0-9]+$/;

function pairsOf(entry: Json, name: string, read: ReadBytes): Map<string, Uint8Array> {
  const out = new Map<string, Uint8Array>();
  const add = (key: string, bytes: Uint8Array): void => {
    if (!keyPattern.test(key))
      throw new CommandError(
        `"${key}" is not a valid key name: a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')`,
      );
    if (out.has(key))
      throw new CommandError(`configmap ${name} illegally repeats the key \`${key}\``);
    out.set(key, bytes);
  };
  const loading = (what: string, sources: readonly string[], load: () => void): void => {
    prefixed(`loading KV pairs: ${what} [${sources.join(' ')}]`, load);
  };
  const found: [string, Uint8Array][] = [];
  const single = text(entry, 'env');
  const envs = [...list(entry, 'envs').map(String), ...(single === '' ? [] : [single])];
  loading('env source files:', envs, () => {
    for (const path of envs) found.push(...envPairs(fromUtf8(read(path))));
  });
  const literals = list(entry, 'literals').map(String);
  loading('literal sources', literals, () => {
    for (const literal of literals) {
      const equals = literal.indexOf('=');
      if (equals <= 0)
        throw new CommandError(`invalid literal source ${literal}, expected key=value`);
      const value = literal.slice(equals + 1).replace(/^(["'])(.*)\1$/s, '$2');
      found.push([literal.slice(0, equals), utf8(value)]);
    }
  });
  const files = list(entry, 'files').map(String);
  loading('file sources:', files, () => {
    for (const source of files) {
      const { key, path } = fileSource(source);
      found.push([key, read(path)]);
    }
  });
  for (const [key, bytes] of found) add(key, bytes);
  return out;
}

function fileSource(source: string): { key: string; path: string } {
  const parts = source.split('=');
  const [first = '', second = ''] = parts;
  if (parts.length === 1) return { key: source.split('/').at(-1) ?? source, path: source };
  if (parts.length > 2)
    throw new CommandError(`source "${source}" key name or file path contains '='`);
  if (first === '')
    throw new CommandError(`missing key name for file path "${second}" in source "${source}"`);
  if (second === '')
    throw new CommandError(`missing file path for key name "${first}" in source "${source}"`);
  return { key: first, path: second };
}

function envPairs(content: string): [string, Uint8Array][] {
  const out: [string, Uint8Array][] = [];
  for (const raw of content.replace(/^\ufeff/, '').split('\n')) {
    const line = raw.replace(/\r$/, '').trimStart();
    if (line === '' || line.startsWith('#')) continue;
    const equals = line.indexOf('=');
    const key = equals < 0 ? line : line.slice(0, equals);
    if (!/^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(key))
      throw new CommandError(
        `"${key}" is not a valid environment variable name: a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit (e.g. 'my.env-name',  or 'MY_ENV.NAME',  or 'MyEnvName1', regex used for validation is '[-._a-zA-Z][-._a-zA-Z0-9]*')`,
      );
    out.push([key, utf8(equals < 0 ? '' : line.slice(equals + 1))]);
  }
  return out;
}
