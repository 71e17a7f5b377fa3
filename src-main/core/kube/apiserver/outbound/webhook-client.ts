import { type Clock, fromBase64, fromUtf8, quoted, utf8 } from '#core/base';
import { type ApiResponse, parseYaml, responseText, YamlError } from '../../machinery/index.ts';
import { at, isMap, numberOf, textAt, textOf } from '../fields/index.ts';
import type { ServerState } from '../types.ts';
import { resolveService } from './resolve-service.ts';
import type { CallWebhook, HttpsTarget, SendHttps } from './types.ts';
import { withinTime } from './within-time.ts';

interface Address {
  /** As errors name it, without its query. */
  readonly url: string;
  readonly path: string;
  /** Looked up when the connection is made, so that its failure is the call's. */
  readonly target: () => HttpsTarget;
}

/**
 * Calls webhooks as client-go's unversioned REST client does.
 * @see k8s.io/apiserver/pkg/util/webhook/client.go
 */
export function createWebhookClient(
  state: ServerState,
  clock: Clock,
  send: SendHttps,
): CallWebhook {
  return async (clientConfig, review, timeoutMs) => {
    const { url, path, target } = addressOf(state, clientConfig);
    const query = `?timeout=${Math.ceil(timeoutMs / 1000)}s`;
    const body = JSON.stringify(review);
    const posted = async (signal: AbortSignal): Promise<ApiResponse> =>
      send(
        { ...target(), timeoutMs },
        {
          method: 'POST',
          url: path + query,
          headers: {
            accept: 'application/json, */*',
            'content-type': 'application/json',
            'user-agent': 'kube-apiserver-admission',
          },
          body: utf8(body),
          signal,
        },
      );
    let response: ApiResponse;
    try {
      response = await withinTime(clock, timeoutMs, 'context deadline exceeded', posted);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      throw new Error(`Post ${quoted(url + query)}: ${text}`, { cause: error });
    }
    return decode(response, await responseText(response), review);
  };
}

function addressOf(state: ServerState, clientConfig: Readonly<Record<string, unknown>>): Address {
  const bundle = textOf(clientConfig['caBundle']);
  const roots = bundle === '' ? '' : fromUtf8(fromBase64(bundle));
  const { service } = clientConfig;
  if (isMap(service)) {
    const [namespace, name] = [textAt(service, 'namespace'), textAt(service, 'name')];
    const port = numberOf(at(service, 'port')) ?? 443;
    const serverName = `${name}.${namespace}.svc`;
    const path = cleanPath(textAt(service, 'path'));
    return {
      url: `https://${serverName}:${port}${path}`,
      path,
      target: () => ({
        ...resolveService(state, namespace, name, port),
        serverName,
        roots,
        asFrontProxy: false,
      }),
    };
  }
  const { protocol, host, hostname, port, pathname } = new URL(textOf(clientConfig['url']));
  const path = cleanPath(pathname);
  const name = hostname.replace(/^\[|\]$/g, '');
  return {
    url: `${protocol}//${host}${path}`,
    path,
    target: () => ({
      host: name,
      port: port === '' ? 443 : Number(port),
      serverName: name,
      roots,
      asFrontProxy: false,
    }),
  };
}

/** Go's path.Join("/", path): no empty elements, no slash at the end. */
const cleanPath = (path: string): string => `/${path.split('/').filter(Boolean).join('/')}`;

function decode({ status, headers }: ApiResponse, text: string, review: object): unknown {
  if (status < 200 || status > 206) throw new Error(refusalText(status, text));
  if (text === '')
    throw new Error(
      `0-length response with status code: ${status} and content type: ${headers['content-type'] ?? ''}`,
    );
  const answer = valueOf(text);
  if (!isMap(answer))
    throw new Error(
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${jsonType(answer)} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`,
    );
  const told = (field: string): string => textOf(answer[field]);
  const asked = (field: string): string => textAt(review, field);
  // What names no kind is taken for what was asked for.
  if (told('kind') === '' || told('apiVersion') === '') return answer;
  const groupOf = (version: string): string => version.split('/')[0] ?? '';
  const versionOf = (version: string): string => version.split('/').at(-1) ?? '';
  const typeOf = (field: typeof told): string =>
    `(${versionOf(field('apiVersion'))}.${field('kind')})`;
  const isStatus = told('kind') === 'Status' && told('apiVersion') === 'v1';
  const known =
    told('kind') === asked('kind') &&
    groupOf(told('apiVersion')) === groupOf(asked('apiVersion')) &&
    ['v1', 'v1beta1'].includes(versionOf(told('apiVersion')));
  if (!known && !isStatus)
    throw new Error(
      `no kind ${quoted(told('kind'))} is registered for version ${quoted(told('apiVersion'))} in scheme "pkg/runtime/scheme.go:111"`,
    );
  if (told('apiVersion') !== asked('apiVersion'))
    throw new Error(`converting ${typeOf(told)} to ${typeOf(asked)}: unknown conversion`);
  return answer;
}

/** What is no JSON is taken for YAML, as upstream's decoder does. */
function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    try {
      return parseYaml(text);
    } catch (error) {
      if (!(error instanceof YamlError)) throw error;
      throw new Error(`couldn't get version/kind; json parse error: ${error.message}`, {
        cause: error,
      });
    }
  }
}

const jsonType = (value: unknown): string =>
  value === null
    ? 'null'
    : Array.isArray(value)
      ? 'array'
      : typeof value === 'boolean'
        ? 'bool'
        : typeof value;

/** @see k8s.io/apimachinery/pkg/api/errors, NewGenericServerResponse */
function refusalText(status: number, body: string): string {
  const told = body.trim() || 'unknown';
  try {
    const answer: unknown = JSON.parse(body);
    if (isMap(answer) && answer['kind'] === 'Status' && textOf(answer['message']) !== '')
      return textOf(answer['message']);
  } catch {
    // The answer is plain text.
  }
  switch (status) {
    case 400:
      return 'the server rejected our request for an unknown reason';
    case 401:
      return 'the server has asked for the client to provide credentials';
    case 403:
    case 415:
      return told;
    case 404:
      return 'the server could not find the requested resource';
    case 405:
      return 'the server does not allow this method on the requested resource';
    case 406:
      return told === 'unknown'
        ? 'the server was unable to respond with a content type that the client supports'
        : told;
    case 409:
      return 'the server reported a conflict';
    case 422:
      return 'the server rejected our request due to an error in our request';
    case 429:
      return 'the server has received too many requests and has asked us to try again later';
    case 503:
      return 'the server is currently unable to handle the request';
    case 504:
      return 'the server was unable to return a response in the time allotted, but may still be processing the request';
  }
  return status >= 500
    ? `an error on the server (${quoted(told)}) has prevented the request from succeeding`
    : `the server responded with the status code ${status} but did not return more information`;
}
