import { deferred, type Disposable } from '#core/base';
import {
  controllerNames,
  createEventRecorder,
  type KubeClient,
  parseDuration,
  type Pki,
  runLeaderElection,
  startControllers,
} from '#core/kube';
import { parseCidr, type Program } from '#core/machines';
import type { KubernetesRelease } from '../release.ts';
import { CommandFailedError, type Component, componentProgram, requireFile } from './component.ts';
import { flagSpecs } from './flags.ts';
import { kubeControllerManagerFlags } from './generated/component-flags.ts';
import { serveHealth } from './health-port.ts';
import { readKubeconfig } from './kubeconfig.ts';
import { leaderIdentity } from './leader-identity.ts';

/**
 * kube-controller-manager: takes the lease, then runs the controllers, each as its own service account. It ends when
 * it loses the lease, as the real one does; the kubelet starts it again.
 */
export function kubeControllerManager(deps: {
  readonly pki: Pki;
  readonly release: KubernetesRelease;
}): Program {
  return componentProgram({
    flags: flagSpecs(kubeControllerManagerFlags),
    run: async (component) => {
      const { context, flags, klog, terminated, own } = component;
      const enabled = enabledControllers(component);
      const config = readKubeconfig(context.files, flags.text('kubeconfig') ?? '');
      const clientCa = flags.text('client-ca-file');
      if (clientCa !== undefined)
        requireFile(context, clientCa, 'unable to load client CA provider: ');
      const agent = `kube-controller-manager/${deps.release.gitVersion}`;
      const { client, informers } = component.client(config, agent);
      serveHealth(component, 10257);
      context.process.setMemory(90 * 1024 * 1024);
      context.process.setCpu(12);
      const clients = new Map<string, KubeClient>();
      const identities = flags.bool('use-service-account-credentials', false);
      const clientFor = (account: string): KubeClient => {
        let found = clients.get(account);
        if (!found) {
          found =
            identities && account !== 'kube-controller-manager'
              ? component.client(config, `${agent}/${account}`, account).client
              : client;
          clients.set(account, found);
        }
        return found;
      };
      const failed = deferred<string>();
      let controllers: Disposable | undefined;
      const lead = (): void => {
        try {
          controllers = own(
            startControllers({
              clientFor,
              informers,
              clock: context.clock,
              random: context.random,
              logger: context.logger,
              enabled,
              flags: controllerFlags(component, deps.pki),
            }),
          );
        } catch (error) {
          if (!(error instanceof CommandFailedError)) throw error;
          klog.error('controllermanager.go:278', 'Error building controllers', {
            err: error.message,
          });
          failed.resolve(error.message);
        }
      };
      if (flags.bool('leader-elect', true)) {
        const recorder = createEventRecorder(client, {
          clock: context.clock,
          random: context.random,
          component: 'kube-controller-manager',
          logger: context.logger,
        });
        const identity = leaderIdentity(context);
        own(
          runLeaderElection({
            client,
            clock: context.clock,
            random: context.random,
            logger: context.logger,
            namespace: 'kube-system',
            name: 'kube-controller-manager',
            identity,
            recorder,
            onStartedLeading: () => {
              klog.line(
                'I',
                'leaderelection.go:272',
                'successfully acquired lease kube-system/kube-controller-manager',
              );
              lead();
            },
            onStoppedLeading: () => {
              klog.error('controllermanager.go:332', 'leaderelection lost');
              failed.resolve('');
            },
          }),
        );
      } else lead();
      const why = await Promise.race([terminated.then(() => undefined), failed.promise]);
      controllers?.dispose();
      if (why === undefined) return 0;
      if (why !== '') klog.commandFailed(why);
      return 1;
    },
  });
}

