import { type DeepReadonly, utf8 } from '#core/base';
import { allowsFlow, type Informer, type Informers, type Pod } from '#core/kube';
import type { Network, Program } from '#core/machines';
import { CommandFailedError, componentProgram, listenOrFail } from './component.ts';
import { pathOf, plainAnswer } from './http-answer.ts';
import { inClusterConfig } from './kubeconfig.ts';

/** The init container `install-cni`: writes the plug-ins and the configuration to the node. */
export const installCni: Program = async ({ env, files, stdout }) => {
  const name = env['CNI_CONF_NAME'] ?? '10-calico.conflist';
  const template = env['CNI_NETWORK_CONFIG'] ?? '';
  for (const plugin of [
    'bandwidth',
    'calico',
    'calico-ipam',
    'host-local',
    'loopback',
    'portmap',
    'tuning',
  ])
    files.writeFile(`/host/opt/cni/bin/${plugin}`, `${plugin}\n`, 0o755);
  files.writeFile(
    `/host/etc/cni/net.d/${name}`,
    template.replaceAll('__KUBERNETES_NODE_NAME__', env['KUBERNETES_NODE_NAME'] ?? ''),
    0o600,
  );
  files.writeFile('/host/etc/cni/net.d/calico-kubeconfig', '# written by install-cni\n', 0o600);
  await stdout.write(
    utf8(
      `Wrote Calico CNI binaries to /host/opt/cni/bin\nCreated /host/etc/cni/net.d/${name}\nDone configuring CNI.\n`,
    ),
  );
  return 0;
};

/**
 * The node agent: enforces network policies on every pod of its node. Without it running, what it last wrote
 * stays in force, as rules in a kernel do; routes to pods are the CNI configuration's business.
 */
export function calicoNode(network: Network): Program {
  return componentProgram({
    flags: [],
    run: async ({ context, terminated, client, own, klog }) => {
      const { files, env, net } = context;
      const api = client(inClusterConfig(files, env), 'calico-node/v3.32.1');
      const namespaces = api.informers.for('namespaces');
      const policies = api.informers.for('networkpolicies.networking.k8s.io');
      const nodes = api.informers.for('nodes');
      // Without a policy every flow passes, whoever sends it: all pods on every node would be kept for nothing.
      let pods: Informer<Pod> | undefined;
      const followPolicies = (): void => {
        if (policies.list().length > 0) pods ??= podsByAddress(api.informers);
        else if (pods) {
          api.informers.stop(podsAddress);
          pods = undefined;
        }
      };
      own(policies.addHandler({ onAdd: followPolicies, onDelete: followPolicies }));
      nodes.addIndex(addressIndex, (node) =>
        (node.status?.addresses ?? [])
          .filter(({ type }) => type === 'InternalIP')
          .map(({ address }) => address),
      );
      api.informers.start();
      await Promise.race([api.informers.waitForSync(), terminated]);
      // The first policies have asked for the pods.
      await Promise.race([api.informers.waitForSync(), terminated]);
      klog.info('int_dataplane.go:1', 'Felix is ready');
      network.policy = (flow) =>
        allowsFlow(flow, {
          policies: (namespace) => policies.list(namespace),
          podAt: (address) => pods?.byIndex(addressIndex, address)[0],
          namespace: (name) => namespaces.list().find(({ metadata }) => metadata.name === name),
          isNode: (address) => nodes.byIndex(addressIndex, address).length > 0,
        })
          ? 'allow'
          : 'drop';
      own(
        listenOrFail(
          net,
          9099,
          {
            kind: 'http',
            handle: ({ url }) =>
              Promise.resolve(
                ['/liveness', '/readiness'].includes(pathOf(url))
                  ? plainAnswer(204, '')
                  : plainAnswer(404, '404 page not found\n'),
              ),
          },
          { address: '127.0.0.1' },
        ),
      );
      context.process.setMemory(110 * 1024 * 1024);
      context.process.setCpu(18);
      await terminated;
      return 0;
    },
  });
}

/** Its controllers only clean Calico's own store, which is not modelled; what is left is that they run. */
export const calicoKubeControllers: Program = componentProgram({
  flags: [],
  run: async ({ context, terminated, client, klog }) => {
    context.process.setMemory(14 * 1024 * 1024);
    context.process.setCpu(2);
    const api = client(
      inClusterConfig(context.files, context.env),
      'calico-kube-controllers/v3.32.1',
    );
    const nodes = api.informers.for('nodes');
    api.informers.start();
    await Promise.race([api.informers.waitForSync(), terminated]);
    if (!nodes.hasSynced) throw new CommandFailedError('timed out waiting for caches to sync');
    klog.info('main.go:1', 'Node controller is now running');
    await terminated;
    return 0;
  },
});

const addressIndex = 'address';
const podsAddress = { group: '', version: 'v1', resource: 'pods' } as const;

function podsByAddress(informers: Informers): Informer<Pod> {
  const pods = informers.for('pods');
  pods.addIndex(addressIndex, (pod) =>
    pod.spec?.hostNetwork || isFinished(pod) || !pod.status?.podIP ? [] : [pod.status.podIP],
  );
  return pods;
}

function isFinished(pod: DeepReadonly<Pod>): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}
