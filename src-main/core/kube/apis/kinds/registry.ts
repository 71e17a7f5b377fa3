import type { KindStrategy } from '../kind-strategy.ts';
import {
  controllerRevisionStrategy,
  daemonSetStrategy,
  deploymentStrategy,
  replicaSetStrategy,
  statefulSetStrategy,
} from './apps/strategies.ts';
import { cronJobStrategy, jobStrategy } from './batch/strategies.ts';
import { podStrategy, podTemplateStrategy } from './core/pod.ts';

const strategies: readonly KindStrategy[] = [
  controllerRevisionStrategy,
  daemonSetStrategy,
  deploymentStrategy,
  replicaSetStrategy,
  statefulSetStrategy,
  cronJobStrategy,
  jobStrategy,
  podStrategy,
  podTemplateStrategy,
];

const byKind = new Map(strategies.map((row) => [`${row.group}/${row.kind}`, row]));

/** What is particular to a built-in kind, all its versions; nothing for kinds treated generically. */
export function strategyFor(group: string, kind: string): KindStrategy | undefined {
  return byKind.get(`${group}/${kind}`);
}
