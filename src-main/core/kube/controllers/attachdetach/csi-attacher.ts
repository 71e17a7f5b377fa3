import { type DeepReadonly, sleep } from '#core/base';
import type { VolumeAttachment } from '../../apis/index.ts';
import { isReason, keyOf } from '../../machinery/index.ts';
import { type ControllerContext, textOf } from '../shared/context.ts';
import { type AttachableVolume, attachmentName } from './attachable-volumes.ts';

type AttachmentView = DeepReadonly<VolumeAttachment>;
type CsiVolume = NonNullable<AttachableVolume['csi']>;

const timeoutMs = 120_000;
const firstPollMs = 500;
const maxPollMs = 7000;
/** So long a wait is for somebody who may never come. */
const patientMs = 5000;

/**
 * Asks a CSI driver's external attacher, by VolumeAttachment objects, and waits for its answer.
 *
 * @see pkg/volume/csi/csi_attacher.go
 */
export class CsiAttacher {
  readonly #context: ControllerContext;
  readonly #signal: AbortSignal;

  constructor(context: ControllerContext, signal: AbortSignal) {
    this.#context = context;
    this.#signal = signal;
  }

  get(csi: CsiVolume, node: string): AttachmentView | undefined {
    const attachments = this.#context.informers.for('volumeattachments.storage.k8s.io');
    return attachments.get(keyOf(undefined, attachmentName(csi.handle, csi.driver, node)));
  }

  /** @throws what the driver said, or that it said nothing for two minutes. */
  async attach(csi: CsiVolume, node: string): Promise<void> {
    const name = attachmentName(csi.handle, csi.driver, node);
    if (!this.get(csi, node)) {
      try {
        await this.#context.client.resource('volumeattachments.storage.k8s.io').create({
          apiVersion: 'storage.k8s.io/v1',
          kind: 'VolumeAttachment',
          metadata: { name },
          spec: {
            attacher: csi.driver,
            nodeName: node,
            source: { persistentVolumeName: csi.volume },
          },
        });
      } catch (error) {
        if (!isReason(error, 'AlreadyExists'))
          throw new Error(`kubernetes.io/csi: attacher.Attach failed: ${textOf(error)}`, {
            cause: error,
          });
      }
    }
    await this.#poll(csi, node, 'attach', csi.driver, (attachment) => {
      if (!attachment) return false;
      if (attachment.metadata.deletionTimestamp !== undefined)
        throw new Error('volume attachment is being deleted');
      if (attachment.status?.attached) return true;
      if (attachment.status?.attachError)
        throw new Error(attachment.status.attachError.message ?? '');
      return false;
    });
  }

  /** @throws as `attach` does. */
  async detach(csi: CsiVolume, node: string): Promise<void> {
    const name = attachmentName(csi.handle, csi.driver, node);
    try {
      await this.#context.client
        .resource('volumeattachments.storage.k8s.io')
        .delete(undefined, name);
    } catch (error) {
      if (isReason(error, 'NotFound')) return;
      throw error;
    }
    await this.#poll(csi, node, 'detach', 'unknown', (attachment) => {
      if (attachment?.status?.detachError)
        throw new Error(attachment.status.detachError.message ?? '');
      return attachment === undefined;
    });
  }

  async #poll(
    csi: CsiVolume,
    node: string,
    operation: 'attach' | 'detach',
    driver: string,
    isDone: (attachment: AttachmentView | undefined) => boolean,
  ): Promise<void> {
    const { clock, random } = this.#context;
    const startMs = clock.now();
    const endMs = startMs + timeoutMs;
    for (let pollMs = firstPollMs; ; pollMs = Math.min(pollMs * 1.05, maxPollMs)) {
      const delayMs = Math.min(pollMs * (1 + 0.1 * random.next()), endMs - clock.now());
      await sleep(clock, delayMs, this.#signal, { background: clock.now() - startMs > patientMs });
      if (clock.now() >= endMs)
        throw new Error(
          `timed out waiting for external-attacher of ${driver} CSI driver to ${operation} volume ${csi.handle}`,
        );
      if (isDone(this.get(csi, node))) return;
    }
  }
}
