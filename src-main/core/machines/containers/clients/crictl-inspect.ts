import type { Container } from '../container.ts';
import type { StoredImage } from '../image-store.ts';
import type { Sandbox } from '../sandbox.ts';

const time = (ms: number): string =>
  ms === 0 ? '0001-01-01T00:00:00Z' : new Date(ms).toISOString().replace('Z', '000000Z');

/** What `crictl inspect` prints. */
export function inspectContainer(container: Container): object {
  const status = container.status();
  const { config, resources } = container;
  return {
    info: {
      config: {
        annotations: config.annotations,
        args: config.args,
        command: config.command,
        envs: config.env.map(({ name, value }) => ({ key: name, value })),
        image: { image: container.image.id, user_specified_image: config.image },
        labels: config.labels,
        log_path: config.logPath,
        metadata: { name: config.name, ...(config.attempt > 0 ? { attempt: config.attempt } : {}) },
        mounts: config.mounts.map(({ containerPath, hostPath, readOnly }) => ({
          container_path: containerPath,
          host_path: hostPath,
          ...(readOnly ? { readonly: true } : {}),
        })),
      },
      pid: container.hostPid(),
      removing: false,
      runtimeOptions: null,
      runtimeSpec: {
        ociVersion: '1.2.1',
        hostname: container.sandbox.config.hostname,
        process: {
          args: container.argv(),
          cwd: config.workingDirectory || container.image.image.workingDirectory || '/',
          env: Object.entries(container.env()).map(([name, value]) => `${name}=${value}`),
          user: { uid: status.user.uid, gid: status.user.gid, additionalGids: status.user.groups },
        },
        root: {
          path: 'rootfs',
          ...(config.security.readOnlyRootFilesystem ? { readonly: true } : {}),
        },
      },
      runtimeType: 'io.containerd.runc.v2',
      sandboxID: container.sandbox.id,
      snapshotKey: container.id,
      snapshotter: 'overlayfs',
    },
    status: {
      annotations: config.annotations,
      createdAt: time(status.createdMs),
      exitCode: status.exitCode,
      finishedAt: time(status.finishedMs),
      id: container.id,
      image: {
        annotations: {},
        image: status.image,
        runtimeHandler: '',
        userSpecifiedImage: config.image,
      },
      imageId: container.image.id,
      imageRef: status.imageRef,
      labels: config.labels,
      logPath: container.logPath,
      message: status.message,
      metadata: { attempt: config.attempt, name: config.name },
      mounts: config.mounts.map(({ containerPath, hostPath, readOnly }) => ({
        containerPath,
        gidMappings: [],
        hostPath,
        image: null,
        propagation: 'PROPAGATION_PRIVATE',
        readonly: readOnly,
        recursiveReadOnly: false,
        selinuxRelabel: false,
        uidMappings: [],
      })),
      reason: status.reason,
      resources: {
        linux: {
          cpuPeriod: '100000',
          cpuQuota: String((resources.cpuLimitMilli ?? 0) * 100),
          cpuShares: String(resources.cpuShares ?? 2),
          memoryLimitInBytes: String(resources.memoryLimitBytes ?? 0),
        },
      },
      startedAt: time(status.startedMs),
      state: status.state,
      user: {
        linux: {
          gid: String(status.user.gid),
          supplementalGroups: status.user.groups.map(String),
          uid: String(status.user.uid),
        },
      },
    },
  };
}

/** What `crictl inspectp` prints. */
export function inspectSandbox(sandbox: Sandbox): object {
  const { config } = sandbox;
  return {
    info: {
      cniResult: { Interfaces: { eth0: { IPConfigs: sandbox.addresses.map((IP) => ({ IP })) } } },
      config: {
        hostname: config.hostname,
        labels: config.labels,
        log_directory: config.logDirectory,
        metadata: { name: config.name, namespace: config.namespace, uid: config.uid },
        port_mappings: config.portMappings,
      },
      runtimeType: 'io.containerd.runc.v2',
    },
    status: {
      annotations: config.annotations,
      createdAt: time(sandbox.createdMs),
      id: sandbox.id,
      labels: config.labels,
      linux: {
        namespaces: {
          options: {
            ipc: 'POD',
            network: config.hostNetwork ? 'NODE' : 'POD',
            pid: config.hostPid ? 'NODE' : config.shareProcessNamespace ? 'POD' : 'CONTAINER',
            targetId: '',
            usernsOptions: null,
          },
        },
      },
      metadata: {
        attempt: config.attempt,
        name: config.name,
        namespace: config.namespace,
        uid: config.uid,
      },
      network: { additionalIps: [], ip: sandbox.addresses[0] ?? '' },
      runtimeHandler: '',
      state: sandbox.ready ? 'SANDBOX_READY' : 'SANDBOX_NOTREADY',
    },
  };
}

/** What `crictl inspecti` prints. */
export function inspectImage({ id, image, tags, digests }: StoredImage): object {
  return {
    info: {
      imageSpec: {
        architecture: 'amd64',
        os: 'linux',
        config: {
          Cmd: image.command,
          Entrypoint: image.entrypoint,
          Env: Object.entries(image.env).map(([name, value]) => `${name}=${value}`),
          User: image.user,
          WorkingDir: image.workingDirectory,
          ...(image.stopSignal === undefined ? {} : { StopSignal: image.stopSignal }),
        },
      },
    },
    status: {
      id,
      pinned: false,
      repoDigests: [...digests],
      repoTags: [...tags],
      size: String(image.sizeBytes),
      username: image.user,
    },
  };
}
