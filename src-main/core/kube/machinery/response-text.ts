import { fromUtf8, readText } from '#core/base';
import type { ApiResponse } from './transport.ts';

/** The body of an answer as text, once all of it is there; a stream of events or of a session has none. */
export async function responseText({ body }: ApiResponse): Promise<string> {
  switch (body.kind) {
    case 'object':
      return [...body.encode()].join('');
    case 'bytes':
      return fromUtf8(body.bytes);
    case 'source':
      return readText(body.source);
    case 'none':
    case 'watch':
    case 'session':
      return '';
  }
}
