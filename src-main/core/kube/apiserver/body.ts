import { fromUtf8, jsonClone } from '#core/base';
import {
  decodeProtobuf,
  protobufContentType,
  type SchemaNode,
  type SchemaSet,
} from '../apis/index.ts';
import {
  type ApiRequest,
  badRequest,
  failure,
  formatGroupVersion,
  invalid,
  invalidValue,
  isMap,
  type KubeObject,
  parseGroupVersion,
  parseYamlLeniently,
  type YamlDuplicate,
  YamlError,
  isTooDeep,
  maxKeptDepth,
  scanJson,
} from '../machinery/index.ts';
import type { Emptied } from './emptied.ts';
import { DecodeError, normalize } from './normalize.ts';

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

/** What a body is expected to hold. */
export interface ExpectedKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly schemas: SchemaSet;
  readonly root: SchemaNode;
}

export interface Decoded {
  readonly object: KubeObject;
  /** Unknown and duplicate fields, as warnings word them. */
  readonly problems: readonly string[];
  /** What the object does not hold any more. */
  readonly emptied: readonly Emptied[];
}

/** The problems of one body in a strict error: those of the YAML reader are one. */
export function strictText(problems: readonly string[]): string {
  const isOfYaml = (text: string): boolean => text.startsWith('line ');
  const lines = problems.filter(isOfYaml);
  const others = problems.filter((text) => !isOfYaml(text));
  return [...(lines.length > 0 ? [yamlErrorText(lines)] : []), ...others].join(', ');
}

