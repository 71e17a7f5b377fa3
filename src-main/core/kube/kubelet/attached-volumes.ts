import { type DeepReadonly, sha256Hex, sleep, utf8 } from '#core/base';
import type { CSIPersistentVolumeSource, Node } from '../apis/index.ts';
import { isReason } from '../machinery/index.ts';
import { errorText, type KubeletContext } from './context.ts';
import { MountFailure } from './mount-failure.ts';
import { isPluginRegistered } from './plugin-registry.ts';

type CsiSource = DeepReadonly<CSIPersistentVolumeSource>;

const lookMs = 1000;
const plugins = '/var/lib/kubelet/plugins/kubernetes.io/csi';

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

  async #needsAttach(driver: string): Promise<boolean> {
    const drivers = this.#context.api?.client.resource('csidrivers.storage.k8s.io');
    try {
      return (await drivers?.get(undefined, driver))?.spec.attachRequired !== false;
    } catch (error) {
      if (isReason(error, 'NotFound')) return true;
      throw error;
    }
  }

  async #waitForController(uid: string, csi: CsiSource, signal: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    const name = `kubernetes.io/csi/${csi.driver}^${csi.volumeHandle}`;
    const users = this.#users.get(name) ?? new Set();
    this.#users.set(name, users.add(uid));
    const isAttached = (): boolean =>
      this.#reported.includes(name) &&
      (this.#node()?.status?.volumesAttached ?? []).some((volume) => volume.name === name);
    // Waiting for somebody who may never come is no work in progress.
    while (!isAttached()) await sleep(clock, lookMs, signal, { background: true });
  }

  async #checkAttachment({ driver, volumeHandle }: CsiSource): Promise<void> {
    const { api, nodeName } = this.#context;
    const name = `csi-${sha256Hex(utf8(volumeHandle + driver + nodeName))}`;
    const fail = (message: string): never => {
      throw new MountFailure(message, { stage: 'MountVolume.WaitForAttach failed' });
    };
    try {
      const found = await api?.client
        .resource('volumeattachments.storage.k8s.io')
        .get(undefined, name);
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

function notRegistered(driver: string): string {
  return `driver name ${driver} not found in the list of registered CSI drivers`;
}
