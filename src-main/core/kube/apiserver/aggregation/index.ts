export { type Aggregator, createAggregator } from './aggregator.ts';
export { reconcileLocalApiServices } from './local-services.ts';
