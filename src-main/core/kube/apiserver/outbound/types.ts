import type { ApiRequest, ApiResponse } from '../../machinery/index.ts';

/** A server that this API server calls: an aggregated one, or a webhook. */
export interface HttpsTarget {
  /** Name or address to dial. */
  readonly host: string;
  readonly port: number;
  /** The name its certificate must be for. */
  readonly serverName: string;
  /** PEM bundle its certificate is checked with; undefined: it is not checked. */
  readonly roots: string | undefined;
  /** How long the caller waits; absent: as long as it takes. */
  readonly timeoutMs?: number;
  /** Shows the front proxy's client certificate. */
  readonly asFrontProxy: boolean;
}

/**
 * Sends a request over TLS, from the machine the API server runs on. Ends when the request's signal is aborted.
 * @throws Error with Go's text (`dial tcp 10.96.0.7:443: connect: connection refused`, `tls: failed to verify …`).
 */
export type SendHttps = (target: HttpsTarget, request: ApiRequest) => Promise<ApiResponse>;

/**
 * Posts a review to a webhook and reads its answer.
 * @param clientConfig a URL, or a service, and the bundle its certificate is checked with.
 * @param timeoutMs how long the whole exchange may take; the webhook is told, as `?timeout=10s`.
 * @throws Error with client-go's text.
 */
export type CallWebhook = (
  clientConfig: Readonly<Record<string, unknown>>,
  review: object,
  timeoutMs: number,
) => Promise<unknown>;
