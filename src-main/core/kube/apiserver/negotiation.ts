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
import { isTrue, type RequestInfo } from './request-info.ts';

/** The form a client wants its answer in. */
export interface OutputForm {
  readonly media: 'json' | 'yaml' | 'protobuf';
  readonly as: 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList' | undefined;
  /** Of meta.k8s.io, for `as`. */
  readonly version: 'v1' | 'v1beta1';
  readonly pretty: boolean;
}

interface Clause {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

const parsed = new Map<string, readonly Clause[]>();

/** The clauses of an Accept header, the best first. */
export function acceptClauses(header: string): readonly Clause[] {
  let clauses = parsed.get(header);
  if (!clauses) {
    clauses = header
      .split(',')
      .map((text): Clause => {
        const [type = '', ...rest] = text.split(';').map((part) => part.trim());
        const parameters = new Map(
          rest.map((part) => {
            const equals = part.indexOf('=');
            return equals < 0 ? [part, ''] : [part.slice(0, equals), part.slice(equals + 1)];
          }),
        );
        return {
          type: type.toLowerCase(),
          parameters,
          quality: Number(parameters.get('q') ?? '1'),
        };
      })
      .filter(({ type }) => type !== '')
      .sort((a, b) => b.quality - a.quality);
    if (parsed.size < 1000) parsed.set(header, clauses);
  }
  return clauses;
}

const available = 'application/json, application/yaml, application/vnd.kubernetes.protobuf';

/** 406 for an Accept header nothing can serve. */
export function notAcceptable(): Error {
  return failure(
    406,
    'NotAcceptable',
    `406: Not Acceptable\n\nAvailable representations: ${available}`,
    {},
  );
}

/** 406 for a form (`as=`) that what is asked for has not. */
export function unsupportedForm(): Error {
  return failure(406, 'NotAcceptable', `only the following media types are accepted: ${available}`);
}

/** @throws StatusError 406 */
export function outputForm(request: ApiRequest, info: RequestInfo): OutputForm {
  const pretty = wantsPretty(request, info);
  const accept = request.headers['accept'];
  if (accept === undefined || accept === '')
    return { media: 'json', as: undefined, version: 'v1', pretty };
  for (const { type, parameters } of acceptClauses(accept)) {
    const media =
      type === 'application/json' || type === '*/*' || type === 'application/*'
        ? 'json'
        : type === 'application/yaml'
          ? 'yaml'
          : type === protobufContentType
            ? 'protobuf'
            : undefined;
    if (!media) continue;
    const as = parameters.get('as');
    if (as === undefined) return { media, as: undefined, version: 'v1', pretty };
    const version = parameters.get('v');
    if (
      media === 'protobuf' ||
      parameters.get('g') !== 'meta.k8s.io' ||
      (version !== 'v1' && version !== 'v1beta1') ||
      (as !== 'Table' && as !== 'PartialObjectMetadata' && as !== 'PartialObjectMetadataList')
    )
      continue;
    return { media, as, version, pretty };
  }
  throw notAcceptable();
}

/** Browsers and curl get indented JSON, and whoever asks. */
export function wantsPretty(request: ApiRequest, info: RequestInfo): boolean {
  const asked = info.query.get('pretty');
  if (asked !== null) return isTrue(asked);
  const agent = request.headers['user-agent'] ?? '';
  return agent.startsWith('curl') || agent.startsWith('Wget') || agent.startsWith('Mozilla/5.0');
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
    ? () => [JSON.stringify(object, null, 2)]
    : json
      ? () => withNewline(json())
      : () => [JSON.stringify(object), '\n'];
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
  pretty: boolean,
  headers: Readonly<Record<string, string>> = {},
): ApiResponse {
  const retry = status.details?.retryAfterSeconds;
  return objectResponse(
    status.code ?? 200,
    status,
    { media: 'json', pretty },
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
