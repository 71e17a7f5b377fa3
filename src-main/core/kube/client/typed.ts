import type { Clock, Disposable, Logger, Random } from '#core/base';
import type { KindOf, ResourceName } from '../apis/index.ts';
import type { Transport } from '../machinery/index.ts';
import type { InformerScope } from './informer.ts';
import { DynamicInformers } from './informers.ts';
import { type ClientOptions, createRestClient, type RestClient } from './kube-client.ts';
import type { Informer, ResourceAddress, ResourceClient } from './types.ts';

/** A client that knows the built-in kinds by name. */
export interface KubeClient extends RestClient {
  resource<R extends ResourceName>(name: R): ResourceClient<KindOf[R]>;
}

/** Shared informers of one client; see `DynamicInformers`. */
export interface Informers extends Disposable {
  for<R extends ResourceName>(resource: R, scope?: InformerScope): Informer<KindOf[R]>;
  forAddress: DynamicInformers['forAddress'];
  stop: DynamicInformers['stop'];
  start(): void;
  waitForSync(): Promise<void>;
}

/** Groups whose preferred version is not v1. */
const preferredVersions: Readonly<Record<string, string>> = { autoscaling: 'v2' };

/** Where a built-in resource is served: `deployments.apps` is apps/v1. */
export function addressOf(name: ResourceName): ResourceAddress {
  const dot = name.indexOf('.');
  const group = dot < 0 ? '' : name.slice(dot + 1);
  return {
    group,
    version: preferredVersions[group] ?? 'v1',
    resource: dot < 0 ? name : name.slice(0, dot),
  };
}

/**
 * A client over any transport. Within the process objects pass as they are: what it answers is shared and
 * must not be changed, what it is given must not be changed afterwards.
 */
export function createClient(transport: Transport, options: ClientOptions): KubeClient {
  const rest = createRestClient(transport, options);
  return {
    ...rest,
    resource: <R extends ResourceName>(name: R) => rest.dynamic<KindOf[R]>(addressOf(name)),
  };
}

/** Informers that begin to list and watch with `start`; those asked for later begin at once. */
export function createInformers(
  client: RestClient,
  clock: Clock,
  options?: { readonly random?: Random; readonly logger?: Logger },
): Informers {
  const informers = new DynamicInformers(client, clock, options);
  return {
    for: <R extends ResourceName>(resource: R, scope?: InformerScope) =>
      informers.forAddress<KindOf[R]>(addressOf(resource), scope),
    forAddress: (address, scope) => informers.forAddress(address, scope),
    stop: (address, scope) => informers.stop(address, scope),
    start: () => informers.start(),
    waitForSync: () => informers.waitForSync(),
    dispose: () => informers.dispose(),
  };
}

/** The same shared informers, with a `waitForSync` for those alone that were asked for through this view. */
export function scopedInformers(shared: Informers): Informers {
  const asked = new Set<{ waitForSync(): Promise<void> }>();
  const note = <I extends { waitForSync(): Promise<void> }>(informer: I): I => {
    asked.add(informer);
    return informer;
  };
  return {
    for: (resource, scope) => note(shared.for(resource, scope)),
    forAddress: (address, scope) => note(shared.forAddress(address, scope)),
    stop: (address, scope) => shared.stop(address, scope),
    start: () => shared.start(),
    waitForSync: async () => {
      await Promise.all([...asked].map((informer) => informer.waitForSync()));
    },
    dispose: () => asked.clear(),
  };
}
