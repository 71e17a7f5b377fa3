import { shortAge } from './ages.ts';
import { compareText, type Json, list, num, sortedKeys, strings, text } from '../json-view.ts';
import { alignTabs } from '../tab-writer.ts';

/** Builds a description line by line; cells are tab-separated and aligned at the end. */
export class Description {
  #text = '';

  /** @param level steps of two spaces. */
  line(level: number, ...cells: readonly string[]): this {
    this.#text += `${'  '.repeat(level)}${cells.join('\t')}\n`;
    return this;
  }

  raw(text: string): this {
    this.#text += text;
    return this;
  }

  /** `Labels:` and the like: one pair a line. */
  pairs(
    title: string,
    values: Readonly<Record<string, string>>,
    options: { level?: number; separator?: string; skip?: ReadonlySet<string> } = {},
  ): this {
    const { level = 0, separator = '=', skip } = options;
    const keys = sortedKeys(values).filter((key) => !skip?.has(key));
    if (keys.length === 0) return this.line(level, `${title}:`, '<none>');
    keys.forEach((key, index) => {
      this.line(
        index === 0 ? level : 0,
        index === 0 ? `${title}:` : '  '.repeat(level),
        `${key}${separator}${values[key] ?? ''}`,
      );
    });
    return this;
  }

  annotations(values: Readonly<Record<string, string>>, level = 0): this {
    const keys = sortedKeys(values).filter(
      (key) => key !== 'kubectl.kubernetes.io/last-applied-configuration',
    );
    if (keys.length === 0) return this.line(level, 'Annotations:', '<none>');
    keys.forEach((key, index) => {
      const lead = index === 0 ? 'Annotations:' : '';
      const value = (values[key] ?? '').replace(/\n$/, '');
      if (value.length < 140 - key.length && !value.includes('\n'))
        this.line(level, lead, `${key}: ${value}`);
      else {
        this.line(level, lead, `${key}:`);
        for (const part of value.split('\n'))
          this.line(level, '', `  ${part.length > 140 ? `${part.slice(0, 137)}...` : part}`);
      }
    });
    return this;
  }

  /** The cells as they are, with their tabs. */
  unaligned(): string {
    return this.#text;
  }

  toString(): string {
    return alignTabs(this.#text, { minWidth: 0, padding: 2 });
  }
}

/** Name, namespace, labels, annotations: how most descriptions begin. */
export function head(
  description: Description,
  object: Json,
  options: { namespace?: boolean } = {},
): void {
  description.line(0, 'Name:', text(object, 'metadata', 'name'));
  if (options.namespace !== false)
    description.line(0, 'Namespace:', text(object, 'metadata', 'namespace'));
  description.pairs('Labels', strings(object, 'metadata', 'labels'));
  description.annotations(strings(object, 'metadata', 'annotations'));
}

/** The events section. */
export function eventsSection(
  description: Description,
  events: readonly Json[] | undefined,
  nowMs: number,
): void {
  if (events === undefined) return;
  if (events.length === 0) {
    description.line(0, 'Events:', '<none>');
    return;
  }
  description.line(0, 'Events:');
  description.line(1, 'Type', 'Reason', 'Age', 'From', 'Message');
  description.line(1, '----', '------', '----', '----', '-------');
  for (const event of sortEvents(events)) {
    const component = text(event, 'source', 'component') || text(event, 'reportingComponent');
    description.line(
      1,
      text(event, 'type'),
      text(event, 'reason'),
      eventAge(event, nowMs),
      component,
      text(event, 'message').trim(),
    );
  }
}

export function sortEvents(events: readonly Json[]): Json[] {
  return [...events].sort((a, b) => {
    const [first, second] = [lastSeen(a), lastSeen(b)];
    return first - second || compareText(text(a, 'metadata', 'name'), text(b, 'metadata', 'name'));
  });
}

function lastSeen(event: Json): number {
  const value =
    text(event, 'series', 'lastObservedTime') ||
    text(event, 'lastTimestamp') ||
    text(event, 'eventTime') ||
    text(event, 'metadata', 'creationTimestamp');
  return Date.parse(value) || 0;
}

function firstSeen(event: Json): number {
  return (
    Date.parse(
      text(event, 'firstTimestamp') ||
        text(event, 'eventTime') ||
        text(event, 'metadata', 'creationTimestamp'),
    ) || 0
  );
}

/** `5s`, or `5s (x3 over 2m)`. */
export function eventAge(event: Json, nowMs: number): string {
  const count = num(event, 'series', 'count') || num(event, 'count');
  const first = shortAge(firstSeen(event), nowMs);
  return count > 1
    ? `${shortAge(lastSeen(event), nowMs)} (x${count} over ${first})`
    : firstSeen(event) === 0
      ? shortAge(lastSeen(event), nowMs)
      : first;
}

export function taintText(taint: unknown): string {
  const value = text(taint, 'value');
  return `${text(taint, 'key')}${value === '' ? '' : `=${value}`}:${text(taint, 'effect')}`;
}

export function tolerationsOf(spec: unknown): string[] {
  return list(spec, 'tolerations').map((toleration) => {
    let out = text(toleration, 'key');
    if (text(toleration, 'value') !== '') out += `=${text(toleration, 'value')}`;
    if (text(toleration, 'effect') !== '') out += `:${text(toleration, 'effect')}`;
    if (text(toleration, 'operator') === 'Exists' && text(toleration, 'value') === '') {
      if (text(toleration, 'key') !== '' || text(toleration, 'effect') !== '') out += ' op=Exists';
      else out += 'op=Exists';
    }
    if (text(toleration, 'tolerationSeconds') !== '')
      out += ` for ${text(toleration, 'tolerationSeconds')}s`;
    return out;
  });
}

/** Go's RFC1123Z: `Sat, 21 Nov 2026 13:01:57 +0000`. */
export function timeText(timestamp: string): string {
  const ms = Date.parse(timestamp);
  return Number.isNaN(ms) ? '' : new Date(ms).toUTCString().replace('GMT', '+0000');
}
