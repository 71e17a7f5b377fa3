export type { CallConversionWebhook, CrdRegistry } from './types.ts';
