import type { Outcome } from './run.ts';

/** How many requests of a kind were answered alike. */
export interface Share {
  readonly kind: string;
  readonly requests: number;
  readonly equal: number;
}

export function sharesOf(outcomes: readonly Outcome[]): Share[] {
  const shares = new Map<string, { requests: number; equal: number }>();
  for (const { kind, differences } of outcomes) {
    const share = shares.get(kind) ?? { requests: 0, equal: 0 };
    share.requests += 1;
    if (differences.length === 0) share.equal += 1;
    shares.set(kind, share);
  }
  return [...shares].map(([kind, share]) => ({ kind, ...share }));
}

/** Differences by kind and class, the most frequent first, each with one request to replay. */
export function reportOf(outcomes: readonly Outcome[], limit: number): string {
  const groups = new Map<string, { outcomes: Outcome[]; real: string; ours: string }>();
  for (const outcome of outcomes)
    for (const difference of outcome.differences) {
      const key = `${outcome.kind} | ${difference.class}`;
      const group = groups.get(key);
      if (group) group.outcomes.push(outcome);
      else groups.set(key, { outcomes: [outcome], real: difference.real, ours: difference.ours });
    }
  const lines: string[] = [];
  for (const { kind, requests, equal } of sharesOf(outcomes))
    lines.push(`${kind}: ${equal} / ${requests} equal (${percent(equal, requests)})`);
  const all = outcomes.length;
  const equal = outcomes.filter((outcome) => outcome.differences.length === 0).length;
  lines.push(`all: ${equal} / ${all} equal (${percent(equal, all)}), ${groups.size} classes`, '');
  const sorted = [...groups].sort(([, a], [, b]) => b.outcomes.length - a.outcomes.length);
  for (const [name, group] of sorted.slice(0, limit)) {
    const [first] = group.outcomes as [Outcome];
    const replays = new Set(group.outcomes.map((outcome) => outcome.replay));
    lines.push(
      `${group.outcomes.length}× ${name}`,
      `    replay ${[...replays].slice(0, 4).join(' ')} (${first.operation}, ${first.fieldValidation})`,
      ...first.changes.map(
        (change) =>
          `    ${change.what} ${change.path.join('.')} ${JSON.stringify(change.value ?? null).slice(0, 300)}`,
      ),
      `    real: ${group.real}`,
      `    ours: ${group.ours}`,
    );
  }
  return lines.join('\n');
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '–' : `${((part * 100) / whole).toFixed(1)} %`;
}

/** The requests that were answered alike, one a line: what `recorded.test.ts` reads. */
export function recordOf(id: string, outcomes: readonly Outcome[]): string {
  const rows = outcomes
    .filter(({ differences }) => differences.length === 0)
    .map(({ differences: _, ours: __, ...recorded }) => JSON.stringify(recorded))
    .filter((row) => row.length < 8000);
  return `{"id":${JSON.stringify(id)},"rows":[\n${rows.join(',\n')}\n]}\n`;
}
