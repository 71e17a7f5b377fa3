import type { DeepReadonly, Disposable } from '#core/base';
import type { Lease } from '../apis/index.ts';
import { formatDuration, formatMicroTime, isReason } from '../machinery/index.ts';
import { errorText, type KubeletContext } from './context.ts';

const namespace = 'kube-node-lease';
const maxRetries = 5;
const maxBackOffMs = 7000;

/**
 * Renews the node's Lease every quarter of its duration: the sign of life that the node controller watches.
 * @see k8s.io/component-helpers/apimachinery/lease/controller.go
 */
export class NodeLease implements Disposable {
  readonly #context: KubeletContext;
  readonly #nodeUid: () => string | undefined;
  #timer: Disposable | undefined;
  #lease: DeepReadonly<Lease> | undefined;
  #disposed = false;

  constructor(context: KubeletContext, nodeUid: () => string | undefined) {
    this.#context = context;
    this.#nodeUid = nodeUid;
  }

  start(): void {
    if (this.#context.api) void this.#renew();
  }

  dispose(): void {
    this.#disposed = true;
    this.#timer?.dispose();
  }

  async #renew(): Promise<void> {
    const { clock, config } = this.#context;
    await this.#once();
    if (this.#disposed) return;
    const intervalMs = config.nodeLeaseDurationSeconds * 250;
    this.#timer = clock.setTimer(intervalMs, () => void this.#renew(), { background: true });
  }

  async #once(): Promise<void> {
    const { api, log } = this.#context;
    const leases = api?.client.resource('leases.coordination.k8s.io');
    if (!leases) return;
    for (let tries = 0; this.#lease && tries < maxRetries; tries++) {
      try {
        this.#lease = await leases.update(this.#wanted(this.#lease));
        return;
      } catch (error) {
        log('E', 'controller.go:251', 'Failed to update lease', { err: errorText(error) });
        if (isReason(error, 'NotFound')) this.#lease = undefined;
        else if (isReason(error, 'Conflict')) break;
      }
    }
    for (let backOffMs = 200; !this.#disposed; backOffMs = Math.min(backOffMs * 2, maxBackOffMs)) {
      try {
        this.#lease = await this.#ensure();
        return;
      } catch (error) {
        log('E', 'controller.go:201', 'Failed to ensure lease exists, will retry', {
          err: errorText(error),
          interval: formatDuration(backOffMs),
        });
        await this.#pause(backOffMs);
      }
    }
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#timer = this.#context.clock.setTimer(delayMs, resolve, { background: true });
    });
  }

  async #ensure(): Promise<DeepReadonly<Lease> | undefined> {
    const { api, nodeName } = this.#context;
    const leases = api?.client.resource('leases.coordination.k8s.io');
    if (!leases) return undefined;
    try {
      const present = await leases.get(namespace, nodeName);
      return await leases.update(this.#wanted(present));
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
    }
    // Without its node a lease would never be collected: it is made at the next turn.
    if (this.#nodeUid() === undefined) {
      this.#context.log(
        'E',
        'controller.go:145',
        'Failed to get node when trying to set owner ref to the node lease',
        { err: `nodes ${JSON.stringify(nodeName)} not found`, node: nodeName },
      );
      return undefined;
    }
    return leases.create(this.#wanted(undefined));
  }

  #wanted(present: DeepReadonly<Lease> | undefined): Lease {
    const { clock, config, nodeName } = this.#context;
    const uid = this.#nodeUid();
    const base = present ?? {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: nodeName, namespace },
    };
    const isOwned = uid === undefined || (base.metadata.ownerReferences ?? []).length > 0;
    // What is not changed is sent as it was read: requests are not changed by who answers them.
    return {
      ...base,
      metadata: isOwned
        ? base.metadata
        : {
            ...base.metadata,
            ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid }],
          },
      spec: {
        ...base.spec,
        holderIdentity: nodeName,
        leaseDurationSeconds: config.nodeLeaseDurationSeconds,
        renewTime: formatMicroTime(clock.now()),
      },
    } as Lease;
  }
}
