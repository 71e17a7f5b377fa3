import { type Disposable, deferred } from '#core/base';
import {
  createEventRecorder,
  parseYaml,
  runLeaderElection,
  startServiceController,
  YamlError,
} from '#core/kube';
import type { Network, Program, ProgramContext } from '#core/machines';
import type { KubernetesRelease } from '../../release.ts';
import { CommandFailedError, type Component, componentProgram, requireFile } from '../component.ts';
import { serveHealth } from '../health-port.ts';
import { inClusterConfig, readKubeconfig } from '../kubeconfig.ts';
import { leaderIdentity } from '../leader-identity.ts';
import { AddressPool, parseAddressRange } from './address-pool.ts';
import { LabLoadBalancer } from './lab-load-balancer.ts';

const flags = [
  { name: 'cloud-provider', kind: 'string' },
  { name: 'cloud-config', kind: 'string' },
  { name: 'kubeconfig', kind: 'string' },
  { name: 'leader-elect', kind: 'bool' },
  { name: 'use-service-account-credentials', kind: 'bool' },
  { name: 'bind-address', kind: 'string' },
  { name: 'secure-port', kind: 'int' },
  { name: 'v', kind: 'int' },
] as const;

const account = 'service-controller';
const lease = 'cloud-controller-manager';

/**
 * cloud-controller-manager of a cloud that has load balancers and nothing else: its addresses are those that
 * `loadBalancer.addresses` of `--cloud-config` names.
 */
export function cloudControllerManager(deps: {
  readonly network: Network;
  readonly release: KubernetesRelease;
}): Program {
  return componentProgram({
    flags,
    run: async (component) => {
      const { context, flags, klog, terminated, own } = component;
      const { clock, random, logger, files, env } = context;
      const pool = addressPool(context, flags.text('cloud-config'));
      const kubeconfig = flags.text('kubeconfig');
      const config =
        kubeconfig === undefined ? inClusterConfig(files, env) : readKubeconfig(files, kubeconfig);
      const agent = `cloud-controller-manager/${deps.release.gitVersion}`;
      const main = component.client(config, agent);
      const working = flags.bool('use-service-account-credentials', false)
        ? component.client(config, `${agent}/${account}`, account)
        : main;
      serveHealth(component, 10258);
      context.process.setMemory(30 * 1024 * 1024);
      context.process.setCpu(2);
      let controller: Disposable | undefined;
      const lead = async (): Promise<void> => {
        const { client, informers } = working;
        const services = informers.for('services');
        const loadBalancer = new LabLoadBalancer(pool, deps.network);
        informers.start();
        await Promise.race([services.waitForSync(), terminated]);
        if (!services.hasSynced) return;
        // Addresses of today's Services must not be given to others that are synced before them.
        loadBalancer.adopt(services.list());
        klog.info('controllermanager.go:1', 'Started "service-lb-controller"');
        controller = own(
          startServiceController({ client, informers, clock, random, logger, loadBalancer }),
        );
      };
      const lost = deferred<'lost'>();
      if (flags.bool('leader-elect', true))
        elect(component, main.client, lead, () => lost.resolve('lost'));
      else await lead();
      const end = await Promise.race([terminated, lost.promise]);
      controller?.dispose();
      return end === 'lost' ? 1 : 0;
    },
  });
}

function elect(
  { context, klog, own }: Component,
  client: Parameters<typeof runLeaderElection>[0]['client'],
  lead: () => Promise<void>,
  onLost: () => void,
): void {
  const { clock, random, logger } = context;
  own(
    runLeaderElection({
      client,
      clock,
      random,
      logger,
      namespace: 'kube-system',
      name: lease,
      identity: leaderIdentity(context),
      recorder: createEventRecorder(client, { clock, random, component: lease, logger }),
      onStartedLeading: () => {
        klog.line('I', 'leaderelection.go:272', `successfully acquired lease kube-system/${lease}`);
        void lead();
      },
      onStoppedLeading: () => {
        klog.error('controllermanager.go:1', 'leaderelection lost');
        onLost();
      },
    }),
  );
}

/** @throws CommandFailedError the file is missing or names no addresses. */
function addressPool(context: ProgramContext, path: string | undefined): AddressPool {
  const fail = (reason: string): never => {
    throw new CommandFailedError(`Cloud provider could not be initialized: ${reason}`);
  };
  if (path === undefined) return fail('no --cloud-config given');
  const text = requireFile(context, path, 'Cloud provider could not be initialized: ');
  let document: unknown;
  try {
    document = parseYaml(text);
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    return fail(`could not read ${path}: yaml: ${error.message.split('\n')[0] ?? ''}`);
  }
  const { loadBalancer } = (document ?? {}) as { loadBalancer?: { addresses?: unknown } };
  const addresses: unknown = loadBalancer?.addresses;
  if (!Array.isArray(addresses)) return fail(`${path}: loadBalancer.addresses: Required value`);
  return new AddressPool(
    addresses.map(
      (each: unknown) =>
        parseAddressRange(String(each)) ??
        fail(
          `${path}: loadBalancer.addresses: Invalid value: ${JSON.stringify(each)}: must be a range (10.9.8.1-10.9.8.20) or a block (10.9.8.0/28)`,
        ),
    ),
  );
}
