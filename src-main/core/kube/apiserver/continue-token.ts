import { fromUtf8, toBase64, utf8 } from '#core/base';
import { badRequest } from '../machinery/index.ts';

/** Where the next page of a list begins. */
export interface ContinueToken {
  /** -1: any state will do, for the first one is gone. */
  readonly resourceVersion: number;
  /** The first key of the page, below the list's prefix. */
  readonly start: string;
}

export function encodeContinue(token: ContinueToken): string {
  const text = JSON.stringify({ v: version, rv: token.resourceVersion, start: token.start });
  return toBase64(utf8(text)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/**
 * @throws StatusError 400
 * @see k8s.io/apiserver/pkg/storage/continue.go, DecodeContinue
 */
export function decodeContinue(text: string): ContinueToken {
  const value = parse(bytesOf(text));
  if (value.v !== version)
    throw invalidKey(`server does not recognize this encoded version ${value.v ?? ''}`);
  if (!value.rv) throw invalidKey(`incorrect encoded start resourceVersion (version ${version})`);
  const start = value.start ?? '';
  if (start === '') throw invalidKey('encoded start key empty (version meta.k8s.io/v1)');
  const key = start.startsWith('/') ? start : `/${start}`;
  if (cleaned(key) !== key) throw invalidKey(start);
  return { resourceVersion: value.rv, start: key.slice(1) };
}

const version = 'meta.k8s.io/v1';

function invalidKey(why: string): Error {
  return badRequest(`invalid continue token: continue key is not valid: ${why}`);
}

/** base64.RawURLEncoding. */
function bytesOf(text: string): Uint8Array {
  const digits = text.replaceAll(/[\r\n]/g, '');
  const wrong = digits.search(/[^A-Za-z0-9_-]/);
  const end = digits.length % 4 === 1 ? digits.length - 1 : -1;
  if (wrong >= 0 || end >= 0)
    throw invalidKey(`illegal base64 data at input byte ${wrong >= 0 ? wrong : end}`);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const bytes: number[] = [];
  let bits = 0;
  let count = 0;
  for (const digit of digits) {
    bits = ((bits << 6) | alphabet.indexOf(digit)) & 0xffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push((bits >> count) & 0xff);
  }
  return Uint8Array.from(bytes);
}

const fields = { v: 'string', rv: 'number', start: 'string' } as const;

function parse(bytes: Uint8Array): { v?: string; rv?: number; start?: string } {
  const text = fromUtf8(bytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const first = text.trimStart().slice(0, 1);
    throw invalidKey(
      first === '' || first === '{'
        ? 'unexpected end of JSON input'
        : `invalid character '${first}' looking for beginning of value`,
    );
  }
  if (value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value))
    throw invalidKey(
      `json: cannot unmarshal ${goKind(value)} into Go value of type storage.continueToken`,
    );
  for (const [name, item] of Object.entries(value)) {
    const wanted = Object.hasOwn(fields, name) ? fields[name as keyof typeof fields] : undefined;
    if (wanted !== undefined && item !== null && typeof item !== wanted)
      throw invalidKey(
        `json: cannot unmarshal ${goKind(item)} into Go struct field continueToken.${name} of type ${wanted === 'number' ? 'int64' : wanted}`,
      );
  }
  return value;
}

function goKind(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

/** path.Clean of an absolute path. */
function cleaned(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}
