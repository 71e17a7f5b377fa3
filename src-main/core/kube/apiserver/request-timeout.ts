import { quoted } from '#core/base';
import { badRequest, parseDuration } from '../machinery/index.ts';
import { connections, type RequestInfo } from './request-info.ts';

/**
 * Refuses a `timeout` that is no duration, before it is asked who sent it. A request is answered as fast as the engine
 * can: there is no deadline to keep.
 *
 * @throws StatusError 400
 * @see k8s.io/apiserver/pkg/endpoints/filters/request_deadline.go
 */
export function checkTimeout(info: RequestInfo): void {
  if (info.kind === 'resource' && (info.verb === 'watch' || connections.has(info.subresource)))
    return;
  const text = info.query.get('timeout') ?? '';
  if (text === '' || parseDuration(text) !== undefined) return;
  throw badRequest(`invalid timeout specified in the request URL - ${durationFault(text)}`);
}

/** What Go's `time.ParseDuration` says of a text that is no duration. */
function durationFault(text: string): string {
  let rest = text.replace(/^[+-]/, '');
  while (rest !== '') {
    const amount = /^(?:\d+(?:\.\d*)?|\.\d+)/.exec(rest)?.[0];
    if (amount === undefined) break;
    rest = rest.slice(amount.length);
    const unit = /^[^.\d]*/.exec(rest)?.[0] ?? '';
    if (unit === '') return `time: missing unit in duration ${quoted(text)}`;
    if (!/^(?:ns|us|µs|μs|ms|s|m|h)$/.test(unit))
      return `time: unknown unit ${quoted(unit)} in duration ${quoted(text)}`;
    rest = rest.slice(unit.length);
  }
  return `time: invalid duration ${quoted(text)}`;
}
