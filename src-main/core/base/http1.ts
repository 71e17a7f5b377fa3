import type { ByteSource } from './byte-stream.ts';
import { concatBytes, fromUtf8, utf8 } from './bytes.ts';

/** Names in lower case; values of a repeated name joined by a comma. */
export type Headers = Record<string, string>;

/** The bytes are no HTTP/1.1. */
export class HttpSyntaxError extends Error {
  override readonly name = 'HttpSyntaxError';
}

const maxHeadBytes = 64 * 1024;
const empty = new Uint8Array(0);

/** Reads lines and counted pieces from a stream of chunks. */
export class ByteReader {
  readonly #source: ByteSource;
  #rest: Uint8Array = empty;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** @returns the next bytes, at most `limit`; undefined at the end. */
  async read(limit = Number.POSITIVE_INFINITY): Promise<Uint8Array | undefined> {
    if (this.#rest.length === 0) {
      const chunk = await this.#source.read();
      if (!chunk) return undefined;
      this.#rest = chunk;
    }
    const taken = this.#rest.subarray(0, limit);
    this.#rest = this.#rest.subarray(taken.length);
    return taken;
  }

  /** One line without its CR LF; undefined at the end of the stream. @throws HttpSyntaxError too long. */
  async readLine(): Promise<string | undefined> {
    const parts: Uint8Array[] = [];
    let length = 0;
    for (;;) {
      const chunk = await this.read();
      if (!chunk) return length === 0 ? undefined : fromUtf8(concatBytes(parts));
      const end = chunk.indexOf(10);
      if (end >= 0) {
        this.#rest = concatBytes([chunk.subarray(end + 1), this.#rest]);
        parts.push(chunk.subarray(0, end));
        return fromUtf8(concatBytes(parts)).replace(/\r$/, '');
      }
      parts.push(chunk);
      length += chunk.length;
      if (length > maxHeadBytes) throw new HttpSyntaxError('line too long');
    }
  }

  /** @throws HttpSyntaxError the stream ended before. */
  async readExactly(length: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let missing = length;
    while (missing > 0) {
      const chunk = await this.read(missing);
      if (!chunk) throw new HttpSyntaxError('unexpected EOF');
      parts.push(chunk);
      missing -= chunk.length;
    }
    return concatBytes(parts);
  }

  async readRest(): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for (let chunk = await this.read(); chunk; chunk = await this.read()) parts.push(chunk);
    return concatBytes(parts);
  }
}

/** Header lines up to the empty one. @throws HttpSyntaxError */
export async function readHeaders(reader: ByteReader): Promise<Headers> {
  const headers: Headers = {};
  for (let count = 0; ; count++) {
    const line = await reader.readLine();
    if (line === undefined || line === '') return headers;
    const colon = line.indexOf(':');
    if (colon <= 0 || count > 200) throw new HttpSyntaxError(`malformed header: ${line}`);
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
}

/**
 * A message's body as its head frames it.
 * @param untilClose what a body without a length is: everything up to the end (answers), or nothing (requests).
 */
export function bodySource(reader: ByteReader, headers: Headers, untilClose: boolean): ByteSource {
  if (headers['transfer-encoding']?.toLowerCase().includes('chunked')) return chunkedSource(reader);
  const length = headers['content-length'];
  if (length === undefined) return untilClose ? { read: () => reader.read() } : emptySource;
  let missing = Number(length) || 0;
  return {
    read: async () => {
      if (missing <= 0) return undefined;
      const chunk = await reader.read(missing);
      missing -= chunk ? chunk.length : missing;
      return chunk;
    },
  };
}

export const emptySource: ByteSource = { read: () => Promise.resolve(undefined) };

function chunkedSource(reader: ByteReader): ByteSource {
  let left = 0;
  let done = false;
  return {
    read: async () => {
      if (done) return undefined;
      if (left === 0) {
        left = Number.parseInt((await reader.readLine()) ?? '0', 16) || 0;
        if (left === 0) {
          done = true;
          await readHeaders(reader);
          return undefined;
        }
      }
      const chunk = await reader.read(left);
      if (!chunk) {
        done = true;
        return undefined;
      }
      left -= chunk.length;
      if (left === 0) await reader.readLine();
      return chunk;
    },
  };
}

/** One chunk of a chunked body. */
export function encodeChunk(bytes: Uint8Array): Uint8Array {
  return concatBytes([utf8(`${bytes.length.toString(16)}\r\n`), bytes, utf8('\r\n')]);
}

export const lastChunk: Uint8Array = utf8('0\r\n\r\n');

/** `content-type` as it is written on the wire: `Content-Type`. */
export function canonicalName(name: string): string {
  if (name === 'etag') return 'ETag';
  if (name === 'www-authenticate') return 'WWW-Authenticate';
  return name.replace(
    /(^|-)([a-z])/g,
    (_, dash: string, letter: string) => dash + letter.toUpperCase(),
  );
}

export function headerLines(headers: Readonly<Headers>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${canonicalName(name)}: ${value}\r\n`)
    .join('');
}

/** @see https://www.iana.org/assignments/http-status-codes */
const reasons: Readonly<Record<number, string>> = {
  100: 'Continue',
  101: 'Switching Protocols',
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'No Content',
  206: 'Partial Content',
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  304: 'Not Modified',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  408: 'Request Timeout',
  409: 'Conflict',
  410: 'Gone',
  413: 'Request Entity Too Large',
  415: 'Unsupported Media Type',
  416: 'Requested Range Not Satisfiable',
  422: 'Unprocessable Entity',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

export function reasonPhrase(status: number): string {
  return reasons[status] ?? '';
}
