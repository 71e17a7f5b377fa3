import { type DeepReadonly, fromBase64, sleep, utf8 } from '#core/base';
import type {
  DownwardAPIVolumeFile,
  HostPathVolumeSource,
  KeyToPath,
  PersistentVolume,
  Volume,
} from '../apis/index.ts';
import { formatDuration, parseQuantity } from '../machinery/index.ts';
import { type AttachedVolumes, AttachLimitExceeded } from './attached-volumes.ts';
import { errorText, type KubeletContext, podEvent } from './context.ts';
import { type DownwardValues, fieldValue, resourceValue } from './downward-api.ts';
import { MountFailure } from './mount-failure.ts';
import { allContainers, configSeen, specOf, uidOf, type PodView } from './pods.ts';
import { ReferenceNotFoundError, type ReferencedObjects } from './referenced-objects.ts';
import { goTime } from './static-pod-source.ts';
import { TokenManager } from './tokens.ts';
import { type ProjectedFile, writeAtomically } from './volume-files.ts';

/** The kubelet's own folder of a pod. */
export function podDirectory(uid: string): string {
  return `/var/lib/kubelet/pods/${uid}`;
}

type PersistentVolumeView = DeepReadonly<PersistentVolume>;

const firstRetryMs = 500;
const maxRetryMs = 122_000;

/**
 * Mounts what a pod's volumes name, as folders of the node, and keeps what comes from the API up to date.
 * @see pkg/kubelet/volumemanager and pkg/volume
 */
export class VolumeManager {
  readonly #context: KubeletContext;
  readonly #objects: ReferencedObjects;
  readonly #values: (pod: PodView) => DownwardValues;
  readonly #tokens: TokenManager;
  readonly #attached: AttachedVolumes;
  /** Folder on the node of each mounted volume, by pod. */
  readonly #mounted = new Map<string, Map<string, string>>();

  constructor(
    context: KubeletContext,
    objects: ReferencedObjects,
    values: (pod: PodView) => DownwardValues,
    attached: AttachedVolumes,
  ) {
    this.#context = context;
    this.#objects = objects;
    this.#values = values;
    this.#attached = attached;
    this.#tokens = new TokenManager(context);
  }

  /** The node's path of a mounted volume. */
  pathOf(uid: string, volume: string): string | undefined {
    return this.#mounted.get(uid)?.get(volume);
  }

