import { concatBytes, fromUtf8, utf8 } from '#core/base';
import { formatIpv4, parseIpv4 } from '../network/index.ts';

export type RecordType =
  'A' | 'NS' | 'CNAME' | 'SOA' | 'PTR' | 'MX' | 'TXT' | 'AAAA' | 'SRV' | 'ANY';
export type ResponseCode = 'NOERROR' | 'FORMERR' | 'SERVFAIL' | 'NXDOMAIN' | 'NOTIMP' | 'REFUSED';

export interface DnsQuestion {
  /** Without the last dot; as asked, upper and lower case kept. */
  readonly name: string;
  readonly type: RecordType;
}

interface RecordBase {
  readonly name: string;
  readonly ttlSeconds: number;
}
export type DnsRecord =
  | (RecordBase & { readonly type: 'A' | 'AAAA'; readonly address: string })
  | (RecordBase & { readonly type: 'CNAME' | 'PTR' | 'NS'; readonly target: string })
  | (RecordBase & {
      readonly type: 'SRV';
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: string;
    })
  | (RecordBase & { readonly type: 'MX'; readonly preference: number; readonly target: string })
  | (RecordBase & { readonly type: 'TXT'; readonly text: string })
  | (RecordBase & {
      readonly type: 'SOA';
      readonly primary: string;
      readonly mailbox: string;
      readonly serial: number;
      readonly refresh: number;
      readonly retry: number;
      readonly expire: number;
      readonly minimum: number;
    });

export interface DnsMessage {
  readonly id: number;
  readonly response: boolean;
  readonly authoritative: boolean;
  readonly recursionDesired: boolean;
  readonly recursionAvailable: boolean;
  readonly code: ResponseCode;
  readonly questions: readonly DnsQuestion[];
  readonly answers: readonly DnsRecord[];
  readonly authorities: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
}

/** The bytes are no DNS message. */
export class DnsFormatError extends Error {
  override readonly name = 'DnsFormatError';
}

const typeNumbers: Readonly<Record<RecordType, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  ANY: 255,
};
const typeNames = new Map(
  Object.entries(typeNumbers).map(([name, number]) => [number, name as RecordType]),
);
const codes: readonly ResponseCode[] = [
  'NOERROR',
  'FORMERR',
  'SERVFAIL',
  'NXDOMAIN',
  'NOTIMP',
  'REFUSED',
];
const internetClass = 1;

export function dnsQuery(id: number, name: string, type: RecordType): DnsMessage {
  return {
    id,
    response: false,
    authoritative: false,
    recursionDesired: true,
    recursionAvailable: false,
    code: 'NOERROR',
    questions: [{ name: name.replace(/\.$/, ''), type }],
    answers: [],
    authorities: [],
    additionals: [],
  };
}

/** An answer to `query` that holds what is given and repeats its question. */
export function dnsReply(
  query: DnsMessage,
  parts: Partial<
    Pick<DnsMessage, 'code' | 'answers' | 'authorities' | 'additionals' | 'authoritative'>
  >,
): DnsMessage {
  return {
    ...query,
    response: true,
    authoritative: true,
    recursionAvailable: true,
    answers: [],
    authorities: [],
    additionals: [],
    ...parts,
  };
}

/**
 * The message in the wire format, with names compressed.
 *
 * @see https://www.rfc-editor.org/rfc/rfc1035#section-4
 */
export function encodeDns(message: DnsMessage): Uint8Array {
  const out = new Writer();
  const flags =
    (message.response ? 0x8000 : 0) |
    (message.authoritative ? 0x0400 : 0) |
    (message.recursionDesired ? 0x0100 : 0) |
    (message.recursionAvailable ? 0x0080 : 0) |
    codes.indexOf(message.code);
  out.u16(message.id);
  out.u16(flags);
  const sections = [message.answers, message.authorities, message.additionals];
  out.u16(message.questions.length);
  for (const section of sections) out.u16(section.length);
  for (const question of message.questions) {
    out.name(question.name);
    out.u16(typeNumbers[question.type]);
    out.u16(internetClass);
  }
  for (const section of sections) for (const record of section) writeRecord(out, record);
  return out.bytes();
}

