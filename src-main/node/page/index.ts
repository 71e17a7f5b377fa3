export { findPageFile, type PageFile } from './page-file.ts';
export { contentSecurityPolicy, securityHeaders } from './policy.ts';