/** What Go's YAML reader says of keys that occur twice. */
export function yamlErrorText(lines: readonly string[]): string {
  return `yaml: unmarshal errors:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

/** A body that is no YAML; what nests too deep is told in upstream's words, though the limit is a lower one. */
export function yamlFault({ message, line }: YamlError): string {
  if (/maxDepth|nested deeper/.test(message))
    return `yaml: ${line === undefined ? '' : `line ${line}: `}exceeded max depth of 10000`;
  return message.startsWith('yaml:') ? message : `yaml: ${message}`;
}

/** `line 3: key "a" already set in map`. */
export function yamlDuplicateText({ line, key }: YamlDuplicate): string {
  return `line ${line}: key ${JSON.stringify(key)} already set in map`;
}

const supportedTypes =
  'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf';

/** The media type of a body without parameters. */
export function mediaTypeOf(request: ApiRequest): string {
  const header = request.headers['content-type'] ?? '';
  const semicolon = header.indexOf(';');
  return (semicolon < 0 ? header : header.slice(0, semicolon)).trim().toLowerCase();
}

interface Raw {
  readonly value: unknown;
  /** Keys that occur twice, as warnings word them. */
  readonly duplicates: readonly string[];
  /** Of a JSON body that has such keys or may have unknown ones. */
  readonly json?: string;
  readonly isDeep?: boolean;
}

const typeOnly =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

const summaryBytes = 30;

/** The beginning of a body: JSON as it is, anything else in hexadecimal. @see rest.go, summarizeData */
function summaryOf(bytes: Uint8Array): string {
  if (bytes.length === 0) return '<empty>';
  const head = bytes.subarray(0, summaryBytes);
  const shown =
    head[0] === 0x7b
      ? fromUtf8(head)
      : [...head].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return bytes.length > summaryBytes ? `${shown} ...` : shown;
}

/** Reads a body as an object of any kind. @throws StatusError 400, 415 */
function readRaw(request: ApiRequest, apiVersion: string, kind: string): Raw {
  if (request.object) return { value: request.object, duplicates: [] };
  const body = request.body ?? new Uint8Array();
  const media = mediaTypeOf(request);
  const unrecognized = (why: string): Error =>
    badRequest(
      `the object provided is unrecognized (must be of type ${kind}): ${why} (${summaryOf(body)})`,
    );
  let value: unknown;
  let duplicates: readonly string[] = [];
  let json: string | undefined;
  let isDeep = false;
  if (media === '' || media === 'application/json' || media === '*/*') {
    const text = fromUtf8(body);
    const scan = scanJson(text);
    if (scan.error !== undefined)
      throw unrecognized(`couldn't get version/kind; json parse error: ${scan.error}`);
    value = JSON.parse(text);
    json = text;
    isDeep = scan.depth > maxKeptDepth;
    duplicates = scan.duplicates.map((path) => `duplicate field "${path}"`);
  } else if (media === 'application/yaml') {
    try {
      const read = parseYamlLeniently(fromUtf8(body));
      value = read.value;
      duplicates = read.duplicates.map(yamlDuplicateText);
    } catch (error) {
      if (!(error instanceof YamlError)) throw error;
      throw unrecognized(yamlFault(error));
    }
  } else if (media === protobufContentType) {
    try {
      value = decodeProtobuf(body, { apiVersion, kind });
    } catch (error) {
      throw badRequest(error instanceof Error ? error.message : String(error));
    }
  } else throw failure(415, 'UnsupportedMediaType', supportedTypes);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const found = Array.isArray(value)
      ? 'array'
      : typeof value === 'boolean'
        ? 'bool'
        : typeof value;
    throw unrecognized(
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${found} into Go value of type ${typeOnly}`,
    );
  }
  return { value, duplicates, isDeep, ...(json === undefined ? {} : { json }) };
}

/**
 * The object of a request's body in the form its Go type would hold.
 *
 * @param known tells whether a kind is served, for the text of a mismatch.
 * @throws StatusError 400, 415
 */
export function decodeBody(
  request: ApiRequest,
  expected: ExpectedKind,
  custom: boolean,
  validation: FieldValidation,
  known: (group: string, version: string, kind: string) => boolean,
): Decoded {
  const raw = readRaw(request, formatGroupVersion(expected), expected.kind);
  const value = raw.value as Record<string, unknown>;
  if (custom && request.body && (value['kind'] ?? '') === '') {
    const text = fromUtf8(request.body);
    const shown = text.startsWith('{') ? text : hexOf(request.body);
    throw badRequest(
      `the object provided is unrecognized (must be of type ${expected.kind}): Object 'Kind' is missing in '${text}' (${shown})`,
    );
  }
  const wanted = formatGroupVersion(expected);
  const apiVersion =
    typeof value['apiVersion'] === 'string' && value['apiVersion'] !== ''
      ? value['apiVersion']
      : wanted;
  const kind =
    typeof value['kind'] === 'string' && value['kind'] !== '' ? value['kind'] : expected.kind;
  if (expected.kind === 'DeleteOptions') {
    // Part of every group's every version, known or not: typed clients send that of what they delete.
    if (kind !== expected.kind)
      throw badRequest(
        `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`,
      );
  } else if (apiVersion !== wanted || kind !== expected.kind) {
    const { group, version } = parseGroupVersion(apiVersion);
    const sameKind = kind === expected.kind && group === expected.group;
    if (custom && apiVersion === wanted)
      throw invalid({ group: expected.group, kind }, nameOf(value), [
        invalidValue('kind', kind, `must be ${expected.kind}`),
      ]);
    if (custom && !sameKind) throw otherVersion(apiVersion, wanted);
    if (!custom && !(sameKind && known(group, version, kind))) {
      const internal = expected.group === '' ? 'core' : (expected.group.split('.')[0] ?? '');
      throw badRequest(
        `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${expected.kind}: ${
          known(group, version, kind)
            ? `converting (${version}.${kind}) to (${internal}.${expected.kind}): unknown conversion`
            : `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`
        }`,
      );
    }
  }
  const unfit = (message: string): Error =>
    badRequest(
      `${kind} in version ${JSON.stringify(parseGroupVersion(apiVersion).version)} cannot be handled as a ${expected.kind}: ${message}`,
    );
  if (custom && raw.isDeep) throw unfit('exceeded max depth');
  const result = normalizeShallow(
    () => normalizeObject(value, expected, custom, apiVersion, kind, unfit),
    unfit,
  );
  if (raw.isDeep && isTooDeep(result.object)) throw unfit('exceeded max depth');
  const problems =
    custom || raw.json === undefined
      ? withDuplicates(raw.duplicates, result.problems)
      : inOrder(raw.json, raw.duplicates, result.problems);
  if (validation === 'Strict' && problems.length > 0)
    throw badRequest(
      `${kind} in version ${JSON.stringify(parseGroupVersion(apiVersion).version)} cannot be handled as a ${expected.kind}: strict decoding error: ${strictText(problems)}`,
    );
  return { object: result.object, problems, emptied: result.emptied };
}

/** A custom object of another version than the path's. */
export function otherVersion(apiVersion: string, wanted: string): Error {
  return badRequest(
    `the API version in the data (${apiVersion}) does not match the expected API version (${wanted})`,
  );
}

/** A schema that holds itself can make a typed object nest deeper than calls do. */
function normalizeShallow(normalized: () => Decoded, unfit: (message: string) => Error): Decoded {
  try {
    return normalized();
  } catch (error) {
    if (error instanceof RangeError) throw unfit('exceeded max depth');
    throw error;
  }
}

function nameOf({ metadata }: Readonly<Record<string, unknown>>): string {
  const name = isMap(metadata) ? metadata['name'] : undefined;
  return typeof name === 'string' ? name : '';
}

/** Duplicates of fields nobody knows are not told. */
export function withDuplicates(
  duplicates: readonly string[],
  problems: readonly string[],
): readonly string[] {
  const unknown = new Set(problems);
  return [
    ...duplicates.filter((text) => !unknown.has(text.replace('duplicate', 'unknown'))),
    ...problems,
  ];
}

/**
 * The problems of a JSON body as they stand in it. What is below a field that nobody knows is not looked at.
 * @see sigs.k8s.io/json, where keys are checked while values are read
 */
function inOrder(
  json: string,
  duplicates: readonly string[],
  unknown: readonly string[],
): readonly string[] {
  if (duplicates.length + unknown.length < 2) return [...duplicates, ...unknown];
  const found = new Set([...duplicates, ...unknown]);
  const ordered = new Set<string>();
  let skipped = '';
  scanJson(json, (path, isDuplicate) => {
    if (skipped !== '' && (path.startsWith(`${skipped}.`) || path.startsWith(`${skipped}[`)))
      return;
    skipped = '';
    const unknownText = `unknown field "${path}"`;
    if (found.has(unknownText)) {
      skipped = path;
      ordered.add(unknownText);
    } else if (isDuplicate) ordered.add(`duplicate field "${path}"`);
  });
  return [...ordered];
}

/**
 * A raw object in the form its Go type would hold; `fail` makes the error for a value that does not fit.
 * Custom resources keep what they hold; only their metadata is typed.
 *
 * @param settled a spec that has this form already: where it is the object's own it is taken as it is, not copied.
 */
export function normalizeObject(
  value: Readonly<Record<string, unknown>>,
  expected: ExpectedKind,
  custom: boolean,
  apiVersion: string,
  kind: string,
  fail: (message: string, error: DecodeError) => Error,
  settled?: unknown,
): Decoded {
  const unknown: string[] = [];
  const emptied: Emptied[] = [];
  try {
    if (custom) {
      const { metadata, ...rest } = value;
      const meta = normalize(metadata ?? {}, objectMeta, expected.schemas, 'ObjectMeta', unknown);
      return {
        object: {
          apiVersion,
          kind,
          metadata: meta,
          ...withoutType(jsonClone(rest)),
        },
        problems: unknown.map((path) => `unknown field "metadata.${path}"`),
        emptied,
      };
    }
    const isSettled = settled !== undefined && value['spec'] === settled;
    const open = isSettled ? { ...value, spec: {} } : value;
    const fields = normalize(open, expected.root, expected.schemas, kind, unknown, emptied);
    if (isSettled) fields['spec'] = settled;
    const { metadata, ...rest } = fields;
    return {
      object: { kind, apiVersion, metadata: metadata ?? {}, ...rest },
      problems: unknown.map((path) => `unknown field "${path}"`),
      emptied,
    };
  } catch (error) {
    if (error instanceof DecodeError) throw fail(error.message, error);
    throw error;
  }
}

/** Takes `apiVersion` and `kind` out: they are written first. */
function withoutType(fields: Record<string, unknown>): Record<string, unknown> {
  delete fields['apiVersion'];
  delete fields['kind'];
  return fields;
}

const objectMeta: SchemaNode = { ref: 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' };

/** The expected kind of a subresource's or an option's body. */
export function expectedKind(
  schemas: SchemaSet,
  group: string,
  version: string,
  kind: string,
): ExpectedKind {
  const name =
    kind === 'DeleteOptions'
      ? 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions'
      : `io.k8s.api.${group === '' ? 'core' : (group.split('.')[0] ?? '')}.${version}.${kind}`;
  return {
    group,
    version,
    kind,
    schemas,
    root: schemas.get(name) ?? { type: 'object', preserveUnknownFields: true },
  };
}

function hexOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
