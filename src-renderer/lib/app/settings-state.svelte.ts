import type { RpcClient, Settings } from '#contract';

/** The person's settings; a change is shown when the core has stored it. */
export class SettingsState {
  #values: Settings;
  readonly #rpc: RpcClient;

  constructor(rpc: RpcClient, values: Settings) {
    this.#rpc = rpc;
    this.#values = $state.raw(values);
    rpc.on('study.changed', ({ what }) => {
      // A failed re-read keeps what is shown; the next change reads again.
      if (what === 'settings') this.reload().catch(() => undefined);
    });
  }

  get values(): Settings {
    return this.#values;
  }

  async reload(): Promise<void> {
    this.#values = await this.#rpc.call('settings.get', {});
  }

  /** @throws RpcError the core refused the change; the old values stay. */
  async update(changes: Partial<Settings>): Promise<void> {
    this.#values = await this.#rpc.call('settings.update', { changes });
  }
}
