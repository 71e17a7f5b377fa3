export {
  answerAddress,
  answerName,
  type ZoneAnswer,
  type ZoneOptions,
  type ZoneRecord,
  type ZoneState,
} from './dns-zone.ts';
export { allowsFlow, type PolicyState, type TrafficFlow } from './network-policy.ts';
export { type Backend, serviceRules, type ServicePortRule } from './service-rules.ts';
export { type ServiceHealthCheck, serviceHealthChecks } from './service-health.ts';
