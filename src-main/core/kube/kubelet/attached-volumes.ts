import { type DeepReadonly, sha256Hex, sleep, utf8 } from '#core/base';
import type {
  CSIDriver,
  CSIPersistentVolumeSource,
  Node,
  VolumeAttachment,
} from '../apis/index.ts';
import { isReason } from '../machinery/index.ts';
import { errorText, type KubeletContext } from './context.ts';
import { MountFailure } from './mount-failure.ts';
import { isPluginRegistered } from './plugin-registry.ts';

type CsiSource = DeepReadonly<CSIPersistentVolumeSource>;

const lookMs = 1000;
/** How long a pod waits for its volumes in one go. */
const patienceMs = 123_000;
/** gRPC's number for what is used up. */
const resourceExhausted = 8;
const plugins = '/var/lib/kubelet/plugins/kubernetes.io/csi';

/** The node takes no more volumes of a driver: a pod that waits for one more is to go. */
export class AttachLimitExceeded extends Error {
  override readonly name = 'AttachLimitExceeded';
}

/**
 * CSI volumes on this node. Before one is mounted, the node's status has to say that it is in use, so that nobody
 * takes it away, and the attach/detach controller, in that same status, that it is attached.
 *
 * @see pkg/kubelet/volumemanager/reconciler and pkg/volume/csi
 */
export class AttachedVolumes {
  readonly #context: KubeletContext;
  readonly #node: () => DeepReadonly<Node> | undefined;
  /** Pods by the unique name of a volume they need here. */
  readonly #users = new Map<string, Set<string>>();
  #reported: readonly string[] = [];

  constructor(context: KubeletContext, node: () => DeepReadonly<Node> | undefined) {
    this.#context = context;
    this.#node = node;
  }

  /** For `status.volumesInUse`. */
  inUse(): string[] {
    return [...this.#users.keys()].sort();
  }

  /** The API server has them now. */
  reportedInUse(names: readonly string[]): void {
    this.#reported = names;
  }

  release(uid: string): void {
    for (const [name, users] of this.#users) {
      users.delete(uid);
      if (users.size === 0) this.#users.delete(name);
    }
  }

  /** Resolves to the folder of a volume that is attached and staged. @throws MountFailure */
  async stage(uid: string, csi: CsiSource, signal: AbortSignal): Promise<string> {
    const { host } = this.#context;
    if (await this.#needsAttach(csi.driver)) {
      await this.#waitForController(uid, csi, signal);
      await this.#checkAttachment(csi);
    }
    if (!isPluginRegistered(this.#context, csi.driver))
      throw new MountFailure(
        `kubernetes.io/csi: attacher.MountDevice failed to create newCsiDriverClient: ${notRegistered(csi.driver)}`,
        { stage: 'MountVolume.MountDevice failed' },
      );
    const folder = `${plugins}/${csi.driver}/${sha256Hex(utf8(csi.volumeHandle))}/globalmount`;
    if (!host.files.exists(folder)) host.files.mkdir(folder, 0o777);
    return folder;
  }

  /** A volume that a pod has a driver make for it alone. @throws MountFailure */
  checkInline(driver: string): void {
    if (!isPluginRegistered(this.#context, driver))
      throw new MountFailure(
        `kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: ${notRegistered(driver)}`,
      );
  }

  /** The node's status has it as attached here. */
  isAttached({ driver, volumeHandle }: CsiSource): boolean {
    const name = uniqueName(driver, volumeHandle);
    return (this.#node()?.status?.volumesAttached ?? []).some((volume) => volume.name === name);
  }

  async #needsAttach(driver: string): Promise<boolean> {
    return (await this.#driver(driver))?.spec.attachRequired !== false;
  }

  async #driver(name: string): Promise<DeepReadonly<CSIDriver> | undefined> {
    const drivers = this.#context.api?.client.resource('csidrivers.storage.k8s.io');
    try {
      return await drivers?.get(undefined, name);
    } catch (error) {
      if (isReason(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  async #waitForController(uid: string, csi: CsiSource, signal: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    const name = uniqueName(csi.driver, csi.volumeHandle);
    const users = this.#users.get(name) ?? new Set();
    this.#users.set(name, users.add(uid));
    let lookAgainMs = clock.now() + patienceMs;
    while (!this.#reported.includes(name) || !this.isAttached(csi)) {
      if (clock.now() >= lookAgainMs) {
        if (await this.#isNodeFull(csi)) throw new AttachLimitExceeded();
        lookAgainMs = clock.now() + patienceMs;
      }
      // Waiting for somebody who may never come is no work in progress.
      await sleep(clock, lookMs, signal, { background: true });
    }
  }

  /** Asked only of drivers that tell anew how many volumes a node takes. @see pkg/volume/csi/csi_plugin.go */
  async #isNodeFull(csi: CsiSource): Promise<boolean> {
    try {
      const driver = await this.#driver(csi.driver);
      if (!driver?.spec.nodeAllocatableUpdatePeriodSeconds) return false;
      const attachment = await this.#attachment(csi);
      return attachment?.status?.attachError?.errorCode === resourceExhausted;
    } catch {
      return false;
    }
  }

  #attachment(csi: CsiSource): Promise<DeepReadonly<VolumeAttachment> | undefined> {
    const attachments = this.#context.api?.client.resource('volumeattachments.storage.k8s.io');
    return attachments?.get(undefined, this.#attachmentName(csi)) ?? Promise.resolve(undefined);
  }

  #attachmentName({ driver, volumeHandle }: CsiSource): string {
    return `csi-${sha256Hex(utf8(volumeHandle + driver + this.#context.nodeName))}`;
  }

  async #checkAttachment(csi: CsiSource): Promise<void> {
    const { volumeHandle } = csi;
    const name = this.#attachmentName(csi);
    const fail = (message: string): never => {
      throw new MountFailure(message, { stage: 'MountVolume.WaitForAttach failed' });
    };
    try {
      const found = await this.#attachment(csi);
      if (found?.metadata.deletionTimestamp !== undefined)
        fail('volume attachment is being deleted');
      if (found?.status?.attached) return;
      if (found?.status?.attachError) fail(found.status.attachError.message ?? '');
    } catch (error) {
      if (error instanceof MountFailure) throw error;
      fail(
        `volume ${volumeHandle} has GET error for volume attachment ${name}: ${errorText(error)}`,
      );
    }
    fail(`volume ${volumeHandle} is not attached for volume attachment ${name}`);
  }
}

function uniqueName(driver: string, volumeHandle: string): string {
  return `kubernetes.io/csi/${driver}^${volumeHandle}`;
}

function notRegistered(driver: string): string {
  return `driver name ${driver} not found in the list of registered CSI drivers`;
}
