import { celValue, compileCel } from '../../../../../../src-main/core/kube/apiserver/cel/index.ts';

/** The value of an expression over `self`, or what is wrong with it. */
export function untypedSelf(expression: string, self: unknown): unknown {
  try {
    return compileCel(expression, ['self']).evaluate({ self: celValue(self) });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
