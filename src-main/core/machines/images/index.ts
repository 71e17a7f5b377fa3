export { type OptionTable, type ParsedOptions, parseOptions } from './clients/arguments.ts';
export { createCatalogue, imageDigest, imageId } from './catalogue.ts';
export { baseNetworkTools, busyboxNetworkTools, fullNetworkTools } from './clients/index.ts';
export { print } from './program-io.ts';
export { pullError } from './pull-error.ts';
export { familiarName, type ImageReference, parseReference, ReferenceError } from './reference.ts';
export { standardImages } from './standard.ts';
export type { Image, ImageCatalogue } from './types.ts';
