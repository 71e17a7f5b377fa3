export {
  createDiscovery,
  type Discovery,
  type DiscoveryOptions,
  type ServedVersion,
} from './discovery.ts';