/** @throws DnsFormatError */
export function decodeDns(bytes: Uint8Array): DnsMessage {
  const input = new Reader(bytes);
  const id = input.u16();
  const flags = input.u16();
  const counts = [input.u16(), input.u16(), input.u16(), input.u16()];
  const questions: DnsQuestion[] = [];
  for (let i = 0; i < (counts[0] ?? 0); i++) {
    const name = input.name();
    const type = typeNames.get(input.u16()) ?? 'ANY';
    input.u16();
    questions.push({ name, type });
  }
  const section = (count = 0): DnsRecord[] => {
    const records: DnsRecord[] = [];
    for (let i = 0; i < count; i++) {
      const record = readRecord(input);
      if (record) records.push(record);
    }
    return records;
  };
  return {
    id,
    response: (flags & 0x8000) !== 0,
    authoritative: (flags & 0x0400) !== 0,
    recursionDesired: (flags & 0x0100) !== 0,
    recursionAvailable: (flags & 0x0080) !== 0,
    code: codes[flags & 15] ?? 'SERVFAIL',
    questions,
    answers: section(counts[1]),
    authorities: section(counts[2]),
    additionals: section(counts[3]),
  };
}

function writeRecord(out: Writer, record: DnsRecord): void {
  out.name(record.name);
  out.u16(typeNumbers[record.type]);
  out.u16(internetClass);
  out.u32(record.ttlSeconds);
  const lengthAt = out.length;
  out.u16(0);
  switch (record.type) {
    case 'A':
      out.u32(parseIpv4(record.address) ?? 0);
      break;
    case 'AAAA':
      for (const group of expandIpv6(record.address)) out.u16(group);
      break;
    case 'CNAME':
    case 'PTR':
    case 'NS':
      out.name(record.target);
      break;
    case 'SRV':
      out.u16(record.priority);
      out.u16(record.weight);
      out.u16(record.port);
      out.name(record.target, false);
      break;
    case 'MX':
      out.u16(record.preference);
      out.name(record.target);
      break;
    case 'TXT': {
      const text = utf8(record.text);
      for (let i = 0; i < Math.max(1, text.length); i += 255) {
        const piece = text.subarray(i, i + 255);
        out.u8(piece.length);
        out.raw(piece);
      }
      break;
    }
    case 'SOA':
      out.name(record.primary);
      out.name(record.mailbox);
      for (const value of [
        record.serial,
        record.refresh,
        record.retry,
        record.expire,
        record.minimum,
      ])
        out.u32(value);
  }
  out.patch16(lengthAt, out.length - lengthAt - 2);
}

function readRecord(input: Reader): DnsRecord | undefined {
  const name = input.name();
  const type = typeNames.get(input.u16());
  input.u16();
  const ttlSeconds = input.u32();
  const length = input.u16();
  const end = input.offset + length;
  const record = type && readData(input, { name, ttlSeconds }, type, end);
  input.offset = end;
  return record;
}

function readData(
  input: Reader,
  base: RecordBase,
  type: RecordType,
  end: number,
): DnsRecord | undefined {
  switch (type) {
    case 'A':
      return { ...base, type, address: formatIpv4(input.u32()) };
    case 'AAAA':
      return {
        ...base,
        type,
        address: compressIpv6(Array.from({ length: 8 }, () => input.u16())),
      };
    case 'CNAME':
    case 'PTR':
    case 'NS':
      return { ...base, type, target: input.name() };
    case 'SRV':
      return {
        ...base,
        type,
        priority: input.u16(),
        weight: input.u16(),
        port: input.u16(),
        target: input.name(),
      };
    case 'MX':
      return { ...base, type, preference: input.u16(), target: input.name() };
    case 'TXT': {
      const parts: Uint8Array[] = [];
      while (input.offset < end) parts.push(input.raw(input.u8()));
      return { ...base, type, text: fromUtf8(concatBytes(parts)) };
    }
    case 'SOA':
      return {
        ...base,
        type,
        primary: input.name(),
        mailbox: input.name(),
        serial: input.u32(),
        refresh: input.u32(),
        retry: input.u32(),
        expire: input.u32(),
        minimum: input.u32(),
      };
    case 'ANY':
      return undefined;
  }
}

