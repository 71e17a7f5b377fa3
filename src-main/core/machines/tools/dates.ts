const units: Readonly<Record<string, number>> = {
  sec: 1000,
  second: 1000,
  min: 60_000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
};

/** What `date -d` takes: ISO dates, `@seconds`, `now`, `yesterday`, `2 days ago`, `+1 hour`; undefined if it is none. */
export function parseDate(text: string, nowMs: number): number | undefined {
  const lower = text.trim().toLowerCase();
  if (/^@-?\d+(\.\d+)?$/.test(lower)) return Number(lower.slice(1)) * 1000;
  const words: Readonly<Record<string, number>> = {
    now: nowMs,
    '': nowMs,
    today: nowMs,
    yesterday: nowMs - 86_400_000,
    tomorrow: nowMs + 86_400_000,
  };
  const known = words[lower];
  if (known !== undefined) return known;
  const relative =
    /^(.*?)\s*([-+]?\s*\d+)\s*(sec|second|min|minute|hour|day|week|month|year)s?(\s+ago)?$/.exec(
      lower,
    );
  if (relative && !/^\d{4}-/.test(relative[2] ?? '')) {
    const base = parseDate(relative[1] ?? '', nowMs);
    if (base !== undefined) {
      const count = Number((relative[2] ?? '0').replace(/\s/g, '')) * (relative[4] ? -1 : 1);
      const unit = relative[3] ?? '';
      if (unit === 'month' || unit === 'year') {
        const date = new Date(base);
        if (unit === 'month') date.setUTCMonth(date.getUTCMonth() + count);
        else date.setUTCFullYear(date.getUTCFullYear() + count);
        return date.getTime();
      }
      return base + count * (units[unit] ?? 0);
    }
  }
  const iso =
    /^(\d{4}-\d{2}-\d{2})(?:[t ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?))?\s*(z|utc|[-+]\d{2}:?\d{2})?$/.exec(
      lower,
    );
  const parsed = iso
    ? Date.parse(
        `${iso[1] ?? ''}T${iso[2] ?? '00:00'}${iso[3] === undefined || /z|utc/.test(iso[3]) ? 'Z' : iso[3]}`,
      )
    : Date.parse(/utc|gmt|z$|[-+]\d{4}/i.test(text) ? text : `${text} UTC`);
  return Number.isNaN(parsed) ? undefined : parsed;
}
