import { runeCount } from './go-text.ts';

export interface TabWriterOptions {
  readonly minWidth: number;
  readonly padding: number;
  /** Carries column widths from one block of lines to the next. */
  readonly remembered?: number[];
}

/**
 * Aligns tab-separated cells as Go's text/tabwriter: a cell ends with a tab, a column is a run of lines that have
 * such a cell, and each run has a width of its own. What follows the last tab of a line is no cell.
 *
 * @see https://pkg.go.dev/text/tabwriter
 */
export function alignTabs(text: string, options: TabWriterOptions): string {
  const endsWithBreak = text.endsWith('\n');
  const lines = (endsWithBreak ? text.slice(0, -1) : text)
    .split('\n')
    .map((line) => line.split('\t'));
  const out: string[] = lines.map(() => '');
  const format = (from: number, to: number, column: number, widths: readonly number[]): void => {
    let line = from;
    while (line < to) {
      const cells = lines[line] ?? [];
      if (column >= cells.length - 1) {
        out[line] = layout(cells, widths);
        line += 1;
        continue;
      }
      const start = line;
      let width = options.minWidth;
      while (line < to && column < (lines[line]?.length ?? 0) - 1) {
        const own = runeCount(lines[line]?.[column] ?? '');
        if (own + options.padding > width) width = own + options.padding;
        line += 1;
      }
      const remembered = options.remembered;
      if (remembered) {
        width = Math.max(width, remembered[column] ?? 0);
        remembered[column] = width;
      }
      format(start, line, column + 1, [...widths.slice(0, column), width]);
    }
  };
  format(0, lines.length, 0, []);
  return out.join('\n') + (endsWithBreak ? '\n' : '');
}

function layout(cells: readonly string[], widths: readonly number[]): string {
  let line = '';
  cells.forEach((cell, index) => {
    const width = widths[index];
    if (index === cells.length - 1 || width === undefined) line += cell;
    else line += cell + ' '.repeat(Math.max(0, width - runeCount(cell)));
  });
  return line;
}

/** A table as `kubectl get` lays it out. */
export function alignTable(rows: readonly (readonly string[])[], remembered?: number[]): string {
  return alignTabs(rows.map((row) => `${row.join('\t')}\n`).join(''), {
    minWidth: 6,
    padding: 3,
    ...(remembered ? { remembered } : {}),
  });
}
