/** One figure: what was measured, and what it may be at most or must be at least. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: 'ms' | 's' | 'MiB' | '/s' | '%';
  /** Limit of the project; absent for a figure that is only reported. */
  readonly limit?: { readonly atMost: number } | { readonly atLeast: number };
}

/** Time that `work` takes, ms. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** The times of several runs, ms. */
export async function times(runs: number, work: () => Promise<unknown>): Promise<number[]> {
  const taken: number[] = [];
  for (let run = 0; run < runs; run++) taken.push(await timed(work));
  return taken;
}

/** The middle of several runs, ms: robust against one that was disturbed. */
export const median = async (runs: number, work: () => Promise<unknown>): Promise<number> =>
  quantile(await times(runs, work), 0.5);

/** The value below which a share of them lies, 0 to 1; 0 for none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** Asks `question` every few milliseconds while `work` runs. @returns how long each answer took, ms. */
export async function waitsDuring(
  question: () => Promise<unknown>,
  work: () => Promise<unknown>,
): Promise<readonly number[]> {
  const waits: number[] = [];
  let running = true;
  const ask = async (): Promise<void> => {
    while (running) {
      waits.push(await timed(question));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const asking = ask();
  try {
    await work();
  } finally {
    running = false;
    await asking;
  }
  return waits;
}

/** @throws Error `work` takes longer than this. */
export async function within<T>(limitMs: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
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
