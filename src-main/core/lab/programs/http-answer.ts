import { utf8 } from '#core/base';
import type { ApiResponse } from '#core/kube';

/** A small plain answer of a health or metrics port. */
export function plainAnswer(status: number, text: string): ApiResponse {
  return {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: { kind: 'bytes', bytes: utf8(text) },
  };
}

/** The path of a request line, without its query. */
export function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? url;
}
