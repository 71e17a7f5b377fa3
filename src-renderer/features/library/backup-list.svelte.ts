import type { BackupView, RpcClient } from '#contract';
import { Loader } from '../../lib/loading/index.ts';

/** The backups and what may be done with them. */
export class BackupList {
  readonly backups: Loader<readonly BackupView[]>;
  creating = $state(false);
  restoring = $state(false);
  /** The backup the person is asked about. */
  chosen = $state.raw<BackupView | null>(null);
  readonly #rpc: RpcClient;

  constructor(rpc: RpcClient) {
    this.#rpc = rpc;
    // Newest first, whatever the order of the answer.
    this.backups = new Loader(async () => {
      const backups = await rpc.call('library.backups', {});
      return [...backups].sort((a, b) => b.createdMs - a.createdMs);
    });
  }

  /** @throws RpcError no backup could be made. */
  async create(): Promise<BackupView> {
    this.creating = true;
    try {
      const backup = await this.#rpc.call('library.backup', {});
      await this.backups.load();
      return backup;
    } finally {
      this.creating = false;
    }
  }

  /** Restores what was chosen. @throws RpcError it could not be restored; nothing has changed. */
  async restore(): Promise<void> {
    if (this.chosen === null) return;
    this.restoring = true;
    try {
      await this.#rpc.call('library.restore', { backupId: this.chosen.backupId });
      await this.backups.load();
    } finally {
      this.restoring = false;
      this.chosen = null;
    }
  }
}
