export { metricsServer, metricsServerVersion } from './metrics-server.ts';
