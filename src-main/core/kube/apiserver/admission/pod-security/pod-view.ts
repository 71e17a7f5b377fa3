import { at, type JsonMap, mapOf, mapsOf, textMapOf } from '../../fields/index.ts';

/** What checks see of a pod or a pod template. */
export interface PodView {
  readonly spec: JsonMap;
  readonly annotations: Readonly<Record<string, string>>;
}

/** One violation: its short reason, and who is to blame. */
export interface CheckResult {
  readonly reason: string;
  readonly detail: string;
}

export function podView(pod: unknown): PodView {
  return {
    spec: mapOf(at(pod, 'spec')),
    annotations: textMapOf(at(pod, 'metadata', 'annotations')),
  };
}

/** Init, plain and ephemeral containers, in this order. */
export function allContainers({ spec }: PodView): readonly JsonMap[] {
  return ['initContainers', 'containers', 'ephemeralContainers'].flatMap((list) =>
    mapsOf(spec[list]),
  );
}

export function quoteJoin(items: readonly string[]): string {
  return items.length === 0 ? '' : `"${items.join('", "')}"`;
}

export function plural(singular: string, count: number): string {
  return count === 1 ? singular : `${singular}s`;
}

/** `container "a"`, `containers "a", "b"`. */
export function containersText(names: readonly string[]): string {
  return `${plural('container', names.length)} ${quoteJoin(names)}`;
}

/** `pod and container "a"`; empty when nobody is to blame. */
export function settersText(pod: boolean, containers: readonly string[]): string {
  return [
    ...(pod ? ['pod'] : []),
    ...(containers.length > 0 ? [containersText(containers)] : []),
  ].join(' and ');
}

/** `reason (detail), reason (detail)`. */
export function violationsText(results: readonly CheckResult[]): string {
  return results
    .map(({ reason, detail }) => (detail === '' ? reason : `${reason} (${detail})`))
    .join(', ');
}

export function reasonsText(results: readonly CheckResult[]): string {
  return results.map(({ reason }) => reason).join(', ');
}
