import type { Expr } from './ast.ts';
import { cost as base } from './cost.ts';
import type { CelType } from './types.ts';

/** A cost or size between two bounds. */
export interface Estimate {
  readonly min: number;
  readonly max: number;
}

/** No cost and no size is greater. */
export const most = 2 ** 64;
export const fixed = (value: number): Estimate => ({ min: value, max: value });
export const unknown: Estimate = { min: 0, max: most };
export const none = fixed(0);
export const cap = (value: number): number => Math.min(value, most);
export const add = (...parts: readonly Estimate[]): Estimate => ({
  min: cap(parts.reduce((sum, { min }) => sum + min, 0)),
  max: cap(parts.reduce((sum, { max }) => sum + max, 0)),
});
const product = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : cap(a * b));
export const multiply = (a: Estimate, b: Estimate): Estimate => ({
  min: product(a.min, b.min),
  max: product(a.max, b.max),
});
export const scale = ({ min, max }: Estimate, factor: number): Estimate => ({
  min: cap(Math.ceil(min * factor)),
  max: cap(Math.ceil(max * factor)),
});
export const union = (a: Estimate, b: Estimate): Estimate => ({
  min: Math.min(a.min, b.min),
  max: Math.max(a.max, b.max),
});
export const characters = (size: Estimate, factor = 1): Estimate =>
  scale(size, factor * base.perCharacter);

/** An operand as estimates of calls see it. */
export interface Operand {
  readonly expr?: Expr;
  readonly path?: readonly string[];
  readonly type: CelType;
  readonly computed?: Estimate | undefined;
}

export interface CallEstimate {
  readonly cost: Estimate;
  readonly size?: Estimate;
}
