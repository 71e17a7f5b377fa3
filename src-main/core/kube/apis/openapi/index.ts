export { contentHash } from './content-hash.ts';
export {
  createOpenApi,
  type CustomVersion,
  type OpenApi,
  type OpenApiDocument,
  type OpenApiOptions,
} from './openapi.ts';
export { type Descriptions, descriptionsOf } from './schema-document.ts';