  /**
   * Resolves when all volumes are mounted and current; failures are told by events and tried again for as
   * long as the signal is not aborted.
   *
   * @throws AttachLimitExceeded when the pod's volumes do not fit on the node.
   */
  async mountAll(pod: PodView, signal: AbortSignal): Promise<void> {
    const uid = uidOf(pod);
    const used = new Set(
      allContainers(pod).flatMap(({ container }) => [
        ...(container.volumeMounts ?? []).map(({ name }) => name),
        ...(container.volumeDevices ?? []).map(({ name }) => name),
      ]),
    );
    // Nobody misses a volume that no container uses.
    const wanted = (specOf(pod).volumes ?? []).filter(({ name }) => used.has(name));
    const claimed = new Map<string, PersistentVolumeView>();
    const problems = new Map<string, string>();
    for (const volume of wanted) {
      const claimName = claimNameOf(pod, volume);
      if (claimName === undefined) continue;
      try {
        claimed.set(volume.name, await this.#persistentVolume(pod, claimName));
      } catch (error) {
        problems.set(volume.name, errorText(error));
      }
    }
    const before = this.#mounted.get(uid);
    const mounts = before ?? new Map<string, string>();
    const unmounted = wanted.map(({ name }) => name).filter((name) => !mounts.has(name));
    if (problems.size > 0) this.#tellProblems(pod, unmounted, problems);
    try {
      await Promise.all(
        wanted
          .filter(({ name }) => !problems.has(name))
          .map(async (volume) => {
            mounts.set(
              volume.name,
              await this.#mountInTheEnd(pod, volume, claimed.get(volume.name), signal),
            );
          }),
      );
    } catch (error) {
      if (!(error instanceof AttachLimitExceeded)) throw error;
      const waiting = unmounted.filter((name) => !mounts.has(name)).sort();
      const unattached = waiting.filter((name) => {
        const csi = claimed.get(name)?.spec?.csi;
        return csi && !this.#attached.isAttached(csi);
      });
      throw new AttachLimitExceeded(
        `Node has reached its volume attachment limit, rejecting pod. unmounted volumes=[${waiting.join(' ')}], unattached volumes=[${unattached.join(' ')}], failed to process volumes=[]: context deadline exceeded`,
      );
    }
    this.#mounted.set(uid, mounts);
    if (problems.size > 0) throw new Error(unprocessed(unmounted, problems));
  }

  #tellProblems(
    pod: PodView,
    unmounted: readonly string[],
    problems: ReadonlyMap<string, string>,
  ): void {
    const text = `Unable to attach or mount volumes: ${unprocessed(unmounted, problems)}`;
    podEvent(this.#context, pod, 'Warning', 'FailedMount', text);
  }

  /** Tries until it is mounted, or the pod is to end. */
  async #mountInTheEnd(
    pod: PodView,
    volume: DeepReadonly<Volume>,
    claimed: PersistentVolumeView | undefined,
    signal: AbortSignal,
  ): Promise<string> {
    for (let delayMs = firstRetryMs; ; delayMs = Math.min(delayMs * 2, maxRetryMs)) {
      signal.throwIfAborted();
      try {
        return claimed
          ? await this.#mountPersistent(pod, claimed, signal)
          : await this.#mount(pod, volume);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof AttachLimitExceeded) throw error;
        const failure = error instanceof MountFailure ? error : new MountFailure(errorText(error));
        const text = failure.text(volume.name);
        podEvent(this.#context, pod, 'Warning', 'FailedMount', text);
        this.#context.logText(
          'E',
          'nestedpendingoperations.go:348',
          `Operation for "{volumeName:${pluginOf(volume)}/${uidOf(pod)}-${volume.name} podName:${uidOf(pod)} nodeName:}" failed. No retries permitted until ${goTime(this.#context.clock.now() + delayMs)} (durationBeforeRetry ${formatDuration(delayMs)}). Error: ${text}`,
        );
        // Waiting long for an object that may never come is no work in progress.
        await sleep(this.#context.clock, delayMs, signal, { background: delayMs > 4000 });
      }
    }
  }

  /** Brings ConfigMap, Secret, projected and downward API volumes of a running pod up to date. */
  async refresh(pod: PodView): Promise<void> {
    for (const volume of specOf(pod).volumes ?? []) {
      if (!(volume.configMap ?? volume.secret ?? volume.projected ?? volume.downwardAPI)) continue;
      try {
        await this.#mount(pod, volume);
      } catch {
        // What disappeared later leaves the files as they were.
      }
    }
  }

  /** When a token of the pod is to be renewed, ms since the epoch. */
  nextRenewalMs(uid: string): number | undefined {
    return this.#tokens.nextRenewalMs(uid);
  }

  /** Removes the pod's folder. */
  unmountAll(uid: string): void {
    this.#mounted.delete(uid);
    this.#tokens.forget(uid);
    this.#attached.release(uid);
    const directory = podDirectory(uid);
    const { files } = this.#context.host;
    if (!files.exists(directory)) return;
    const emptyDirs = `${directory}/volumes/kubernetes.io~empty-dir`;
    if (files.unmount && files.exists(emptyDirs))
      for (const name of files.readdir(emptyDirs)) files.unmount(`${emptyDirs}/${name}`);
    files.remove(directory);
  }

  async #mount(pod: PodView, volume: DeepReadonly<Volume>): Promise<string> {
    const { files } = this.#context.host;
    const folder = `${podDirectory(uidOf(pod))}/volumes/kubernetes.io~${pluginOf(volume).replace('kubernetes.io/', '')}/${volume.name}`;
    if (volume.hostPath) return this.#hostPath(volume.hostPath);
    if (volume.nfs)
      return this.#directory(
        `/var/lib/kubelet/plugins/kubernetes.io/nfs/${volume.nfs.server}${volume.nfs.path}`,
      );
    if (volume.csi) this.#attached.checkInline(volume.csi.driver);
    // The runtime mounts an image by itself; upstream's plugin makes no folder of it either.
    if (volume.image) return folder;
    if (!files.exists(folder)) {
      files.mkdir(folder, 0o777);
      if (volume.emptyDir?.medium === 'Memory') {
        const limit = parseQuantity(volume.emptyDir.sizeLimit ?? '0').nano / 1_000_000_000n;
        files.mountTmpfs?.(folder, {
          mode: 0o1777,
          ...(limit > 0n ? { sizeBytes: Number(limit) } : {}),
        });
      }
    }
    if (volume.emptyDir) {
      this.#own(pod, folder);
      return folder;
    }
    const projected = await this.#projectedFiles(pod, volume);
    if (!projected) {
      if (Object.keys(volume).length === 1) return folder;
      throw new MountFailure(`no volume plugin matched name: ${pluginOf(volume)}`);
    }
    const gid = specOf(pod).securityContext?.fsGroup;
    const written = writeAtomically(files, folder, projected, {
      nowMs: this.#context.clock.now(),
      nonce: String(100_000_000 + this.#context.random.integer(900_000_000)),
      ...(gid === undefined ? {} : { gid }),
    });
    if (written) this.#own(pod, folder);
    return folder;
  }