class Writer {
  readonly #bytes: number[] = [];
  readonly #names = new Map<string, number>();

  get length(): number {
    return this.#bytes.length;
  }

  u8(value: number): void {
    this.#bytes.push(value & 255);
  }

  u16(value: number): void {
    this.#bytes.push((value >> 8) & 255, value & 255);
  }

  u32(value: number): void {
    this.u16(Math.floor(value / 65536));
    this.u16(value % 65536);
  }

  raw(bytes: Uint8Array): void {
    this.#bytes.push(...bytes);
  }

  patch16(offset: number, value: number): void {
    this.#bytes[offset] = value >> 8;
    this.#bytes[offset + 1] = value & 255;
  }

  name(name: string, compress = true): void {
    const labels = name.split('.').filter((label) => label !== '');
    for (let i = 0; i < labels.length; i++) {
      const rest = labels.slice(i).join('.');
      const known = compress ? this.#names.get(rest) : undefined;
      if (known !== undefined) {
        this.u16(0xc000 | known);
        return;
      }
      if (this.length < 0x4000) this.#names.set(rest, this.length);
      const label = utf8(labels[i] ?? '');
      if (label.length > 63) throw new DnsFormatError(`label too long: ${labels[i] ?? ''}`);
      this.u8(label.length);
      this.raw(label);
    }
    this.u8(0);
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  u8(): number {
    const value = this.#bytes[this.offset++];
    if (value === undefined) throw new DnsFormatError('message too short');
    return value;
  }

  u16(): number {
    return this.u8() * 256 + this.u8();
  }

  u32(): number {
    return this.u16() * 65536 + this.u16();
  }

  raw(length: number): Uint8Array {
    if (this.offset + length > this.#bytes.length) throw new DnsFormatError('message too short');
    this.offset += length;
    return this.#bytes.subarray(this.offset - length, this.offset);
  }

  name(): string {
    const labels: string[] = [];
    let back: number | undefined;
    for (let hops = 0; ;) {
      const length = this.u8();
      if (length === 0) break;
      if (length >= 0xc0) {
        const target = (length & 0x3f) * 256 + this.u8();
        back ??= this.offset;
        if (++hops > 64) throw new DnsFormatError('compression loop');
        this.offset = target;
      } else labels.push(fromUtf8(this.raw(length)));
    }
    if (back !== undefined) this.offset = back;
    return labels.join('.');
  }
}

function expandIpv6(text: string): number[] {
  const [head = '', tail] = text.split('::');
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16) || 0);
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  const gap = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  return [...left, ...Array.from({ length: gap }, () => 0), ...right].slice(0, 8);
}

function compressIpv6(groups: readonly number[]): string {
  const text = groups.map((group) => group.toString(16)).join(':');
  const longest = [...text.matchAll(/(?:^|(?<=:))0(?::0)+(?=:|$)/g)]
    .map((match) => match[0])
    .sort((a, b) => b.length - a.length)[0];
  if (longest === undefined) return text;
  const at = text.search(new RegExp(`(^|(?<=:))${longest}(?=:|$)`));
  return `${text.slice(0, at).replace(/:$/, '')}::${text.slice(at + longest.length).replace(/^:/, '')}`;
}

/** `10.96.0.10` → `10.0.96.10.in-addr.arpa`. */
export function reverseName(address: string): string {
  return `${address.split('.').reverse().join('.')}.in-addr.arpa`;
}
