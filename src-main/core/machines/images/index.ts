export { createCatalogue, imageDigest, imageId } from './catalogue.ts';
export { pullError } from './pull-error.ts';
export { familiarName, type ImageReference, parseReference, ReferenceError } from './reference.ts';
export type { Image, ImageCatalogue } from './types.ts';