/** @throws CommandFailedError a name that no controller has. */
function enabledControllers({ flags }: Component): (name: string) => boolean {
  const words = flags.has('controllers') ? flags.list('controllers') : ['*'];
  const known = new Set<string>(controllerNames);
  // Upstream's long names, and the short ones that kubeadm still writes.
  const aliases: Readonly<Record<string, string>> = {
    bootstrapsigner: 'bootstrap-signer-controller',
    tokencleaner: 'token-cleaner-controller',
  };
  const on = new Set<string>();
  const off = new Set<string>();
  let all = false;
  for (const word of words) {
    if (word === '*') {
      all = true;
      continue;
    }
    const plain = word.replace(/^-/, '');
    const name = aliases[plain] ?? plain;
    if (!known.has(name) && !(plain in aliases))
      throw new CommandFailedError(`"${plain}" is not in the list of known controllers`);
    (word.startsWith('-') ? off : on).add(name);
  }
  return (name) => on.has(name) || (all && !off.has(name) && !disabledByDefault.has(name));
}

const disabledByDefault: ReadonlySet<string> = new Set([
  'bootstrap-signer-controller',
  'token-cleaner-controller',
  'selinux-warning-controller',
]);

/** Files that controllers need are read only now, by a leader. @throws CommandFailedError */
function controllerFlags({ context, flags }: Component, pki: Pki) {
  const rootCaFile = flags.text('root-ca-file');
  const signingCert = flags.text('cluster-signing-cert-file');
  const signingKey = flags.text('cluster-signing-key-file');
  const tokenKey = flags.text('service-account-private-key-file');
  const rootCa =
    rootCaFile === undefined
      ? undefined
      : requireFile(context, rootCaFile, `error parsing root-ca-file at ${rootCaFile}: `);
  const tokenKeyPem =
    tokenKey === undefined
      ? undefined
      : requireFile(context, tokenKey, 'error reading key for service account token controller: ');
  const tokenSigner =
    tokenKeyPem === undefined ? undefined : (data: Uint8Array) => pki.sign(tokenKeyPem, data);
  const signer =
    signingCert === undefined || signingKey === undefined
      ? undefined
      : {
          certificate: requireFile(
            context,
            signingCert,
            `failed to init kubernetes.io/kubelet-serving certificate controller: error reading CA cert file "${signingCert}": `,
          ),
          privateKey: requireFile(
            context,
            signingKey,
            `failed to init kubernetes.io/kubelet-serving certificate controller: error reading CA key file "${signingKey}": `,
          ),
        };
  const clusterCidr = flags.text('cluster-cidr');
  if (
    flags.bool('allocate-node-cidrs', false) &&
    clusterCidr !== undefined &&
    !parseCidr(clusterCidr)
  )
    throw new CommandFailedError(`invalid CIDR[0]: <nil> (invalid CIDR address: ${clusterCidr})`);
  return {
    pki,
    ...(tokenSigner === undefined ? {} : { signServiceAccountToken: tokenSigner }),
    ...(rootCa === undefined ? {} : { rootCa }),
    ...(signer === undefined ? {} : { clusterSigning: signer }),
    ...(flags.bool('allocate-node-cidrs', false) && clusterCidr !== undefined
      ? { clusterCidr }
      : {}),
    attachDetach: {
      disableForceDetachOnTimeout: flags.bool('disable-force-detach-on-timeout', false),
      ...(flags.has('attach-detach-reconcile-sync-period')
        ? {
            syncPeriodMs:
              parseDuration(flags.text('attach-detach-reconcile-sync-period') ?? '') ?? 0,
          }
        : {}),
    },
    ...(flags.has('legacy-service-account-token-clean-up-period')
      ? {
          legacyTokenCleanUpPeriodMs:
            parseDuration(flags.text('legacy-service-account-token-clean-up-period') ?? '') ?? 0,
        }
      : {}),
    ...(flags.has('node-monitor-grace-period')
      ? {
          nodeMonitorGracePeriodMs:
            parseDuration(flags.text('node-monitor-grace-period') ?? '') ?? 0,
        }
      : {}),
  };
}
