import { latestOf, liveSandbox } from './pod-cache.ts';
import { allContainers, uidOf } from './pods.ts';
import type { StatsDeps } from './stats.ts';

/**
 * What the kubelet tells of itself at `/metrics`: what it runs. Latencies are left out, for its work takes no
 * simulated time. @see pkg/kubelet/metrics/metrics.go
 */
export function kubeletMetrics({ context, cache, pods }: StatsDeps): string {
  const all = pods();
  const running = all
    .flatMap((pod) =>
      allContainers(pod).map(({ container }) => latestOf(cache.get(uidOf(pod)), container.name)),
    )
    .filter((status) => status?.state === 'CONTAINER_RUNNING').length;
  const sandboxes = all.filter((pod) => liveSandbox(cache.get(uidOf(pod))) !== undefined).length;
  const gauge = (name: string, help: string, labels: string, value: number): string =>
    `# HELP ${name} [ALPHA] ${help}\n# TYPE ${name} gauge\n${name}${labels} ${value}\n`;
  return [
    gauge(
      'kubelet_node_name',
      "The node's name. The count is always 1.",
      `{node="${context.nodeName}"}`,
      1,
    ),
    gauge(
      'kubelet_running_containers',
      'Number of containers currently running',
      '{container_state="running"}',
      running,
    ),
    gauge('kubelet_running_pods', 'Number of pods that have a running pod sandbox', '', sandboxes),
  ].join('');
}
