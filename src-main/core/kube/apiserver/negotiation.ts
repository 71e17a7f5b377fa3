import { utf8 } from '#core/base';
import { protobufContentType } from '../apis/index.ts';
import {
  type ApiRequest,
  type ApiResponse,
  failure,
  formatYaml,
  type Status,
} from '../machinery/index.ts';
import { binaryForm } from './protobuf.ts';
import { jsonText } from './json-text.ts';
import type { RequestInfo } from './request-info.ts';

/** The form a client wants its answer in. */
export interface OutputForm {
  readonly media: Media;
  readonly as: 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList' | undefined;
  /** Of meta.k8s.io, for `as`. */
  readonly version: 'v1' | 'v1beta1';
  readonly pretty: boolean;
}

export type Media = 'json' | 'yaml' | 'protobuf';

interface Clause {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

/** Another kind than the stored one, as the parameters `as`, `g` and `v` name it. */
interface Conversion {
  readonly kind: string;
  readonly group: string;
  readonly version: string;
}

/** What was agreed on. */
export interface Negotiated {
  readonly media: Media;
  readonly conversion: Conversion | undefined;
  readonly pretty: boolean;
}

const mediaTypes: Readonly<Record<Media, string>> = {
  json: 'application/json',
  yaml: 'application/yaml',
  protobuf: protobufContentType,
};
const allMedia: readonly Media[] = ['json', 'yaml', 'protobuf'];
const available: readonly string[] = Object.values(mediaTypes);
const streamable = [mediaTypes.json, mediaTypes.protobuf].map((type) => `${type};stream=watch`);

const parsed = new Map<string, readonly Clause[]>();

/** The clauses of an Accept header, the best first. @see github.com/munnerz/goautoneg, ParseAccept */
function acceptClauses(header: string): readonly Clause[] {
  let clauses = parsed.get(header);
  if (!clauses) {
    clauses = header
      .split(',')
      .map(clauseOf)
      .filter((clause) => clause !== undefined)
      .sort((a, b) => b.quality - a.quality || wildness(a.type) - wildness(b.type));
    if (parsed.size < 1000) parsed.set(header, clauses);
  }
  return clauses;
}

function clauseOf(text: string): Clause | undefined {
  const [range = '', ...rest] = text.split(';').map((part) => part.trim());
  const [type = '', subtype = '', ...more] = range.split('/').map((part) => part.trim());
  if (more.length > 0 || (subtype === '' && type !== '*')) return undefined;
  const parameters = new Map<string, string>();
  let quality = 1;
  for (const part of rest) {
    const [name = '', value = '', ...others] = part.split('=').map((each) => each.trim());
    if (value === '' || others.length > 0) continue;
    if (name === 'q') quality = Number(value) || 0;
    else parameters.set(name, value);
  }
  return { type: `${type}/${subtype === '' ? '*' : subtype}`, parameters, quality };
}

const wildness = (type: string): number => (type === '*/*' ? 2 : type.endsWith('/*') ? 1 : 0);

/**
 * Finds the first form the client names that `allows` lets pass.
 *
 * @see k8s.io/apiserver/pkg/endpoints/handlers/negotiation/negotiate.go, NegotiateMediaTypeOptions
 */
export function negotiate(
  accept: string | undefined,
  allows: (media: Media, conversion: Conversion | undefined) => boolean,
): Negotiated | undefined {
  if (accept === undefined || accept.trim() === '')
    return { media: 'json', conversion: undefined, pretty: false };
  for (const { type, parameters } of acceptClauses(accept))
    for (const media of allMedia) {
      if (type !== mediaTypes[media] && type !== 'application/*' && type !== '*/*') continue;
      const stream = parameters.get('stream');
      if (stream !== undefined && (stream !== 'watch' || media === 'yaml')) continue;
      const [kind, group, version] = ['as', 'g', 'v'].map((name) => parameters.get(name));
      const isPlain = kind === undefined && group === undefined && version === undefined;
      const conversion = isPlain
        ? undefined
        : { kind: kind ?? '', group: group ?? '', version: version ?? '' };
      if (!allows(media, conversion)) continue;
      return { media, conversion, pretty: parameters.get('pretty') === '1' };
    }
  return undefined;
}

/** 406 as the handlers word it. */
export function notAcceptable(
  message = `only the following media types are accepted: ${available.join(', ')}`,
): Error {
  return failure(406, 'NotAcceptable', message);
}

/** 406 of a watch in a form that cannot be streamed. */
export function notStreamable(): Error {
  return notAcceptable(`only the following media types are accepted: ${streamable.join(', ')}`);
}

/** What routes of objects produce, and those of lists that can be watched. */
export const objectMedia: readonly string[] = available;
export const listMedia: readonly string[] = [...available, ...streamable];

/**
 * Built-in resources and documents have routes that tell what they produce, and are not found by others.
 *
 * @throws StatusError 406
 * @see github.com/emicklei/go-restful/v3/route.go, matchesAccept
 */
export function checkRoute(request: ApiRequest, produced = objectMedia): void {
  const accept = request.headers['accept'];
  if (accept === undefined || accept.trim() === '') return;
  const types = accept.split(',').map((range) => range.split(';', 1)[0]?.trim() ?? '');
  if (types.some((type) => type === '*/*' || produced.includes(type))) return;
  throw failure(
    406,
    'NotAcceptable',
    `406: Not Acceptable\n\nAvailable representations: ${produced.join(', ')}`,
    {},
  );
}

/** 406 for a form (`as=`) that what is asked for has not. */
export function unsupportedForm(): Error {
  return notAcceptable();
}

const shownKinds = ['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList'] as const;

/**
 * The form of an object's answer.
 *
 * @param custom kinds have no binary form; their metadata has.
 * @throws StatusError 406
 * @see k8s.io/apiserver/pkg/endpoints/handlers/rest.go, AllowsMediaTypeTransform
 */
export function outputForm(request: ApiRequest, info: RequestInfo, custom: boolean): OutputForm {
  const found = negotiate(request.headers['accept'], (media, conversion) => {
    if (!conversion) return !custom || media !== 'protobuf';
    const { kind, group, version } = conversion;
    if (group !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) return false;
    return kind === 'Table'
      ? media !== 'protobuf'
      : (shownKinds as readonly string[]).includes(kind);
  });
  if (!found) throw notAcceptable();
  const { media, conversion, pretty } = found;
  return {
    media,
    as: shownKinds.find((kind) => kind === conversion?.kind),
    version: conversion?.version === 'v1beta1' ? 'v1beta1' : 'v1',
    pretty: pretty || wantsPretty(request, info),
  };
}

/** The form of documents and errors, which are never another kind; undefined when the client takes none. */
export function plainForm(
  request: ApiRequest,
  info: RequestInfo,
): Pick<OutputForm, 'media' | 'pretty'> | undefined {
  const found = negotiate(request.headers['accept'], (_, conversion) => conversion === undefined);
  return found && { media: found.media, pretty: found.pretty || wantsPretty(request, info) };
}

/** Browsers and curl get indented JSON, and whoever asks. @see negotiate.go, isPrettyPrint */
function wantsPretty(request: ApiRequest, info: RequestInfo): boolean {
  const asked = info.query.get('pretty');
  if (asked !== null && asked !== '') return /^(?:1|t|T|TRUE|true|True)$/.test(asked);
  const agent = request.headers['user-agent'] ?? '';
  return agent.startsWith('curl') || agent.startsWith('Wget') || agent.startsWith('Mozilla/5.0');
}

/**
 * An error in a form the client takes; indented JSON when it takes none.
 *
 * @see k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/writers.go, ErrorNegotiated
 */
export function errorResponse(
  request: ApiRequest,
  info: RequestInfo,
  status: Status,
  headers: Readonly<Record<string, string>> = {},
): ApiResponse {
  const form = plainForm(request, info) ?? { media: 'json', pretty: true };
  return statusResponse(status, form, headers);
}

/** An object in the asked form. `json` gives its text in pieces when it is known already. */
export function objectResponse(
  status: number,
  object: object,
  form: Pick<OutputForm, 'media' | 'pretty'>,
  json?: () => Iterable<string>,
  headers: Readonly<Record<string, string>> = {},
): ApiResponse {
  if (form.media === 'yaml')
    return {
      status,
      headers: { ...headers, 'content-type': 'application/yaml', 'cache-control': noCache },
      body: { kind: 'bytes', bytes: utf8(formatYaml(object)) },
    };
  if (form.media === 'protobuf') {
    const bytes = binaryForm(object);
    if (bytes)
      return {
        status,
        headers: { ...headers, 'content-type': protobufContentType, 'cache-control': noCache },
        body: { kind: 'bytes', bytes },
      };
  }
  const encode = form.pretty
    ? () => [jsonText(object, 2)]
    : json
      ? () => withNewline(json())
      : () => [jsonText(object), '\n'];
  return {
    status,
    headers: { ...headers, 'content-type': 'application/json', 'cache-control': noCache },
    body: { kind: 'object', object, encode },
  };
}

const noCache = 'no-cache, private';

function* withNewline(pieces: Iterable<string>): Iterable<string> {
  yield* pieces;
  yield '\n';
}

/** A Status as the answer. */
export function statusResponse(
  status: Status,
  form: Pick<OutputForm, 'media' | 'pretty'>,
  headers: Readonly<Record<string, string>> = {},
): ApiResponse {
  const retry = status.details?.retryAfterSeconds;
  return objectResponse(
    status.code ?? 200,
    status,
    form,
    undefined,
    retry === undefined ? headers : { ...headers, 'retry-after': String(retry) },
  );
}

/** Plain text. */
export function textResponse(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): ApiResponse {
  return {
    status,
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'cache-control': noCache,
      ...headers,
    },
    body: { kind: 'bytes', bytes: utf8(text) },
  };
}
