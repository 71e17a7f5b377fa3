export { type DnsHandler, dnsListener, dnsStreamListener } from './listener.ts';
export {
  decodeDns,
  DnsFormatError,
  type DnsMessage,
  dnsQuery,
  type DnsQuestion,
  type DnsRecord,
  dnsReply,
  encodeDns,
  type RecordType,
  type ResponseCode,
  reverseName,
} from './message.ts';
export {
  createResolver,
  ExchangeError,
  LookupError,
  parseHosts,
  parseResolvConf,
  type Resolver,
  type ResolverConfig,
  type ResolverDeps,
} from './resolver.ts';
