export { CelError, type CelProgram, compileCel } from './environment.ts';
export { compileRegexp, type Regexp, RegexpError } from './regexp.ts';
export { celValue, escapeFieldName, type ValueSchema } from './values.ts';
