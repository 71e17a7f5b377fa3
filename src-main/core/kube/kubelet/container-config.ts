import { hex } from '#core/base';
import type { Service } from '../apis/index.ts';
import type { Lister } from '../client/index.ts';
import { canonicalJson, fnv32a, parseQuantity } from '../machinery/index.ts';
import type { KubeletContext } from './context.ts';
import type { ContainerConfig, ContainerResources, Mount } from './cri.ts';
import type { DownwardValues } from './downward-api.ts';
import { environmentOf, expand } from './environment.ts';
import * as labels from './labels.ts';
import { hostsFile } from './pod-network.ts';
import { type ContainerView, formatPod, specOf, uidOf, type PodView } from './pods.ts';
import type { ReferencedObjects } from './referenced-objects.ts';
import { podDirectory, type VolumeManager } from './volumes.ts';

export interface ContainerConfigDeps {
  readonly context: KubeletContext;
  readonly objects: ReferencedObjects;
  readonly volumes: VolumeManager;
  readonly services: Lister<Service> | undefined;
  readonly values: (pod: PodView) => DownwardValues;
}

/** What of a container makes it another one: the kubelet restarts it when this changes. */
export function containerHash({ name, image }: ContainerView): string {
  const key = `${name} ${image ?? ''}`;
  let hash = hashes.get(key);
  if (hash === undefined) {
    hash = fnv32a(canonicalJson({ name, image })).toString(16);
    if (hashes.size >= maxHashes) hashes.clear();
    hashes.set(key, hash);
  }
  return hash;
}

/** The containers of a workload have the same hash, which is asked for at each look at each pod. */
const hashes = new Map<string, string>();
const maxHashes = 1024;

/** CPU and memory as the runtime understands them. */
export function runtimeResources(container: ContainerView): ContainerResources {
  const { requests = {}, limits = {} } = container.resources ?? {};
  const milli = (text: string | undefined): number | undefined =>
    text === undefined
      ? undefined
      : Number((parseQuantity(String(text)).nano + 999_999n) / 1_000_000n);
  const requestMilli = milli(requests['cpu']) ?? milli(limits['cpu']) ?? 0;
  const limitMilli = milli(limits['cpu']);
  const memory = limits['memory'];
  return {
    cpuShares: Math.max(2, Math.floor((requestMilli * 1024) / 1000)),
    ...(limitMilli ? { cpuLimitMilli: limitMilli } : {}),
    ...(memory === undefined
      ? {}
      : { memoryLimitBytes: Number(parseQuantity(String(memory)).nano / 1_000_000_000n) }),
  };
}

/**
 * All that the runtime needs to make a container.
 * @param attempt how often it has been started before.
 * @throws Error with the message of CreateContainerConfigError.
 * @see pkg/kubelet/kuberuntime/kuberuntime_container.go, generateContainerConfig
 */
export async function containerConfig(
  deps: ContainerConfigDeps,
  pod: PodView,
  container: ContainerView,
  attempt: number,
  targetContainerId: string | undefined,
): Promise<ContainerConfig> {
  const { context } = deps;
  const values = deps.values(pod);
  const security = await securityOf(context, pod, container);
  const env = await environmentOf({
    pod,
    container,
    objects: deps.objects,
    services: deps.services,
    values,
  });
  const byName = new Map(env.map(({ name, value }) => [name, value]));
  const lookUp = (name: string): string | undefined => byName.get(name);
  const { namespace = '', name = '' } = pod.metadata;
  const messagePath = container.terminationMessagePath ?? '/dev/termination-log';
  return {
    name: container.name,
    attempt,
    image: container.image ?? '',
    command: (container.command ?? []).map((word) => expand(word, lookUp)),
    args: (container.args ?? []).map((word) => expand(word, lookUp)),
    workingDirectory: container.workingDir ?? '',
    env,
    mounts: mountsOf(deps, pod, container, values.podIps, lookUp, messagePath),
    labels: {
      [labels.containerNameLabel]: container.name,
      [labels.podNameLabel]: name,
      [labels.podNamespaceLabel]: namespace,
      [labels.podUidLabel]: uidOf(pod),
    },
    annotations: {
      [labels.containerHashAnnotation]: containerHash(container),
      [labels.restartCountAnnotation]: String(attempt),
      [labels.messagePathAnnotation]: messagePath,
      [labels.messagePolicyAnnotation]: container.terminationMessagePolicy ?? 'File',
      [labels.gracePeriodAnnotation]: String(specOf(pod).terminationGracePeriodSeconds ?? 30),
      ...(container.ports && container.ports.length > 0
        ? { 'io.kubernetes.container.ports': JSON.stringify(container.ports) }
        : {}),
    },
    logPath: `${container.name}/${attempt}.log`,
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    tty: container.tty ?? false,
    resources: runtimeResources(container),
    security,
    ...(targetContainerId === undefined ? {} : { targetContainerId }),
  };
}

