export { type ApiServiceWrites, isAvailable, reconcileLocalApiServices } from './local-services.ts';
export {
  type Aggregator,
  createAggregator,
  type ServiceTarget,
  type ServiceTransport,
} from './remote-services.ts';
