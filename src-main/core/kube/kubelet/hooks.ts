import { fromUtf8, sleep } from '#core/base';
import type { DeepReadonly } from '#core/base';
import type { LifecycleHandler } from '../apis/index.ts';
import { errorText, type KubeletContext } from './context.ts';
import { criText } from './images.ts';
import { type ContainerView, formatPod, type PodView } from './pods.ts';
import { portNumber } from './ports.ts';

/** A hook failed; the message is what `state.waiting` of PostStartHookError shows. */
export class HookError extends Error {
  override readonly name = 'HookError';
}

/** Go's `%v` of a list of strings. */
function goList(words: readonly string[]): string {
  return `[${words.join(' ')}]`;
}

/**
 * Runs one hook of a container to its end.
 * @throws HookError
 * @see pkg/kubelet/lifecycle/handlers.go
 */
export async function runHook(
  context: KubeletContext,
  pod: PodView,
  container: ContainerView,
  containerId: string,
  podIp: string,
  handler: DeepReadonly<LifecycleHandler>,
): Promise<void> {
  const where = `for Container ${JSON.stringify(container.name)} in Pod ${JSON.stringify(formatPod(pod))} failed - error:`;
  if (handler.exec) {
    const command = handler.exec.command ?? [];
    let output = '';
    try {
      const { stdout, stderr, exitCode } = await context.host.runtime.execSync(
        containerId,
        command,
        0,
      );
      output = fromUtf8(stdout) + fromUtf8(stderr);
      if (exitCode === 0) return;
      throw new Error(
        `command '${command.join(' ')}' exited with ${exitCode}: ${fromUtf8(stderr)}`,
      );
    } catch (error) {
      throw new HookError(
        `Exec lifecycle hook (${goList(command)}) ${where} ${criText(error)}, message: ${JSON.stringify(output)}`,
      );
    }
  }
  if (handler.sleep) {
    await sleep(context.clock, handler.sleep.seconds * 1000);
    return;
  }
  if (!handler.httpGet) return;
  const { host = '', path = '', port, scheme = 'HTTP', httpHeaders = [] } = handler.httpGet;
  try {
    const answer = await context.host.probe({
      kind: 'http',
      scheme: scheme === 'HTTPS' ? 'https' : 'http',
      host: host || podIp,
      port: portNumber(port, container),
      path,
      headers: httpHeaders.map(({ name, value }) => ({ name, value })),
      timeoutMs: 60_000,
    });
    if (answer.kind === 'error') throw new Error(answer.error);
  } catch (error) {
    throw new HookError(`HTTP lifecycle hook (${path}) ${where} ${errorText(error)}`);
  }
}
