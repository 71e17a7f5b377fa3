import type { WordNode } from 'just-bash';

type Part = WordNode['parts'][number];

/** Brace expansion, which comes before everything else: one word becomes several. */
export function braces(parts: readonly Part[]): Part[][] {
  const at = parts.findIndex((part) => part.type === 'BraceExpansion');
  const brace = parts[at];
  if (brace?.type !== 'BraceExpansion') return [[...parts]];
  const before = parts.slice(0, at);
  const rest = braces(parts.slice(at + 1));
  const middles = brace.items.flatMap((item): Part[][] =>
    item.type === 'Word'
      ? braces(item.word.parts)
      : range(item).map((value) => [{ type: 'Literal', value }]),
  );
  return middles.flatMap((middle) => rest.map((tail) => [...before, ...middle, ...tail]));
}

function range(item: {
  start: string | number;
  end: string | number;
  step?: number;
  startStr?: string;
  endStr?: string;
}): string[] {
  const letters = typeof item.start === 'string';
  const start = letters ? (item.start as string).charCodeAt(0) : Number(item.start);
  const end = letters ? String(item.end).charCodeAt(0) : Number(item.end);
  const step = Math.max(1, Math.abs(item.step ?? 1)) * (end < start ? -1 : 1);
  const padded = [item.startStr, item.endStr].some((text) => /^-?0\d/.test(text ?? ''));
  const width = padded ? Math.max(item.startStr?.length ?? 0, item.endStr?.length ?? 0) : 0;
  const values: string[] = [];
  for (let value = start; step > 0 ? value <= end : value >= end; value += step)
    values.push(
      letters
        ? String.fromCharCode(value)
        : value < 0
          ? `-${String(-value).padStart(width - 1, '0')}`
          : String(value).padStart(width, '0'),
    );
  return values;
}
