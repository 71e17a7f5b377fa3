import type { Builtin } from '../types.ts';
import { controlBuiltins } from './control.ts';
import { directoryBuiltins } from './directories.ts';
import { ioBuiltins } from './io.ts';
import { jobBuiltins } from './jobs.ts';
import { optionBuiltins } from './options.ts';
import { variableBuiltins } from './variables.ts';

/** Every builtin, by name. */
export const builtins: Readonly<Record<string, Builtin | undefined>> = {
  // No name of Object.prototype is a builtin.
  constructor: undefined,
  hasOwnProperty: undefined,
  isPrototypeOf: undefined,
  toString: undefined,
  valueOf: undefined,
  ...controlBuiltins,
  ...directoryBuiltins,
  ...ioBuiltins,
  ...jobBuiltins,
  ...optionBuiltins,
  ...variableBuiltins,
};
