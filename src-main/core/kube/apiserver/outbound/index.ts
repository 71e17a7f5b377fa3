export { resolveService } from './resolve-service.ts';
export type { CallWebhook, HttpsTarget, SendHttps } from './types.ts';
export { createWebhookClient } from './webhook-client.ts';
export { withinTime } from './within-time.ts';