  #own(pod: PodView, folder: string): void {
    const gid = specOf(pod).securityContext?.fsGroup;
    if (gid === undefined) return;
    this.#context.host.files.chown(folder, 0, gid);
    this.#context.host.files.chmod(folder, 0o2777);
  }

  #directory(path: string): string {
    const { files } = this.#context.host;
    if (!files.exists(path)) files.mkdir(path, 0o777);
    return path;
  }

  /** @see pkg/volume/hostpath/host_path.go */
  #hostPath({ path, type = '' }: DeepReadonly<HostPathVolumeSource>): string {
    const { files } = this.#context.host;
    const exists = files.exists(path);
    const isDirectory = exists && files.isDirectory(path);
    const fail = (what: string): never => {
      throw new MountFailure(`hostPath type check failed: ${path} is not ${what}`);
    };
    switch (type) {
      case 'DirectoryOrCreate':
        if (!exists) files.mkdir(path, 0o755);
        else if (!isDirectory) fail('a directory');
        break;
      case 'Directory':
        if (!isDirectory) fail('a directory');
        break;
      case 'FileOrCreate':
        if (!exists) {
          const parent = path.slice(0, path.lastIndexOf('/')) || '/';
          if (!files.exists(parent))
            throw new MountFailure(`open ${path}: no such file or directory`);
          files.writeFile(path, '', 0o644);
        } else if (isDirectory) fail('a file');
        break;
      case 'File':
        if (!exists || isDirectory) fail('a file');
        break;
      case 'Socket':
        if (!exists || isDirectory) fail('a socket file');
        break;
      case 'CharDevice':
        if (!exists || isDirectory) fail('a character device');
        break;
      case 'BlockDevice':
        if (!exists || isDirectory) fail('a block device');
        break;
      default:
        // Without a type nothing is checked; the runtime makes a directory of what is not there.
        if (!exists) files.mkdir(path, 0o755);
    }
    return path;
  }

  /** What a claim is bound to. @throws Error what upstream calls an error of processing. */
  async #persistentVolume(pod: PodView, claimName: string): Promise<PersistentVolumeView> {
    const { api } = this.#context;
    const namespace = pod.metadata.namespace ?? '';
    const fail = (why: string): never => {
      throw new Error(`error processing PVC ${namespace}/${claimName}: ${why}`);
    };
    if (!api) return fail('no kubeClient defined');
    const claim = await api.client
      .resource('persistentvolumeclaims')
      .get(namespace, claimName)
      .catch((error: unknown) => fail(`failed to fetch PVC from API server: ${errorText(error)}`));
    const { deletionTimestamp, finalizers = [], uid = '' } = claim.metadata;
    if (deletionTimestamp !== undefined && !finalizers.includes('kubernetes.io/pvc-protection'))
      return fail('PVC is being deleted');
    if (claim.status?.phase !== 'Bound') return fail('PVC is not bound');
    const name = claim.spec?.volumeName;
    if (!name) return fail('PVC has empty pvc.Spec.VolumeName');
    const volume = await api.client
      .resource('persistentvolumes')
      .get(undefined, name)
      .catch((error: unknown) =>
        fail(`failed to fetch PV ${name} from API server: ${errorText(error)}`),
      );
    const claimRef = volume.spec?.claimRef;
    if (!claimRef)
      return fail(
        `found PV object ${name} but it has a nil pv.Spec.ClaimRef indicating it is not yet bound to the claim`,
      );
    if (claimRef.uid !== uid)
      return fail(
        `found PV object ${name} but its pv.Spec.ClaimRef.UID ${claimRef.uid ?? ''} does not point to claim.UID ${uid}`,
      );
    return volume;
  }

  async #mountPersistent(
    pod: PodView,
    { metadata, spec }: PersistentVolumeView,
    signal: AbortSignal,
  ): Promise<string> {
    const { name = '' } = metadata;
    const { hostPath, local, nfs, csi } = spec ?? {};
    try {
      if (hostPath) return this.#hostPath(hostPath);
      if (local) {
        if (!this.#context.host.files.exists(local.path))
          throw new MountFailure(`path ${JSON.stringify(local.path)} does not exist`, {
            stage: 'MountVolume.NewMounter initialization failed',
          });
        return local.path;
      }
      if (nfs)
        return this.#directory(
          `/var/lib/kubelet/plugins/kubernetes.io/nfs/${nfs.server}${nfs.path}`,
        );
      if (csi) return await this.#attached.stage(uidOf(pod), csi, signal);
      throw new MountFailure(`volume ${name} cannot be mounted on node ${this.#context.nodeName}`);
    } catch (error) {
      throw error instanceof MountFailure ? error.of(name) : error;
    }
  }

  /** Undefined: not a volume of files made by the kubelet. */
  async #projectedFiles(
    pod: PodView,
    { configMap, secret, downwardAPI, projected }: DeepReadonly<Volume>,
  ): Promise<ProjectedFile[] | undefined> {
    const namespace = pod.metadata.namespace ?? '';
    if (configMap)
      return this.#configMapFiles(namespace, configMap, configMap.defaultMode ?? 0o644);
    if (secret)
      return this.#secretFiles(
        namespace,
        { ...secret, name: secret.secretName ?? '' },
        secret.defaultMode ?? 0o644,
      );
    if (downwardAPI)
      return this.#downwardFiles(pod, downwardAPI.items ?? [], downwardAPI.defaultMode ?? 0o644);
    if (!projected) return undefined;
    const mode = projected.defaultMode ?? 0o644;
    const all: ProjectedFile[] = [];
    for (const source of projected.sources ?? []) {
      if (source.configMap)
        all.push(...(await this.#configMapFiles(namespace, source.configMap, mode)));
      else if (source.secret)
        all.push(...(await this.#secretFiles(namespace, source.secret, mode)));
      else if (source.downwardAPI)
        all.push(...this.#downwardFiles(pod, source.downwardAPI.items ?? [], mode));
      else if (source.serviceAccountToken) {
        const token = await this.#tokens.get(pod, source.serviceAccountToken);
        const uid = onlyUser(pod);
        const isPrivate = (uid ?? specOf(pod).securityContext?.fsGroup) !== undefined;
        all.push({
          path: source.serviceAccountToken.path,
          content: token,
          mode: isPrivate ? 0o600 : mode,
          ...(uid === undefined ? {} : { uid }),
        });
      }
    }
    return all;
  }

  async #configMapFiles(
    namespace: string,
    source: SourceView,
    defaultMode: number,
  ): Promise<ProjectedFile[]> {
    try {
      const { data = {}, binaryData = {} } = await this.#objects.configMap(
        namespace,
        source.name ?? '',
      );
      const content: Record<string, Uint8Array> = {};
      for (const [key, value] of Object.entries(data)) content[key] = utf8(value);
      for (const [key, value] of Object.entries(binaryData)) content[key] = fromBase64(value);
      return select('configmap', content, source, defaultMode);
    } catch (error) {
      if (source.optional && error instanceof ReferenceNotFoundError) return [];
      throw error;
    }
  }

  async #secretFiles(
    namespace: string,
    source: SourceView,
    defaultMode: number,
  ): Promise<ProjectedFile[]> {
    try {
      const { data = {} } = await this.#objects.secret(namespace, source.name ?? '');
      const content: Record<string, Uint8Array> = {};
      for (const [key, value] of Object.entries(data)) content[key] = fromBase64(value);
      return select('secret', content, source, defaultMode);
    } catch (error) {
      if (source.optional && error instanceof ReferenceNotFoundError) return [];
      throw error;
    }
  }

  #downwardFiles(
    pod: PodView,
    items: readonly DeepReadonly<DownwardAPIVolumeFile>[],
    defaultMode: number,
  ): ProjectedFile[] {
    const values = this.#values(pod);
    const seen: PodView = {
      ...pod,
      metadata: {
        ...pod.metadata,
        annotations: {
          [configSeen]: goTime(this.#context.startedMs),
          'kubernetes.io/config.source': 'api',
          ...pod.metadata.annotations,
        },
      },
    };
    return items.map(({ path, mode = defaultMode, fieldRef, resourceFieldRef }) => ({
      path,
      mode,
      content: fieldRef
        ? fieldValue(fieldRef.fieldPath === 'metadata.annotations' ? seen : pod, fieldRef, values)
        : resourceFieldRef
          ? resourceValue(pod, resourceFieldRef, undefined, values)
          : '',
    }));
  }
}

