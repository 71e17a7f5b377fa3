import { type Disposable, DisposableStore } from '#core/base';
import { isReason, keyOf } from '../../machinery/index.ts';
import { type Controller, type ControllerContext, textOf } from '../shared/context.ts';
import { nodeCondition, type NodeView } from '../shared/nodes.ts';
import { isPodTerminal, type PodView } from '../shared/pods.ts';
import { ActualState, type Attachment } from './actual-state.ts';
import {
  type AttachableVolume,
  attachablePersistentVolume,
  attachableVolume,
  type VolumeLookup,
} from './attachable-volumes.ts';
import { CsiAttacher } from './csi-attacher.ts';
import { PendingOperations } from './operations.ts';

const loopMs = 100;
const maxUnmountWaitMs = 6 * 60_000;
const managedAnnotation = 'volumes.kubernetes.io/controller-managed-attach-detach';
const outOfServiceTaint = 'node.kubernetes.io/out-of-service';
const withVolumes = 'withVolumes';

export interface AttachDetachOptions {
  /** `--attach-detach-reconcile-sync-period`. */
  readonly syncPeriodMs?: number;
  /** `--disable-force-detach-on-timeout`. */
  readonly disableForceDetachOnTimeout?: boolean;
}

interface Wanted {
  readonly volume: AttachableVolume;
  readonly node: string;
  readonly pods: PodView[];
}

/**
 * Attaches the volumes of bound pods to their nodes and detaches what no pod needs any more: by VolumeAttachments
 * that the external attacher of a CSI driver answers, and by `status.volumesAttached` of nodes, which kubelets wait
 * for.
 *
 * @see k8s.io/kubernetes/pkg/controller/volume/attachdetach
 */
export function createAttachDetachController(
  context: ControllerContext,
  options: AttachDetachOptions = {},
): Controller {
  return new AttachDetachController(context, options);
}

class AttachDetachController implements Controller {
  readonly #context: ControllerContext;
  readonly #options: AttachDetachOptions;
  readonly #actual = new ActualState();
  readonly #operations: PendingOperations;
  readonly #attacher: CsiAttacher;
  readonly #lookup: VolumeLookup;
  readonly #owned = new DisposableStore();
  readonly #abort = new AbortController();
  /** Volumes of nodes of which a Multi-Attach error has been told. */
  readonly #multiAttachTold = new Set<string>();
  #wake: { readonly dueMs: number; readonly timer: Disposable } | undefined;
  #busy = false;
  #again = false;
  #verifiedMs: number;

