/** Columns as Go's tabwriter sets them with a least width of 20 and 3 blanks between. */
export function table(rows: readonly (readonly string[])[], least = 20, padding = 3): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(least, ...rows.map((row) => (row[column] ?? '').length + padding)),
  );
  return rows
    .map(
      (row) =>
        `${row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('')}\n`,
    )
    .join('');
}

/** `3 seconds`, `About a minute`. @see github.com/docker/go-units HumanDuration */
export function humanDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.floor(seconds / 60);
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.round(seconds / 3600);
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.floor(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.floor(hours / 24 / 7)} weeks`;
  return `${Math.floor(hours / 24 / 30)} months`;
}

/** `1.07MB`, `654kB`: three digits that count. */
export function humanSize(bytes: number, digits = 3): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${Number(value.toPrecision(digits))}${units[unit] ?? ''}`;
}

/** The first 13 digits, without `sha256:`. */
export function shortId(id: string, length = 13): string {
  return id.replace(/^sha256:/, '').slice(0, length);
}

/** A reference taken apart for a table: repository and tag. */
export function repositoryAndTag(tag: string): readonly [string, string] {
  const colon = tag.lastIndexOf(':');
  return [tag.slice(0, colon), tag.slice(colon + 1)];
}

/** A line as logrus writes it without a terminal. */
export function logrusLine(nowMs: number, level: string, message: string): string {
  const time = `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
  return `time="${time}" level=${level} msg=${JSON.stringify(message)}\n`;
}
