import { deferred, type Disposable } from '#core/base';
import {
  compileDeviceSelector,
  createEventRecorder,
  createScheduler,
  parseSchedulerConfiguration,
  parseYaml,
  type LeaderElection,
  runLeaderElection,
  YamlError,
} from '#core/kube';
import type { Program } from '#core/machines';
import type { KubernetesRelease } from '../release.ts';
import { CommandFailedError, componentProgram } from './component.ts';
import { flagSpecs } from './flags.ts';
import { kubeSchedulerFlags } from './generated/component-flags.ts';
import { serveHealth } from './health-port.ts';
import { readKubeconfig } from './kubeconfig.ts';
import { hostNameOf, leaderIdentity } from './leader-identity.ts';

/** kube-scheduler: takes the lease, then places pods by its configuration file or the defaults. */
export function kubeScheduler(deps: { readonly release: KubernetesRelease }): Program {
  return componentProgram({
    flags: flagSpecs(kubeSchedulerFlags),
    run: async (component) => {
      const { context, flags, klog, terminated, own } = component;
      const { files, clock, random, logger } = context;
      const configFile = flags.text('config');
      let document: unknown;
      if (configFile !== undefined) {
        if (!files.exists(configFile))
          throw new CommandFailedError(`open ${configFile}: no such file or directory`);
        try {
          document = parseYaml(files.readText(configFile));
        } catch (error) {
          if (!(error instanceof YamlError)) throw error;
          throw new CommandFailedError(`yaml: ${error.message.split('\n')[0] ?? ''}`);
        }
      }
      const parsed = parseSchedulerConfiguration(document);
      if (typeof parsed === 'string') throw new CommandFailedError(parsed);
      const fileKubeconfig = (
        document as { clientConnection?: { kubeconfig?: string } } | undefined
      )?.clientConnection?.kubeconfig;
      const config = readKubeconfig(files, fileKubeconfig ?? flags.text('kubeconfig') ?? '');
      const { client, informers } = component.client(
        config,
        `kube-scheduler/${deps.release.gitVersion}`,
      );
      serveHealth(component, 10259);
      context.process.setMemory(60 * 1024 * 1024);
      context.process.setCpu(5);
      const recorder = createEventRecorder(client, {
        clock,
        random,
        component: 'default-scheduler',
        logger,
      });
      let scheduler: Disposable | undefined;
      const lead = (): void => {
        const made = own(
          createScheduler({
            client,
            informers,
            clock,
            random,
            logger,
            config: parsed,
            compileDeviceSelector,
            hostname: hostNameOf(context),
          }),
        );
        scheduler = made;
        made.start();
      };
      const lost = deferred<'lost'>();
      const leaderElection = (
        document as { leaderElection?: { leaderElect?: boolean } } | undefined
      )?.leaderElection;
      let election: LeaderElection | undefined;
      if (leaderElection?.leaderElect ?? flags.bool('leader-elect', true))
        election = own(
          runLeaderElection({
            client,
            clock,
            random,
            logger,
            namespace: 'kube-system',
            name: 'kube-scheduler',
            identity: leaderIdentity(context),
            recorder,
            onStartedLeading: () => {
              klog.line(
                'I',
                'leaderelection.go:272',
                'successfully acquired lease kube-system/kube-scheduler',
              );
              lead();
            },
            onStoppedLeading: () => {
              klog.error('server.go:322', 'Leaderelection lost');
              lost.resolve('lost');
            },
          }),
        );
      else lead();
      const why = await Promise.race([terminated.then(() => undefined), lost.promise]);
      scheduler?.dispose();
      // Told to end it lets another one lead at once, which kube-controller-manager does not.
      if (why === undefined) await election?.release();
      return why === undefined ? 0 : 1;
    },
  });
}