  constructor(context: ControllerContext, options: AttachDetachOptions) {
    const { informers, clock } = context;
    this.#context = context;
    this.#options = options;
    this.#operations = new PendingOperations(clock);
    this.#attacher = new CsiAttacher(context, this.#abort.signal);
    this.#verifiedMs = clock.now();
    const drivers = informers.for('csidrivers.storage.k8s.io');
    const claims = informers.for('persistentvolumeclaims');
    const volumes = informers.for('persistentvolumes');
    informers.for('volumeattachments.storage.k8s.io');
    informers
      .for('pods')
      .addIndex(withVolumes, (pod) => (mayNeedAttach(pod) ? [pod.spec?.nodeName ?? ''] : []));
    this.#lookup = {
      claim: (namespace, name) => claims.get(keyOf(namespace, name)),
      volume: (name) => volumes.get(keyOf(undefined, name)),
      needsAttach: (driver) => drivers.get(keyOf(undefined, driver))?.spec.attachRequired !== false,
    };
  }

  start(): void {
    void this.#context.informers.waitForSync().then(() => {
      if (this.#abort.signal.aborted) return;
      this.#populate();
      this.#listen();
      this.#poke(loopMs);
    });
  }

  dispose(): void {
    this.#abort.abort(new Error('controller stopped'));
    this.#wake?.timer.dispose();
    this.#owned.dispose();
  }

  /** What was attached before this controller began. */
  #populate(): void {
    const { informers } = this.#context;
    const byName = new Map<string, AttachableVolume>();
    for (const volume of informers.for('persistentvolumes').list()) {
      const found = attachablePersistentVolume(volume, this.#lookup);
      if (found) byName.set(found.uniqueName, found);
    }
    for (const { metadata, status } of informers.for('nodes').list()) {
      const node = metadata.name ?? '';
      for (const { name } of status?.volumesAttached ?? [])
        this.#actual.markAttached(name, node, byName.get(name));
      this.#actual.setMounted(node, status?.volumesInUse ?? []);
    }
    for (const { spec } of informers.for('volumeattachments.storage.k8s.io').list()) {
      const name = spec.source.persistentVolumeName;
      const volume = name === undefined ? undefined : this.#lookup.volume(name);
      const found = volume && attachablePersistentVolume(volume, this.#lookup);
      if (found && !this.#actual.get(found.uniqueName, spec.nodeName))
        this.#actual.markUncertain(found.uniqueName, spec.nodeName, found);
    }
    this.#actual.takeOutdated();
  }

  #listen(): void {
    const { informers } = this.#context;
    const poke = (): void => this.#poke(loopMs);
    const onPod = (pod: PodView): void => {
      if (pod.spec?.nodeName && pod.spec.volumes?.some(isAttachCandidate)) poke();
    };
    this.#owned.add(
      informers.for('pods').addHandler({
        onAdd: onPod,
        onUpdate: (_, pod) => onPod(pod),
        onDelete: onPod,
      }),
    );
    const onNode = (node: NodeView): void => {
      this.#actual.setMounted(node.metadata.name ?? '', node.status?.volumesInUse ?? []);
      poke();
    };
    const concerns = (before: NodeView, node: NodeView): boolean =>
      this.#actual.all().length > 0 ||
      before.metadata.annotations?.[managedAnnotation] !==
        node.metadata.annotations?.[managedAnnotation];
    this.#owned.add(
      informers.for('nodes').addHandler({
        onAdd: (node) => {
          // A node made anew has lost what its status said.
          this.#actual.outdate(node.metadata.name ?? '');
          onNode(node);
        },
        onUpdate: (before, node) => {
          if (concerns(before, node)) onNode(node);
        },
        onDelete: onNode,
      }),
    );
    for (const informer of [
      informers.for('persistentvolumeclaims'),
      informers.for('persistentvolumes'),
      informers.for('csidrivers.storage.k8s.io'),
    ])
      this.#owned.add(
        informer.addHandler({ onAdd: poke, onUpdate: poke, onDelete: () => undefined }),
      );
  }

  #poke(delayMs: number): void {
    const { clock } = this.#context;
    const dueMs = clock.now() + delayMs;
    if (this.#abort.signal.aborted || (this.#wake && this.#wake.dueMs <= dueMs)) return;
    this.#wake?.timer.dispose();
    const timer = clock.setTimer(
      delayMs,
      () => {
        this.#wake = undefined;
        void this.#loop();
      },
      { background: delayMs > 1000 },
    );
    this.#wake = { dueMs, timer };
  }

  async #loop(): Promise<void> {
    if (this.#busy) {
      this.#again = true;
      return;
    }
    this.#busy = true;
    try {
      await this.#reconcile();
    } catch (error) {
      this.#context.logger.log('warn', 'volumes not reconciled', { error: textOf(error) });
      this.#poke(1000);
    } finally {
      this.#busy = false;
    }
    if (this.#again) {
      this.#again = false;
      this.#poke(loopMs);
    }
  }

  /** Detaches before it attaches, so that a volume may move with its pod. */
  async #reconcile(): Promise<void> {
    const wanted = this.#wanted();
    this.#verify();
    for (const item of this.#actual.all())
      if (!wanted.has(`${item.node}/${item.uniqueName}`)) await this.#detach(item);
    for (const key of [...this.#multiAttachTold])
      if (!wanted.has(key)) this.#multiAttachTold.delete(key);
    for (const [key, item] of wanted) this.#attach(key, item, wanted);
    for (const node of this.#actual.takeOutdated()) await this.#updateNode(node);
    if (this.#actual.all().length > 0) this.#poke(this.#syncPeriodMs);
  }

  /** By node and volume: what bound, unfinished pods need. */
  #wanted(): Map<string, Wanted> {
    const { informers } = this.#context;
    const wanted = new Map<string, Wanted>();
    for (const node of informers.for('nodes').list()) {
      if (node.metadata.annotations?.[managedAnnotation] === undefined) continue;
      const name = node.metadata.name ?? '';
      for (const pod of informers.for('pods').byIndex(withVolumes, name))
        for (const volume of pod.spec?.volumes ?? []) {
          const found = attachableVolume(pod, volume, this.#lookup);
          if (!found) continue;
          const key = `${name}/${found.uniqueName}`;
          const present = wanted.get(key);
          if (present) present.pods.push(pod);
          else wanted.set(key, { volume: found, node: name, pods: [pod] });
        }
    }
    return wanted;
  }

  get #syncPeriodMs(): number {
    return this.#options.syncPeriodMs ?? 60_000;
  }

  /** Once a minute: what the drivers no longer call attached is not. */
  #verify(): void {
    const { clock } = this.#context;
    if (clock.now() - this.#verifiedMs < this.#syncPeriodMs) return;
    this.#verifiedMs = clock.now();
    for (const { uniqueName, node, state, volume } of this.#actual.all())
      if (
        state === 'attached' &&
        volume?.csi &&
        this.#attacher.get(volume.csi, node)?.status?.attached !== true
      )
        this.#actual.remove(uniqueName, node);
  }

  #operationKey(uniqueName: string, node: string, volume: AttachableVolume | undefined): string {
    return !volume || volume.allowsMultiAttach ? `${uniqueName} ${node}` : uniqueName;
  }

  async #detach(item: Attachment): Promise<void> {
    const { clock, informers } = this.#context;
    const { uniqueName, node, volume } = item;
    const key = this.#operationKey(uniqueName, node, volume);
    const delayMs = this.#operations.delayMs(key, 'detach');
    if (delayMs === undefined) return;
    if (delayMs > 0) {
      this.#poke(delayMs);
      return;
    }
    item.detachRequestedMs ??= clock.now();
    const leftMs = item.detachRequestedMs + maxUnmountWaitMs - clock.now();
    const expired = leftMs <= 0 && this.#options.disableForceDetachOnTimeout !== true;
    const found = informers.for('nodes').get(keyOf(undefined, node));
    const isHealthy = found !== undefined && nodeCondition(found, 'Ready')?.status === 'True';
    const isOutOfService = (found?.spec?.taints ?? []).some(({ key }) => key === outOfServiceTaint);
    if (item.mounted && !(expired && !isHealthy) && !isOutOfService) {
      if (leftMs > 0) this.#poke(leftMs);
      return;
    }
    // The node learns that the volume must not be mounted any more before it is taken away.
    this.#actual.report(item, false);
    try {
      await this.#updateNode(node);
    } catch {
      this.#actual.report(item, true);
      this.#poke(1000);
      return;
    }
    const isForced = expired || isOutOfService;
    void this.#operations
      .run(key, 'detach', async () => {
        try {
          if (!isForced) await this.#checkUnused(uniqueName, node);
          const csi = volume?.csi ?? csiOf(uniqueName);
          if (csi) await this.#attacher.detach(csi, node);
          this.#actual.remove(uniqueName, node);
        } catch (error) {
          this.#actual.markUncertain(uniqueName, node, volume);
          throw error;
        }
      })
      .then(() => this.#poke(loopMs));
  }

  async #checkUnused(uniqueName: string, node: string): Promise<void> {
    try {
      const { status } = await this.#context.client.resource('nodes').get(undefined, node);
      if (status?.volumesInUse?.includes(uniqueName))
        throw new Error('volume is still in use by node, according to Node status');
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
    }
  }

  #attach(key: string, { volume, node, pods }: Wanted, wanted: ReadonlyMap<string, Wanted>): void {
    const { recorder } = this.#context;
    const { uniqueName, specName } = volume;
    const operation = this.#operationKey(uniqueName, node, volume);
    if (this.#operations.isRunning(operation)) return;
    const present = this.#actual.get(uniqueName, node);
    if (present) present.volume = volume;
    if (present?.state === 'attached') {
      delete present.detachRequestedMs;
      return;
    }
    if (!volume.allowsMultiAttach) {
      const nodes = this.#actual.nodesOf(uniqueName);
      if (nodes.length > 0) {
        if (!this.#multiAttachTold.has(key)) this.#tellMultiAttach(volume, pods, nodes, wanted);
        this.#multiAttachTold.add(key);
        return;
      }
    }
    const delayMs = this.#operations.delayMs(operation, 'attach');
    if (delayMs === undefined) return;
    if (delayMs > 0) {
      this.#poke(delayMs);
      return;
    }
    void this.#operations
      .run(operation, 'attach', async () => {
        try {
          if (volume.csi) await this.#attacher.attach(volume.csi, node);
        } catch (error) {
          if (this.#abort.signal.aborted) throw error;
          this.#actual.markUncertain(uniqueName, node, volume);
          const text = `AttachVolume.Attach failed for volume ${JSON.stringify(specName)} : ${textOf(error)}`;
          for (const pod of pods) recorder.event(pod, 'Warning', 'FailedAttachVolume', text);
          throw error;
        }
        this.#actual.markAttached(uniqueName, node, volume);
        // The blank at the end is upstream's.
        const text = `AttachVolume.Attach succeeded for volume ${JSON.stringify(specName)} `;
        for (const pod of pods) recorder.event(pod, 'Normal', 'SuccessfulAttachVolume', text);
      })
      .then(() => this.#poke(loopMs));
  }

  #tellMultiAttach(
    { uniqueName, specName }: AttachableVolume,
    pods: readonly PodView[],
    nodes: readonly string[],
    wanted: ReadonlyMap<string, Wanted>,
  ): void {
    const others = nodes.flatMap((node) => wanted.get(`${node}/${uniqueName}`)?.pods ?? []);
    for (const pod of pods) {
      const here = others.filter(({ metadata }) => metadata.namespace === pod.metadata.namespace);
      const elsewhere = `${others.length - here.length} pod(s) in different namespaces`;
      const names = here.map(({ metadata }) => metadata.name ?? '').join(', ');
      let text =
        "Volume is already exclusively attached to one node and can't be attached to another";
      if (here.length > 0) {
        text = `Volume is already used by pod(s) ${names}`;
        if (others.length > here.length) text += ` and ${elsewhere}`;
      } else if (others.length > 0) text = `Volume is already used by ${elsewhere}`;
      this.#context.recorder.event(
        pod,
        'Warning',
        'FailedAttachVolume',
        `Multi-Attach error for volume ${JSON.stringify(specName)} ${text}`,
      );
    }
  }

  async #updateNode(node: string): Promise<void> {
    const names = this.#actual.reportedOn(node);
    try {
      await this.#context.client.resource('nodes').patch(
        undefined,
        node,
        'strategic',
        {
          status: {
            volumesAttached:
              names.length === 0 ? null : names.map((name) => ({ name, devicePath: '' })),
          },
        },
        { subresource: 'status' },
      );
    } catch (error) {
      if (isReason(error, 'NotFound')) return;
      this.#actual.outdate(node);
      throw error;
    }
  }
}

/** The driver and handle in the unique name of a CSI volume that is known by it alone. */
function csiOf(uniqueName: string): AttachableVolume['csi'] {
  const match = /^kubernetes\.io\/csi\/([^^]+)\^(.*)$/.exec(uniqueName);
  return match ? { driver: match[1] ?? '', handle: match[2] ?? '', volume: '' } : undefined;
}

type PodVolume = NonNullable<NonNullable<PodView['spec']>['volumes']>[number];

const isAttachCandidate = (volume: PodVolume): boolean =>
  Boolean(volume.persistentVolumeClaim ?? volume.ephemeral ?? volume.iscsi ?? volume.fc);

/** Bound, with volumes that may be attachable, and neither finished nor at its end with all containers stopped. */
function mayNeedAttach(pod: PodView): boolean {
  if (!pod.spec?.nodeName || !pod.spec.volumes?.some(isAttachCandidate)) return false;
  if (isPodTerminal(pod)) return false;
  const runs = (pod.status?.containerStatuses ?? []).some(
    ({ state }) => !state?.terminated && !state?.waiting,
  );
  return pod.metadata.deletionTimestamp === undefined || runs;
}
