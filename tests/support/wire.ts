import { readFileSync } from 'node:fs';
import { Agent, request as httpsRequest } from 'node:https';
import { gunzipSync } from 'node:zlib';

/** A raw request, as a client would write it on the socket. */
export interface WireRequest {
  readonly method: string;
  /** Sent as it is: dots, doubled slashes and escapes reach the server. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON. */
  readonly body?: object | string;
  /** Whether credentials are left out. */
  readonly anonymous?: boolean;
}

/** What came back, masked. */
export interface WireAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Where requests go, and with which credentials. */
export interface WireTarget {
  readonly server: string;
  readonly certificate: string;
  readonly privateKey: string;
}

/** Reads cluster and user of a kubeconfig as kubeadm or a test writes it: certificates inline, YAML or JSON. */
export function wireTarget(kubeconfig: string): WireTarget {
  const text = readFileSync(kubeconfig, 'utf8');
  const valueOf = (key: string): string =>
    new RegExp(`"?${key}"?:\\s*"?([^"\\s,}]+)`).exec(text)?.[1] ?? '';
  const pem = (key: string): string => Buffer.from(valueOf(key), 'base64').toString();
  return {
    server: valueOf('server'),
    certificate: pem('client-certificate-data'),
    privateKey: pem('client-key-data'),
  };
}

/** Longest wait for more of an answer. */
const timeoutMs = 10_000;

/** A client that sends what it is told and reads to the end. */
export class WireClient {
  readonly #target: WireTarget;
  readonly #known: Agent;
  readonly #anonymous: Agent;

  constructor(target: WireTarget) {
    this.#target = target;
    const common = { keepAlive: true, rejectUnauthorized: false, maxSockets: 16 };
    this.#known = new Agent({ ...common, cert: target.certificate, key: target.privateKey });
    this.#anonymous = new Agent(common);
  }

  send(row: WireRequest): Promise<WireAnswer> {
    const { hostname, port } = new URL(this.#target.server);
    const body =
      row.body === undefined
        ? undefined
        : Buffer.from(typeof row.body === 'string' ? row.body : JSON.stringify(row.body));
    return new Promise((resolve, reject) => {
      const outgoing = httpsRequest(
        {
          hostname,
          port,
          method: row.method,
          path: row.path,
          agent: row.anonymous ? this.#anonymous : this.#known,
          headers: {
            'user-agent': 'wire/1',
            ...(body ? { 'content-length': String(body.length) } : {}),
            ...(body && row.headers?.['content-type'] === undefined
              ? { 'content-type': 'application/json' }
              : {}),
            ...row.headers,
          },
        },
        (incoming) => {
          const parts: Buffer[] = [];
          incoming.on('data', (part: Buffer) => parts.push(part));
          incoming.on('error', reject);
          incoming.on('end', () => {
            const sent = Buffer.concat(parts);
            const bytes = incoming.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
            resolve({
              status: incoming.statusCode ?? 0,
              headers: maskedHeaders(incoming.headers),
              body: maskedBody(bytes, incoming.headers['content-type'] ?? ''),
            });
          });
        },
      );
      outgoing.on('error', reject);
      outgoing.setTimeout(timeoutMs, () => outgoing.destroy(new Error('no answer in time')));
      outgoing.end(body);
    });
  }

  close(): void {
    this.#known.destroy();
    this.#anonymous.destroy();
  }
}

/** Headers of the connection, or of the moment. */
const ignored = new Set([
  'audit-id',
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'transfer-encoding',
  'last-modified',
]);

function maskedHeaders(headers: NodeJS.Dict<string | string[]>): Record<string, string> {
  const masked: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (ignored.has(name) || name.startsWith('x-kubernetes-pf-')) continue;
    const text = Array.isArray(value) ? value.join(', ') : (value ?? '');
    masked[name] =
      name === 'expires'
        ? 'TIME'
        : name === 'etag'
          ? 'ETAG'
          : text.replace(/hash=\w+/, 'hash=HASH');
  }
  return Object.fromEntries(Object.entries(masked).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const uidPattern = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const hexOf = (byte: string): string => byte.charCodeAt(0).toString(16).padStart(2, '0');

/** Whatever differs from one server, or one run, to the next. Binary bodies are told byte by byte. */
export function maskedBody(bytes: Buffer, contentType: string): string {
  if (contentType.includes('protobuf') && bytes.length > 0)
    return bytes
      .toString('latin1')
      .replaceAll(uidPattern, 'UID')
      .replaceAll(/172\.30\.1\.2:\d{4}/g, 'ADDRESS')
      .replaceAll(/\x08\x08[^]{5}\x10\0/g, 'TIME')
      .replaceAll(/\x12\x03\d{3}\x1a/g, 'RV')
      .replaceAll(/2[\x01-\x09]\d+8(?=[\0-\x09])/g, 'RV8')
      .replaceAll(/[^\x20-\x7e]/g, (byte) => `\\x${hexOf(byte)}`);
  return maskedText(bytes.toString());
}

function maskedText(text: string): string {
  // Prose of documents is a build product.
  if (text.startsWith('{"openapi":'))
    return text.replaceAll(/"description":"(?:[^"\\]|\\.)*",?/g, '').replaceAll(',}', '}');
  return (
    text
      // One more comes within a second, or not.
      .replaceAll(/(initial-events-end[^\n]*\n)\{"type":"BOOKMARK"[^\n]*\n/g, '$1')
      .replaceAll(uidPattern, 'UID')
      .replaceAll(/("(?:format|type)":"[a-z0-9-]*","description":)"(?:[^"\\]|\\.)*"/g, '$1"PROSE"')
      .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, 'TIME')
      .replaceAll(/(resourceVersion(?:\\*":\s*\\*"|: "))\d+/g, '$1RV')
      .replaceAll(
        /((?:continue"|continue):\s*"?)[A-Za-z0-9_=-]{8,}/g,
        (_, head: string) => `${head}TOKEN`,
      )
      .replaceAll(/description: [^]*?\n(?= *format:)/g, 'description: PROSE\n')
      // Pages for debugging, which are not served.
      .replaceAll(/ *"\/(?:flagz|statusz|metrics\/slis)",\n/g, '')
      .replaceAll(/"keys":\[.*\]/g, '"keys":KEYS')
      .replaceAll(/RS256|ES256/g, 'ALG')
      .replaceAll(/  - \d+[smh](?:\d+[smh])?\n/g, '  - AGE\n')
      .replaceAll(/current: \d+/g, 'current: RV')
      .replaceAll(/\(\d+\)/g, '(RV)')
      .replaceAll(/hash=[0-9A-F]{128}/g, 'hash=HASH')
      .replaceAll(/127\.0\.0\.1:\d{4,5}|172\.30\.1\.2:\d{4,5}/g, 'ADDRESS')
      .replaceAll(/"\d+[smh](?:\d+[smh])?"/g, '"AGE"')
  );
}
