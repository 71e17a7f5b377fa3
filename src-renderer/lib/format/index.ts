export { formatBytes } from './bytes.ts';
export { domainNames, tierNames } from './names.ts';
export { formatPercent } from './percent.ts';
export { formatClock, formatDateTime, formatDay, formatInterval } from './times.ts';
