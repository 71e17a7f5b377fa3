import { fromUtf8, sleep, utf8 } from '#core/base';
import type { Connection } from '#core/kube';
import type { ProgramContext } from '../../process/types.ts';
import { aborted, print } from '../program-io.ts';

/** How long a closed connection is kept, so that the client reads what was sent to its end. */
const lingerMs = 500;

class Failed extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * Takes one connection, waits for the words it is to expect, and answers in chunks.
 * @see k8s.io/kubernetes/test/images/agnhost/port-forward-tester
 */
export async function portForwardTester(context: ProgramContext): Promise<number> {
  const say = (text: string): Promise<void> => print(context.stdout, `${text}\n`);
  const connection = await accepted(context);
  if (!connection) return 0;
  await say('Accepted client connection');
  try {
    await converse(context, connection, say);
    return 0;
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    await say(error.message);
    return error.exitCode;
  } finally {
    connection.close();
  }
}

async function accepted({ env, net, signal }: ProgramContext): Promise<Connection | undefined> {
  const address = env['BIND_ADDRESS'] || 'localhost';
  return new Promise((resolve) => {
    net.listen(
      Number(env['BIND_PORT']),
      { kind: 'tcp', accept: resolve },
      address === '0.0.0.0' ? {} : { address: address === 'localhost' ? '127.0.0.1' : address },
    );
    void aborted(signal).then(() => resolve(undefined));
  });
}

async function converse(
  { env, clock, signal }: ProgramContext,
  { input, output }: Connection,
  say: (text: string) => Promise<void>,
): Promise<void> {
  const expected = env['EXPECTED_CLIENT_DATA'] ?? '';
  if (expected !== '') {
    const { length } = utf8(expected);
    const bytes = (await input.read())?.subarray(0, length);
    if (bytes?.length !== length)
      throw new Failed(
        2,
        `Expected to read ${length} bytes from client, but got ${bytes?.length ?? 0} instead. err=${bytes ? '<nil>' : 'EOF'}`,
      );
    const text = fromUtf8(bytes);
    if (text !== expected)
      throw new Failed(
        3,
        `Expect to read ${JSON.stringify(expected)}, but got ${JSON.stringify(text)}. err=<nil>`,
      );
    await say('Received expected client data');
  }
  const [chunks, chunkSize, intervalMs] = ['CHUNKS', 'CHUNK_SIZE', 'CHUNK_INTERVAL'].map((name) =>
    numberOf(name, env[name] ?? ''),
  ) as [number, number, number];
  const chunk = utf8('x'.repeat(chunkSize));
  for (let index = 0; index < chunks; index++) {
    if (index > 0) await sleep(clock, intervalMs, signal);
    // Whether anybody is left to read it is the network's matter, as with a socket's buffer.
    await output.write(chunk).catch(() => undefined);
  }
  await say('Shutting down connection');
  output.end();
  await sleep(clock, lingerMs, signal);
  await say('Done');
}

function numberOf(name: string, text: string): number {
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  const quoted = JSON.stringify(text);
  throw new Failed(
    1,
    `Error parsing ${name} ${quoted}: strconv.Atoi: parsing ${quoted}: invalid syntax`,
  );
}
