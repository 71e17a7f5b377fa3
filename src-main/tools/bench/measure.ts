/** One figure: what was measured, and what it may be at most or must be at least. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: 'ms' | 's' | 'MiB' | '/s';
  /** Limit of the project; absent for a figure that is only reported. */
  readonly limit?: { readonly atMost: number } | { readonly atLeast: number };
}

/** Time that `work` takes, ms. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** The middle of several runs, ms: robust against one that was disturbed. */
export async function median(runs: number, work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < runs; run++) times.push(await timed(work));
  return times.sort((a, b) => a - b)[Math.floor(runs / 2)] ?? 0;
}

/** Whether a figure keeps its limit; undefined when it has none. */
export function keepsLimit({ value, limit }: Figure): boolean | undefined {
  if (!limit) return undefined;
  return 'atMost' in limit ? value <= limit.atMost : value >= limit.atLeast;
}

/** The figures as a table. */
export function figureTable(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => {
    const kept = keepsLimit(figure);
    const digits = figure.value < 10 ? 2 : figure.value < 100 ? 1 : 0;
    return [
      figure.name,
      `${figure.value.toFixed(digits)} ${figure.unit}`,
      limitText(figure.limit),
      kept === undefined ? '' : kept ? 'ok' : 'MISSED',
    ];
  });
  const all = [['FIGURE', 'VALUE', 'LIMIT', ''], ...rows];
  const widths = [0, 1, 2].map((column) =>
    Math.max(...all.map((row) => (row[column] ?? '').length)),
  );
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function limitText(limit: Figure['limit']): string {
  if (!limit) return '';
  return 'atMost' in limit ? `≤ ${limit.atMost}` : `≥ ${limit.atLeast}`;
}
