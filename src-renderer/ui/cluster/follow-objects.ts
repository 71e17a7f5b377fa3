import type { RpcClient } from '#contract';

/**
 * Calls `reload` when objects of a cluster changed, never twice at once, with at least `pauseMs` between the end
 * of one and the next.
 * @returns a function that stops following.
 */
export function followObjects(
  rpc: RpcClient,
  clusterId: string,
  reload: () => Promise<void>,
  pauseMs = 500,
): () => void {
  let changed = false;
  let busy = false;
  let stopped = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const run = async (): Promise<void> => {
    if (busy || stopped) return;
    busy = true;
    changed = false;
    await reload();
    timer = setTimeout(() => {
      busy = false;
      if (changed) void run();
    }, pauseMs);
  };
  const subscription = rpc.on('cluster.objects', (event) => {
    if (event.clusterId !== clusterId) return;
    changed = true;
    void run();
  });
  return () => {
    stopped = true;
    clearTimeout(timer);
    subscription.dispose();
  };
}
