/** A set of completion indexes as Jobs write it: `1,3-5,7`; two neighbours stay two numbers. */
export type IndexSet = ReadonlySet<number>;

/** Reads `1,3-5`; indexes at or above `completions` are dropped. */
export function parseIndexes(text: string | undefined, completions: number): Set<number> {
  const indexes = new Set<number>();
  for (const part of (text ?? '').split(',')) {
    if (part === '') continue;
    const [first, last] = part.split('-').map(Number);
    if (first === undefined || Number.isNaN(first)) continue;
    for (let index = first; index <= Math.min(last ?? first, completions - 1); index++)
      indexes.add(index);
  }
  return indexes;
}

/** @see k8s.io/kubernetes/pkg/controller/job/indexed_job_utils.go, orderedIntervals.String */
export function formatIndexes(indexes: IndexSet): string {
  const sorted = [...indexes].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let at = 0; at < sorted.length;) {
    const first = sorted[at] ?? 0;
    let last = first;
    while (sorted[at + 1] === last + 1) {
      last += 1;
      at += 1;
    }
    at += 1;
    parts.push(last === first ? `${first}` : `${first}${last > first + 1 ? '-' : ','}${last}`);
  }
  return parts.join(',');
}
