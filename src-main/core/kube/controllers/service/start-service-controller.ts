import type { Clock, Disposable, Logger, Random } from '#core/base';
import { DisposableStore } from '#core/base';
import { createEventRecorder, type Informers, type KubeClient } from '../../client/index.ts';
import type { LoadBalancer } from './load-balancer.ts';
import { createServiceController } from './service-controller.ts';

/** Starts the controller of a cloud's load balancers alone, as a cloud-controller-manager runs it. */
export function startServiceController(options: {
  readonly client: KubeClient;
  readonly informers: Informers;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly loadBalancer: LoadBalancer;
}): Disposable {
  const { client, informers, clock, random, logger, loadBalancer } = options;
  const owned = new DisposableStore();
  const component = 'service-controller';
  const recorder = createEventRecorder(client, { component, clock, random, logger });
  const context = { client, informers, recorder, clock, random, logger };
  const controller = owned.add(createServiceController(context, { loadBalancer }));
  controller.start();
  informers.start();
  return owned;
}
