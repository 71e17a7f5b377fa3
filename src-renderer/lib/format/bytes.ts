const units = ['B', 'KB', 'MB', 'GB', 'TB'];

/** `formatBytes(1_536)` is `1.5 KB`; decimal places below ten only. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}
