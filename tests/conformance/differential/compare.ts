import { jsonEqual } from '#core/base';
import type { Answer } from './servers.ts';

/** One difference of two answers: where, generally, and what both said. */
export interface Difference {
  /** Without indices, names and values, so that differences of one cause fall together. */
  readonly class: string;
  readonly real: string;
  readonly ours: string;
}

type Fields = Record<string, unknown>;

interface Cause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

/** What an answer says, without what differs between any two servers. */
export function masked(raw: Answer, sent: unknown): Answer {
  const answer = withoutAllocated(raw, sent);
  const plain = (text: string): string =>
    text
      .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<uid>')
      .replace(/\b20(2[6-9]|[3-9]\d)-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '<time>')
      .replace(/(resourceVersion\\*":\\*")\d+/g, '$1<rv>')
      .replace(/kube-api-access-[a-z0-9]{5}/g, 'kube-api-access-<rand>')
      .replace(/X509SHA256=[0-9a-f]{64}/g, 'X509SHA256=<hash>')
      .replace(/(0x)?c[0-9a-f]{9,11}\b/g, '<pointer>');
  const walk = (value: unknown, given: unknown, key: string): unknown => {
    if (typeof value === 'string') {
      if (given === undefined && /^clusterIPs?$/.test(key) && /^[\d.]+$/.test(value)) return '<ip>';
      return plain(value);
    }
    if (typeof value === 'number')
      return given === undefined && /nodePort$/i.test(key) && value >= 30000 ? '<port>' : value;
    if (Array.isArray(value)) {
      const items = Array.isArray(given) ? (given as unknown[]) : [];
      return value.map((item, index) => walk(item, items[index], key));
    }
    if (typeof value !== 'object' || value === null) return value;
    const out: Fields = {};
    for (const [name, entry] of Object.entries(value))
      out[name] = walk(entry, (given as Fields | null | undefined)?.[name], name);
    return out;
  };
  const body = walk(answer.body, sent, '') as Fields;
  const metadata = body['metadata'] as Fields | undefined;
  if (metadata) {
    delete metadata['managedFields'];
    for (const key of ['resourceVersion', 'uid'])
      if (metadata[key] !== undefined) metadata[key] = `<${key}>`;
    const generateName = metadata['generateName'];
    const given = (sent as { metadata?: Fields } | undefined)?.metadata?.['name'];
    if (typeof generateName === 'string' && given !== metadata['name'])
      metadata['name'] = `${generateName}<rand>`;
  }
  return { status: answer.status, body, warnings: answer.warnings.map(plain) };
}

/** Addresses and ports that a server chose for a Service that exists, replaced by ones of the same form. */
function withoutAllocated(answer: Answer, sent: unknown): Answer {
  const { kind, metadata } = (sent ?? {}) as { kind?: string; metadata?: { uid?: string } };
  if (kind !== 'Service' || !metadata?.uid) return answer;
  const text = JSON.stringify(answer)
    .replace(/\b10\.(9[6-9]|1[01]\d)\.\d+\.\d+\b/g, '10.96.0.0')
    .replace(/\b3[0-2]\d{3}\b/g, '39999');
  return JSON.parse(text) as Answer;
}

const shape = (path: string): string => path.replaceAll(/\[[^\]]*\]/g, '[*]');

/** Words of a message without its values. */
const words = (text: string): string =>
  shape(text)
    .replaceAll(/\\"/g, '')
    .replaceAll(/"[^"]*"/g, '"…"')
    .replaceAll(/'[^']*'/g, "'…'")
    .replaceAll(/(Invalid value|Unsupported value|Duplicate value): .*?: /g, '$1: … : ')
    .replaceAll(/-?\b\d+\b/g, '0')
    .slice(0, 200);

const show = (value: unknown): string => {
  const text = value === undefined ? '–' : JSON.stringify(value);
  return text.length > 600 ? `${text.slice(0, 600)}…` : text;
};

/** @returns nothing if the answers are equal. */
export function differences(real: Answer, ours: Answer): Difference[] {
  const found: Difference[] = [];
  const add = (name: string, a: unknown, b: unknown): void => {
    found.push({ class: name, real: show(a), ours: show(b) });
  };
  if (real.status >= 400 || ours.status >= 400) compareFailures(real, ours, add);
  else {
    if (real.status !== ours.status) add('status code', real.status, ours.status);
    compareValues(real.body, ours.body, '', add);
  }
  for (const text of real.warnings)
    if (!ours.warnings.includes(text)) add(`warning missing: ${words(text)}`, text, ours.warnings);
  for (const text of ours.warnings)
    if (!real.warnings.includes(text)) add(`warning added: ${words(text)}`, real.warnings, text);
  if (found.length === 0 && !jsonEqual(real.warnings, ours.warnings))
    add('order of warnings', real.warnings, ours.warnings);
  return found;
}

type Add = (name: string, real: unknown, ours: unknown) => void;

function compareFailures(real: Answer, ours: Answer, add: Add): void {
  const told = (answer: Answer): string =>
    answer.status < 400
      ? `accepted`
      : typeof answer.body['message'] === 'string'
        ? answer.body['message']
        : show(answer.body);
  const causes = (answer: Answer): readonly Cause[] =>
    (answer.body['details'] as { causes?: Cause[] } | undefined)?.causes ?? [];
  const text = (cause: Cause): string => `${cause.field}: ${cause.message}`;
  const [a, b] = [causes(real).map(text), causes(ours).map(text)];
  const missing = a.filter((cause) => !b.includes(cause));
  const more = b.filter((cause) => !a.includes(cause));
  const before = missing.length + more.length;
  for (const cause of missing) add(`cause missing: ${words(cause)}`, cause, b);
  for (const cause of more) add(`cause added: ${words(cause)}`, a, cause);
  if (before > 0) {
    if (real.status !== ours.status && (real.status < 400 || ours.status < 400))
      add(`${real.status} ≠ ${ours.status}`, told(real), told(ours));
    return;
  }
  if (real.status !== ours.status || told(real) !== told(ours))
    add(
      `${real.status} ≠ ${ours.status}: ${words(told(real))} ≠ ${words(told(ours))}`,
      told(real),
      told(ours),
    );
  else if (!jsonEqual(a, b)) add('order of causes', a, b);
  else if (!jsonEqual(real.body, ours.body)) add('status object', real.body, ours.body);
}

function compareValues(real: unknown, ours: unknown, path: string, add: Add): void {
  if (jsonEqual(real, ours)) return;
  const objects =
    typeof real === 'object' && typeof ours === 'object' && real !== null && ours !== null;
  if (objects && !Array.isArray(real) && !Array.isArray(ours)) {
    for (const key of new Set([...Object.keys(real), ...Object.keys(ours)]))
      compareValues((real as Fields)[key], (ours as Fields)[key], `${path}.${key}`, add);
    return;
  }
  if (Array.isArray(real) && Array.isArray(ours) && real.length === ours.length) {
    real.forEach((item, index) => compareValues(item, ours[index], `${path}[${index}]`, add));
    return;
  }
  const what = real === undefined ? 'added' : ours === undefined ? 'missing' : 'differs';
  add(`object ${shape(path)} ${what}`, { [path]: real }, { [path]: ours });
}
