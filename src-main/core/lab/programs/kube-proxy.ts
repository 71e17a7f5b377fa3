import { defer } from '#core/base';
import { parseYaml, serviceHealthChecks, serviceRules } from '#core/kube';
import type { Network, Program } from '#core/machines';
import { CommandFailedError, componentProgram, listenOrFail } from './component.ts';
import { pathOf, plainAnswer } from './http-answer.ts';
import { readKubeconfig } from './kubeconfig.ts';
import { ServiceHealthPorts } from './service-health-ports.ts';

const flags = [
  { name: 'config', kind: 'string' },
  { name: 'hostname-override', kind: 'string' },
  { name: 'v', kind: 'int' },
  { name: 'cleanup', kind: 'bool' },
] as const;

/**
 * kube-proxy: keeps its machine's table of Service translations as the API has Services and EndpointSlices.
 * The table outlives the program, as rules in a kernel do. Modes other than iptables are not modelled: what
 * they do to a packet is the same.
 */
export function kubeProxy(network: Network): Program {
  return componentProgram({
    flags,
    run: async ({ context, flags, klog, terminated, client, own }) => {
      const { files, net, clock } = context;
      const configFile = flags.text('config') ?? '/var/lib/kube-proxy/config.conf';
      if (!files.exists(configFile))
        throw new CommandFailedError(
          `failed complete: open ${configFile}: no such file or directory`,
        );
      const parsed = parseYaml(files.readText(configFile));
      const config = (typeof parsed === 'object' && parsed !== null ? parsed : {}) as {
        readonly clientConnection?: { readonly kubeconfig?: string };
        readonly mode?: string;
      };
      if (config.mode && !['iptables', 'nftables', 'ipvs'].includes(config.mode))
        throw new CommandFailedError(
          `failed validate: KubeProxyConfiguration.Mode: Invalid value: ${JSON.stringify(config.mode)}: must be iptables, ipvs, nftables or blank (blank means the best-available proxy [currently iptables])`,
        );
      const machine = network.machine(net.name);
      if (!machine) throw new CommandFailedError('kube-proxy must run in the network of its node');
      const nodeName = flags.text('hostname-override') ?? machine.name;
      klog.info('server_linux.go:49', 'Using iptables proxy');
      const api = client(
        readKubeconfig(
          files,
          config.clientConnection?.kubeconfig ?? '/var/lib/kube-proxy/kubeconfig.conf',
        ),
        'kube-proxy/v1.36.3',
      );
      const services = api.informers.for('services');
      const slices = api.informers.for('endpointslices.discovery.k8s.io');
      slices.addIndex('service', ({ metadata }) => [
        `${metadata.namespace ?? ''}/${metadata.labels?.['kubernetes.io/service-name'] ?? ''}`,
      ]);

      type ServiceView = ReturnType<typeof services.list>[number];
      const slicesOf = ({ metadata }: ServiceView): ReturnType<typeof slices.byIndex> =>
        slices.byIndex('service', `${metadata.namespace ?? ''}/${metadata.name ?? ''}`);
      const healthPorts = own(
        new ServiceHealthPorts(net, ({ namespace, name, port }, reason) => {
          klog.error('service_health.go:186', 'Failed to start healthcheck', {
            node: nodeName,
            service: `${namespace}/${name}`,
            port: String(port),
            err: reason,
          });
        }),
      );

      let pending = false;
      const sync = (): void => {
        pending = false;
        if (!services.hasSynced || !slices.hasSynced) return;
        const all = services.list();
        machine.rules.replace(serviceRules(all, slicesOf, nodeName));
        healthPorts.sync(serviceHealthChecks(all, slicesOf, nodeName));
      };
      // One write for all changes of a moment, as the real one batches its iptables-restore.
      const changed = (): void => {
        if (pending) return;
        pending = true;
        own(defer(clock, sync));
      };
      const handler = { onAdd: changed, onUpdate: changed, onDelete: changed };
      own(services.addHandler(handler));
      own(slices.addHandler(handler));
      klog.info('config.go:200', 'Starting service config controller');
      klog.info('config.go:106', 'Starting endpoint slice config controller');
      api.informers.start();
      await Promise.race([api.informers.waitForSync(), terminated]);
      klog.info('shared_informer.go:409', 'Caches are synced', { controller: 'service config' });
      changed();
      own(
        listenOrFail(net, 10256, {
          kind: 'http',
          handle: (request) =>
            Promise.resolve(
              pathOf(request.url) === '/healthz' || pathOf(request.url) === '/livez'
                ? plainAnswer(
                    200,
                    `{"lastUpdated": ${JSON.stringify(new Date(clock.now()).toISOString())}}`,
                  )
                : plainAnswer(404, '404 page not found\n'),
            ),
        }),
      );
      context.process.setMemory(18 * 1024 * 1024);
      context.process.setCpu(1);
      await terminated;
      return 0;
    },
  });
}
