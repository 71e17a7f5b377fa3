import type { StatusCause } from './status.ts';

/** How Go prints a list of field errors: alone, or in brackets. */
export function fieldErrorList(causes: readonly StatusCause[]): string {
  const texts = causes.map(({ field, message }) => `${field ?? ''}: ${message ?? ''}`);
  return texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`;
}
