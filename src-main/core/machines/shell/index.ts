export { shellProgram } from './program.ts';
export { loadParser } from './parser.ts';
export type { Flavour } from './types.ts';
export { formatPrintf, strftime } from './format.ts';
export { characterClasses } from './pattern.ts';
export { testCommand } from './conditional.ts';
