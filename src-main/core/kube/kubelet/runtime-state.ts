import type { Disposable } from '#core/base';
import { errorText, type KubeletContext } from './context.ts';

const checkMs = 5000;
const downAfterMs = 30_000;

/**
 * Whether the container runtime answers and has a network, looked at every 5 s.
 * @see pkg/kubelet/runtime.go
 */
export class RuntimeState implements Disposable {
  /** `container runtime network not ready: …` without its beginning; undefined while the network is ready. */
  networkError: string | undefined;
  readonly #context: KubeletContext;
  readonly #onBack: () => void;
  #timer: Disposable | undefined;
  #lastOkMs: number | undefined;
  #wasDown = false;

  /** @param onBack told when the runtime answers again. */
  constructor(context: KubeletContext, onBack: () => void) {
    this.#context = context;
    this.#onBack = onBack;
  }

  async start(): Promise<void> {
    await this.check();
    this.#schedule();
  }

  dispose(): void {
    this.#timer?.dispose();
  }

  /** What keeps the node from being ready, in upstream's order. */
  errors(): readonly string[] {
    const { clock } = this.#context;
    const isDown = this.#lastOkMs === undefined || clock.now() - this.#lastOkMs >= downAfterMs;
    return [
      ...(isDown ? ['container runtime is down'] : []),
      ...(this.networkError === undefined
        ? []
        : [`container runtime network not ready: ${this.networkError}`]),
    ];
  }

  async check(): Promise<void> {
    const { host, clock, log } = this.#context;
    const { runtime } = host;
    try {
      if (runtime.status) {
        const { networkReady, networkMessage } = await runtime.status();
        this.networkError = networkReady
          ? undefined
          : `NetworkReady=false reason:NetworkPluginNotReady message:${networkMessage}`;
        if (!networkReady)
          log('E', 'kubelet.go:3117', 'Container runtime network not ready', {
            networkReady: this.networkError ?? '',
          });
      } else await runtime.version();
      this.#lastOkMs = clock.now();
      if (this.#wasDown) {
        this.#wasDown = false;
        this.#onBack();
      }
    } catch (error) {
      this.#wasDown = true;
      log('E', 'kubelet.go:3096', 'Container runtime sanity check failed', {
        err: errorText(error),
      });
    }
  }

  #schedule(): void {
    this.#timer = this.#context.clock.setTimer(
      checkMs,
      () => {
        void this.check().then(() => this.#schedule());
      },
      { background: true },
    );
  }
}
