export { admissionDeclarations, type AdmissionScope } from './admission.ts';
export { CelAuthorizer } from './functions/index.ts';
export { checkDeviceSelector, compileDeviceSelector } from './device-selector.ts';
export { CelError } from './cel-error.ts';
export { escapeFieldName } from './escaping.ts';
export { type CelType, dynType } from './language/types.ts';
export { CelMap, Failure, StructValue } from './language/values.ts';
export {
  type CelProgram,
  type CelResult,
  type CelVariables,
  compileCel,
  compileTyped,
} from './program.ts';
export { compileRegexp, type Regexp, RegexpError } from './regexp.ts';
export {
  maxCardinality,
  nameType,
  ruleDeclarations,
  type SchemaType,
  schemaType,
  sizesOf,
  withObjectMeta,
} from './schema-types.ts';
export { celValue, jsonOf, optionalCelValue, typeNameFaults } from './values.ts';
