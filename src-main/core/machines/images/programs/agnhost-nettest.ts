import { fromUtf8 } from '#core/base';
import type { ProgramContext } from '../../process/types.ts';
import { hostnameOf } from './agnhost-netexec.ts';
import { flagValue, serveHttp, textAnswer } from './http-service.ts';

/**
 * `agnhost nettest`: counts who has written to it. It seeks no peers by itself, as if its service had none.
 * @see test/images/agnhost/nettest
 */
export async function nettest(context: ProgramContext): Promise<number> {
  const port = Number(flagValue(context.argv, '--port') ?? 8080);
  const peers = Number(flagValue(context.argv, '--peers') ?? 8);
  const hostname = hostnameOf(context);
  const received: Record<string, number> = {};
  const errors: string[] = [];
  return serveHttp(
    context,
    port,
    (request) => {
      switch (request.url.split('?')[0]) {
        case '/read':
          return textAnswer(200, stateText(hostname, received, errors));
        case '/write': {
          const source = sourceOf(request.body);
          if (source instanceof Error) errors.push(source.message);
          if (typeof source === 'string' && source !== '')
            received[source] = (received[source] ?? 0) + 1;
          else errors.push(`${hostname}: Got request with no source`);
          return textAnswer(200, `${JSON.stringify({ Hostname: hostname })}\n`);
        }
        case '/status':
          return textAnswer(200, peers <= 0 ? 'pass' : 'running');
        case '/quit':
          context.process.kill(context.process.pid, 'SIGTERM');
          return textAnswer(200, '');
        default:
          return textAnswer(404, '404 page not found\n');
      }
    },
    { exitCode: 2 },
  );
}

function sourceOf(body: Uint8Array | undefined): string | Error {
  const text = fromUtf8(body ?? new Uint8Array());
  if (text === '') return new Error('EOF');
  try {
    const { Source: source } = JSON.parse(text) as { Source?: unknown };
    return typeof source === 'string' ? source : '';
  } catch {
    return new Error(`invalid character '${text[0] ?? ''}' looking for beginning of value`);
  }
}

/** As Go writes the state with `MarshalIndent`. */
function stateText(
  hostname: string,
  received: Readonly<Record<string, number>>,
  errors: readonly string[],
): string {
  const state = {
    Hostname: hostname,
    Sent: null,
    Received: Object.keys(received).length > 0 ? received : null,
    Errors: errors.length > 0 ? errors : null,
    Log: null,
    StillContactingPeers: true,
  };
  return JSON.stringify(state, null, '\t');
}
