export { CelAuthorizer } from './authorizer.ts';
export { type CelCheck, type CelDeclarations, checkCel } from './check.ts';
export { CelError } from './cel-error.ts';
export { type CelProgram, compileCel } from './environment.ts';
export { CelObject, jsonOf, typeNameFaults } from './object-literals.ts';
export { checkDeviceSelector, compileDeviceSelector } from './device-selector.ts';
export { compileRegexp, type Regexp, RegexpError } from './regexp.ts';
export { celValue, escapeFieldName, type ValueSchema } from './values.ts';