/** The user that every container of a pod is told to run as, if there is one. */
function onlyUser(pod: PodView): number | undefined {
  const users = new Set(
    allContainers(pod).map(
      ({ container }) =>
        container.securityContext?.runAsUser ?? specOf(pod).securityContext?.runAsUser,
    ),
  );
  const [user] = users;
  return users.size === 1 ? user : undefined;
}

interface SourceView {
  readonly name?: string;
  readonly items?: readonly DeepReadonly<KeyToPath>[];
  readonly optional?: boolean;
}

function select(
  kind: 'configmap' | 'secret',
  content: Readonly<Record<string, Uint8Array>>,
  { items, optional = false }: SourceView,
  defaultMode: number,
): ProjectedFile[] {
  if (!items || items.length === 0)
    return Object.entries(content).map(([path, bytes]) => ({
      path,
      content: bytes,
      mode: defaultMode,
    }));
  return items.flatMap(({ key, path, mode = defaultMode }) => {
    const bytes = content[key];
    if (bytes) return [{ path, content: bytes, mode }];
    if (optional) return [];
    throw new MountFailure(
      kind === 'configmap'
        ? `configmap references non-existent config key: ${key}`
        : `references non-existent secret key: ${key}`,
    );
  });
}

const plugins: Readonly<Record<string, string>> = {
  configMap: 'configmap',
  secret: 'secret',
  projected: 'projected',
  downwardAPI: 'downward-api',
  emptyDir: 'empty-dir',
  hostPath: 'host-path',
  persistentVolumeClaim: 'persistent-volume',
  nfs: 'nfs',
  csi: 'csi',
  image: 'image',
};

function pluginOf(volume: DeepReadonly<Volume>): string {
  const kind = Object.keys(volume).find((key) => key !== 'name') ?? 'emptyDir';
  return `kubernetes.io/${plugins[kind] ?? kind}`;
}

function claimNameOf(pod: PodView, volume: DeepReadonly<Volume>): string | undefined {
  if (volume.persistentVolumeClaim) return volume.persistentVolumeClaim.claimName;
  return volume.ephemeral ? `${pod.metadata.name ?? ''}-${volume.name}` : undefined;
}

/** Why the volumes of a pod are not all there. @see pkg/kubelet/volumemanager/volume_manager.go, WaitForAttachAndMount */
function unprocessed(unmounted: readonly string[], problems: ReadonlyMap<string, string>): string {
  const list = (names: readonly string[]): string => `[${[...names].sort().join(' ')}]`;
  return `unmounted volumes=${list(unmounted)}, unattached volumes=[], failed to process volumes=${list([...problems.keys()])}: ${[...problems.values()].join('; ')}`;
}
