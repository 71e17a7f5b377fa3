import { type Listener, type Peer } from '../network/index.ts';
import { decodeDns, type DnsMessage, dnsReply, encodeDns } from './message.ts';

/**
 * A DNS server's UDP socket: what the handler returns is sent, `undefined` is silence. A handler that throws
 * answers SERVFAIL; bytes that are no query get no answer.
 */
export function dnsListener(
  handler: (query: DnsMessage, peer: Peer) => Promise<DnsMessage | undefined>,
): Listener {
  return {
    kind: 'udp',
    handle: async (datagram, peer) => {
      let query: DnsMessage;
      try {
        query = decodeDns(datagram);
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
    },
  };
}
