import { utf8 } from '#core/base';
import { type ApiResponse, badRequest, durationFault, parseDuration } from '../machinery/index.ts';
import { connections, type RequestInfo } from './request-info.ts';

/** `--request-timeout`. */
const longestMs = 60_000;

/** The time of a request was up before it was done with. */
export class RequestTimedOut extends Error {
  override readonly name = 'RequestTimedOut';
}

/**
 * When a request must be answered; undefined for one that may last.
 * @throws StatusError 400 for a `timeout` that is no duration. A time that is not positive says nothing.
 * @see k8s.io/apiserver/pkg/endpoints/filters/request_deadline.go
 */
export function deadlineOf(info: RequestInfo, nowMs: number): number | undefined {
  if (info.kind === 'resource' && (info.verb === 'watch' || connections.has(info.subresource)))
    return undefined;
  const text = info.query.get('timeout') ?? '';
  if (text === '') return nowMs + longestMs;
  const fault = durationFault(text);
  if (fault !== undefined)
    throw badRequest(`invalid timeout specified in the request URL - ${fault}`);
  const wantedMs = parseDuration(text) ?? 0;
  return nowMs + (wantedMs > 0 ? Math.min(wantedMs, longestMs) : longestMs);
}

/** What the filter around all handlers writes, which knows of no kinds. @see server/filters/timeout.go */
export function timedOutResponse(): ApiResponse {
  const status = {
    metadata: {},
    status: 'Failure',
    message: 'Timeout: request did not complete within the allotted timeout',
    reason: 'Timeout',
    details: {},
    code: 504,
  };
  return {
    status: 504,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: { kind: 'bytes', bytes: utf8(`${JSON.stringify(status)}\n`) },
  };
}