async function securityOf(
  context: KubeletContext,
  pod: PodView,
  container: ContainerView,
): Promise<ContainerConfig['security']> {
  const own = container.securityContext ?? {};
  const shared = specOf(pod).securityContext ?? {};
  const runAsUser = own.runAsUser ?? shared.runAsUser;
  const runAsGroup = own.runAsGroup ?? shared.runAsGroup;
  const runAsNonRoot = own.runAsNonRoot ?? shared.runAsNonRoot;
  if (runAsNonRoot) {
    const who = `(pod: ${JSON.stringify(formatPod(pod))}, container: ${container.name})`;
    if (runAsUser === 0) throw new Error(`container's runAsUser breaks non-root policy ${who}`);
    if (runAsUser === undefined) {
      const image = await context.host.images.imageStatus(container.image ?? '');
      if (image?.username)
        throw new Error(
          `container has runAsNonRoot and image has non-numeric user (${image.username}), cannot verify user is non-root ${who}`,
        );
      if (!image?.uid)
        throw new Error(`container has runAsNonRoot and image will run as root ${who}`);
    }
  }
  return {
    privileged: own.privileged ?? false,
    readOnlyRootFilesystem: own.readOnlyRootFilesystem ?? false,
    ...(own.allowPrivilegeEscalation === false ? { noNewPrivileges: true } : {}),
    ...(runAsUser === undefined ? {} : { runAsUser }),
    ...(runAsGroup === undefined ? {} : { runAsGroup }),
    ...(runAsNonRoot === undefined ? {} : { runAsNonRoot }),
    addedCapabilities: own.capabilities?.add ?? [],
    droppedCapabilities: own.capabilities?.drop ?? [],
    supplementalGroups: [
      ...(shared.supplementalGroups ?? []),
      ...(shared.fsGroup === undefined ? [] : [shared.fsGroup]),
    ],
  };
}

function mountsOf(
  { context, volumes }: ContainerConfigDeps,
  pod: PodView,
  container: ContainerView,
  podIps: readonly string[],
  lookUp: (name: string) => string | undefined,
  messagePath: string,
): Mount[] {
  const { files } = context.host;
  const uid = uidOf(pod);
  const mounts: Mount[] = [];
  for (const mount of container.volumeMounts ?? []) {
    const volume = volumes.pathOf(uid, mount.name);
    if (volume === undefined)
      throw new Error(`volume ${JSON.stringify(mount.name)} is not mounted`);
    const subPath = mount.subPathExpr
      ? expandStrictly(mount.subPathExpr, lookUp)
      : (mount.subPath ?? '');
    if (subPath.startsWith('/') || subPath.split('/').includes('..'))
      throw new Error(
        `failed to prepare subPath for volumeMount ${JSON.stringify(mount.name)} of container ${JSON.stringify(container.name)}`,
      );
    const image = specOf(pod).volumes?.find(({ name }) => name === mount.name)?.image;
    if (image) {
      const { reference = '' } = image;
      mounts.push({
        containerPath: mount.mountPath,
        hostPath: '',
        readOnly: true,
        image: { reference, subPath },
      });
      continue;
    }
    const hostPath = subPath === '' ? volume : `${volume}/${subPath}`;
    if (subPath !== '' && !files.exists(hostPath)) files.mkdir(hostPath, 0o777);
    mounts.push({
      containerPath: mount.mountPath,
      hostPath,
      readOnly: (mount.readOnly ?? false) || writtenByKubelet(pod, mount.name),
    });
  }
  const isMounted = (path: string): boolean =>
    mounts.some(({ containerPath }) => containerPath === path);
  const directory = podDirectory(uid);
  if (!isMounted('/etc/hosts')) {
    const path = `${directory}/etc-hosts`;
    files.writeFile(path, hostsFile(context, pod, podIps), 0o644);
    mounts.push({ containerPath: '/etc/hosts', hostPath: path, readOnly: false });
  }
  if (messagePath !== '') {
    const path = `${directory}/containers/${container.name}/${hex(context.random, 8)}`;
    files.writeFile(path, '', 0o666);
    mounts.push({ containerPath: messagePath, hostPath: path, readOnly: false });
  }
  return mounts;
}

/** Volumes of which the kubelet alone writes the files. */
function writtenByKubelet(pod: PodView, name: string): boolean {
  const volume = specOf(pod).volumes?.find((each) => each.name === name);
  return (
    (volume?.configMap ?? volume?.secret ?? volume?.projected ?? volume?.downwardAPI) !== undefined
  );
}

function expandStrictly(text: string, lookUp: (name: string) => string | undefined): string {
  const missing: string[] = [];
  const expanded = expand(text, (name) => {
    const value = lookUp(name);
    if (value === undefined) missing.push(name);
    return value;
  });
  if (missing.length > 0)
    throw new Error(`missing value for ${missing.map((name) => JSON.stringify(name)).join(' ')}`);
  return expanded;
}
