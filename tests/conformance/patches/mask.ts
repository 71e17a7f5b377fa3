import type { Answer } from './side.ts';

type Fields = Record<string, unknown>;

const times = /(At|Time|Timestamp)$/;
/** Managers of a real cluster that write beside the test. */
const controllers = /^(kube-controller-manager|kube-scheduler|kubelet|kwok|Go-http-client)$/;

const text = (value: string): string =>
  value
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UID')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, 'TIME')
    .replace(/resourceVersion(\\*": ?\\*")\d+/g, 'resourceVersion$1RV')
    .replace(/in record \(\d+\)/g, 'in record (RV)')
    .replace(
      /(Invalid value: )("\{(?:[^"\\]|\\.)*\}")/g,
      (_, words: string, shown: string) => words + inOrder(shown),
    );

/** An object in a message, whose fields Go writes as its type lists them. */
function inOrder(shown: string): string {
  try {
    const object: unknown = JSON.parse(JSON.parse(shown) as string);
    return JSON.stringify(sorted(value(object, '')));
  } catch {
    return shown;
  }
}

function sorted(of: unknown): unknown {
  if (Array.isArray(of)) return (of as unknown[]).map(sorted);
  if (typeof of !== 'object' || of === null) return of;
  return Object.fromEntries(
    Object.entries(of)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  );
}

/** An answer without what two servers can never have in common. */
export function masked(answer: Answer): Answer {
  return { ...answer, warning: text(answer.warning), body: value(answer.body, '') };
}

function value(of: unknown, key: string): unknown {
  if (typeof of === 'string') {
    if (key === 'resourceVersion') return 'RV';
    if (key === 'clusterIP' && of !== 'None') return 'IP';
    return times.test(key) && /^\d{4}-/.test(of) ? 'TIME' : text(of);
  }
  if (typeof of === 'number') return key === 'nodePort' ? 'PORT' : of;
  if (Array.isArray(of)) {
    if (key === 'managedFields') return entries(of as Fields[]);
    // A map's order decides which manager is told first.
    if (
      key === 'causes' &&
      of.some((each) => (each as Fields)['reason'] === 'FieldManagerConflict')
    )
      return of.map((each) => JSON.stringify(each)).sort();
    if (key === 'clusterIPs') return of.map((each: unknown) => (each === 'None' ? each : 'IP'));
    return of.map((each) => value(each, ''));
  }
  if (typeof of !== 'object' || of === null) return of;
  return Object.fromEntries(
    Object.entries(of)
      .filter(([name]) => name !== 'deployment.kubernetes.io/revision')
      .map(([name, each]) => [name, value(each, name)]),
  );
}

/** Their order hangs on the second in which each was written. */
function entries(list: readonly Fields[]): unknown[] {
  const sortKey = ({ operation, manager, apiVersion, subresource }: Fields): string =>
    [operation, manager, apiVersion, subresource].join('|');
  return list
    .filter(({ manager }) => !controllers.test(String(manager)))
    .map((entry) => value(entry, '') as Fields)
    .sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
}

/** The paths at which two values differ, at most `most` of them. */
export function differences(real: unknown, ours: unknown, path = '', most = 6): string[] {
  if (JSON.stringify(real) === JSON.stringify(ours)) return [];
  const both = [real, ours];
  const lists = both.every(Array.isArray);
  if (
    !lists &&
    !both.every((each) => typeof each === 'object' && each !== null && !Array.isArray(each))
  )
    return [`${path}: ${apart(real, ours)}`];
  const [a, b] = both as [Fields, Fields];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .flatMap((key) =>
      differences(a[key], b[key], lists ? `${path}[${key}]` : `${path}.${key}`, most),
    )
    .slice(0, most);
}

const shown = (of: unknown): string => (of === undefined ? '(absent)' : JSON.stringify(of));

/** Both values from a little before the place where they part. */
function apart(real: unknown, ours: unknown): string {
  const [a, b] = [shown(real), shown(ours)];
  let same = 0;
  while (same < a.length && a[same] === b[same]) same += 1;
  const from = Math.max(0, same - 60);
  const cut = (text: string): string => (from === 0 ? '' : '…') + text.slice(from, from + 400);
  return `real ${cut(a)} | ours ${cut(b)}`;
}
