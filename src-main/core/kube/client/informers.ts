import {
  type Clock,
  type Disposable,
  type Logger,
  type Random,
  seededRandom,
  silentLogger,
} from '#core/base';
import type { KubeObject } from '../machinery/index.ts';
import { SharedInformer, type InformerScope } from './informer.ts';
import type { RestClient } from './kube-client.ts';
import type { Informer, ResourceAddress } from './types.ts';

/** Informers by address, each list and watch shared by all who ask for the same scope. */
export class DynamicInformers implements Disposable {
  readonly #client: RestClient;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #informers = new Map<string, SharedInformer<unknown>>();
  #started = false;

  constructor(
    client: RestClient,
    clock: Clock,
    options: { readonly random?: Random; readonly logger?: Logger } = {},
  ) {
    this.#client = client;
    this.#clock = clock;
    this.#random = options.random ?? seededRandom('informers');
    this.#logger = options.logger ?? silentLogger;
  }

  /** The informer of a resource; one asked for after `start` starts at once. */
  forAddress<T = KubeObject>(address: ResourceAddress, scope: InformerScope = {}): Informer<T> {
    const key = informerKey(address, scope);
    let informer = this.#informers.get(key) as SharedInformer<T> | undefined;
    if (!informer) {
      informer = new SharedInformer<T>(this.#client.dynamic<T>(address), scope, {
        clock: this.#clock,
        random: this.#random,
        logger: this.#logger,
      });
      this.#informers.set(key, informer as SharedInformer<unknown>);
      if (this.#started) informer.start();
    }
    return informer;
  }

  /** Ends an informer nobody needs any longer, such as that of a deleted custom resource. */
  stop(address: ResourceAddress, scope: InformerScope = {}): void {
    const key = informerKey(address, scope);
    this.#informers.get(key)?.dispose();
    this.#informers.delete(key);
  }

  start(): void {
    this.#started = true;
    for (const informer of this.#informers.values()) informer.start();
  }

  /** Resolves when every informer asked for so far has its first list. */
  async waitForSync(): Promise<void> {
    await Promise.all([...this.#informers.values()].map((informer) => informer.waitForSync()));
  }

  dispose(): void {
    for (const informer of this.#informers.values()) informer.dispose();
    this.#informers.clear();
  }
}

function informerKey(address: ResourceAddress, scope: InformerScope): string {
  return JSON.stringify([
    address.group,
    address.version,
    address.resource,
    scope.namespace ?? '',
    scope.fieldSelector ?? '',
    scope.labelSelector ?? '',
  ]);
}
