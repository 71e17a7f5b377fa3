import type { Listener, Peer } from '../network/index.ts';
import { decodeDns, type DnsMessage, dnsReply, encodeDns } from './message.ts';
import { framed, readFrame } from './stream.ts';

/** Answers a query; `undefined` is silence. */
export type DnsHandler = (query: DnsMessage, peer: Peer) => Promise<DnsMessage | undefined>;

/** A handler that throws answers SERVFAIL; bytes that are no query get no answer. */
async function answer(
  handler: DnsHandler,
  bytes: Uint8Array,
  peer: Peer,
): Promise<Uint8Array | undefined> {
  let query: DnsMessage;
  try {
    query = decodeDns(bytes);
  } catch {
    return undefined;
  }
  if (query.response) return undefined;
  try {
    const reply = await handler(query, peer);
    return reply && encodeDns(reply);
  } catch {
    return encodeDns(dnsReply(query, { code: 'SERVFAIL' }));
  }
}

/** A DNS server's UDP socket: what the handler returns is sent. */
export function dnsListener(handler: DnsHandler): Listener {
  return { kind: 'udp', handle: (datagram, peer) => answer(handler, datagram, peer) };
}

/** A DNS server's TCP socket: queries and answers each with their length, one after another. @see RFC 7766 */
export function dnsStreamListener(handler: DnsHandler): Listener {
  return {
    kind: 'tcp',
    accept: (connection, peer) => {
      const serve = async (): Promise<void> => {
        let rest: Uint8Array = new Uint8Array(0);
        for (;;) {
          const frame = await readFrame(connection.input, rest);
          if (!frame) return;
          rest = frame.rest;
          const reply = await answer(handler, frame.message, peer);
          if (!reply) return;
          await connection.output.write(framed(reply));
        }
      };
      // A peer that goes away while it is answered ends its connection, nothing else.
      void serve()
        .catch(() => undefined)
        .then(() => connection.close());
    },
  };
}
