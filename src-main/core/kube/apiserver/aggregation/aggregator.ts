import {
  type Clock,
  type DeepReadonly,
  defer,
  type Disposable,
  DisposableStore,
  Emitter,
  type Event,
  type Logger,
} from '#core/base';
import type { ServedVersion } from '../../apis/index.ts';
import {
  type ApiRequest,
  type ApiResponse,
  isReason,
  type KubeObject,
} from '../../machinery/index.ts';
import { prefixEnd, type Store } from '../../storage/index.ts';
import { at, numberOf, textAt } from '../fields/index.ts';
import { keyPrefix } from '../keys.ts';
import type { Loopback } from '../loopback.ts';
import type { SendHttps } from '../outbound/index.ts';
import type { StoredObject } from '../stored-object.ts';
import type { ServerState, UserInfo } from '../types.ts';
import { isAvailable, isRemote, serviceOf } from './api-services.ts';
import { checkAvailability } from './availability.ts';
import { aggregationGroup } from './local-services.ts';
import { discoveredResources } from './remote-discovery.ts';
import { createRemoteServices, type RemoteServices } from './remote-services.ts';

/** How often a server is looked after when nothing happens. */
const resyncMs = 30_000;
const firstRetryMs = 5;

export interface AggregatorDeps {
  readonly state: ServerState;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly send: SendHttps;
}

/** The API servers behind APIServices: their conditions, their share of discovery, and the way to them. */
export interface Aggregator extends Disposable {
  /** What they serve, as they told last. */
  versions(): readonly ServedVersion[];
  /** What they serve changed. */
  readonly onChange: Event<void>;
  /** The answer of the server that a request is for; undefined: it is this one's. */
  delegate(request: ApiRequest, user: UserInfo): Promise<ApiResponse> | undefined;
  /** Begins to look after them. */
  start(store: Store<StoredObject>, loopback: Loopback): void;
}

/** One remote APIService that is looked after. */
interface Watched {
  resources: ServedVersion['resources'];
  freshness: 'Current' | 'Stale';
  checking: boolean;
  again: boolean;
  failures: number;
  timer: Disposable | undefined;
}

/**
 * @see k8s.io/kube-aggregator/pkg/apiserver/{apiserver,handler_discovery}.go
 * @see k8s.io/kube-aggregator/pkg/controllers/status/remote/remote_available_controller.go
 */
export function createAggregator(deps: AggregatorDeps): Aggregator {
  return new RemoteAggregator(deps);
}

class RemoteAggregator implements Aggregator {
  readonly #deps: AggregatorDeps;
  readonly #remote: RemoteServices;
  readonly #changes = new Emitter<void>();
  readonly #watched = new Map<string, Watched>();
  readonly #owned = new DisposableStore();
  #loopback: Loopback | undefined;
  #disposed = false;

  constructor(deps: AggregatorDeps) {
    this.#deps = deps;
    this.#remote = createRemoteServices(deps.state, deps.clock, deps.send);
  }

  get onChange(): Event<void> {
    return this.#changes.event;
  }

  versions(): readonly ServedVersion[] {
    return [...this.#watched].flatMap(([name, { resources, freshness }]) => {
      const apiService = this.#find(name);
      const spec = at(apiService, 'spec');
      if (!spec) return [];
      return {
        group: textAt(spec, 'group'),
        version: textAt(spec, 'version'),
        resources,
        freshness,
        groupPriority: numberOf(at(spec, 'groupPriorityMinimum')) ?? 0,
        versionPriority: numberOf(at(spec, 'versionPriority')) ?? 0,
      };
    });
  }

  delegate(request: ApiRequest, user: UserInfo): Promise<ApiResponse> | undefined {
    if (this.#watched.size === 0) return undefined;
    const [, root, group = '', version = ''] = request.url.split(/[/?]/);
    if (root !== 'apis' || version === '') return undefined;
    const apiService = this.#find(`${version}.${group}`);
    return apiService && isRemote(apiService)
      ? this.#remote.proxy(apiService, request, user)
      : undefined;
  }

  start(store: Store<StoredObject>, loopback: Loopback): void {
    this.#loopback = loopback;
    const watch = (group: string, resource: string, onKey: (key: string) => void): void => {
      const prefix = keyPrefix(group, resource, true);
      this.#owned.add(
        store.watch(prefix, prefixEnd(prefix), {
          onEvents: (events) => {
            for (const { key } of events) onKey(key.slice(prefix.length));
          },
        }),
      );
    };
    watch(aggregationGroup, 'apiservices', (name) => this.#changed(name));
    // Services and slices carry their service's name at the front of their own.
    const near = (key: string): void => {
      for (const name of this.#watched.keys()) {
        const service = serviceOf(this.#find(name));
        if (key.startsWith(`${service.namespace}/${service.name}`)) this.#changed(name);
      }
    };
    watch('', 'services', near);
    watch('discovery.k8s.io', 'endpointslices', near);
    for (const { metadata } of this.#deps.state.list(aggregationGroup, 'apiservices'))
      this.#changed(metadata.name ?? '');
  }

  dispose(): void {
    this.#disposed = true;
    this.#owned.dispose();
    for (const { timer } of this.#watched.values()) timer?.dispose();
  }

  #find(name: string): DeepReadonly<KubeObject> | undefined {
    return this.#deps.state.get(aggregationGroup, 'apiservices', '', name);
  }

  #changed(name: string): void {
    const known = this.#watched.get(name);
    const apiService = this.#find(name);
    if (!apiService || !isRemote(apiService)) {
      if (!known) return;
      known.timer?.dispose();
      this.#watched.delete(name);
      this.#changes.fire();
      return;
    }
    if (!known) {
      this.#watched.set(name, {
        resources: [],
        freshness: 'Stale',
        checking: false,
        again: false,
        failures: 0,
        timer: undefined,
      });
      this.#changes.fire();
    }
    this.#schedule(name, 0);
  }

  #schedule(name: string, delayMs: number): void {
    const watched = this.#watched.get(name);
    if (!watched || this.#disposed) return;
    if (watched.checking) {
      watched.again = true;
      return;
    }
    watched.timer?.dispose();
    const { clock } = this.#deps;
    const run = (): void => void this.#check(name, watched);
    watched.timer =
      delayMs === 0 ? defer(clock, run) : clock.setTimer(delayMs, run, { background: true });
  }

  async #check(name: string, watched: Watched): Promise<void> {
    const apiService = this.#find(name);
    if (!apiService || this.#disposed) return;
    watched.checking = true;
    watched.again = false;
    let available = false;
    try {
      const { state, clock } = this.#deps;
      const next = await checkAvailability(state, this.#remote, apiService, () => clock.now());
      available = isAvailable(next ?? apiService);
      if (next && !this.#disposed)
        await this.#loopback?.request(
          'PUT',
          `/apis/${aggregationGroup}/v1/apiservices/${name}/status`,
          next,
        );
      await this.#refresh(apiService, watched, available);
    } catch (error) {
      // Somebody wrote in between: that write asks for another look.
      if (!isReason(error, 'Conflict') && !isReason(error, 'NotFound') && !this.#disposed)
        this.#deps.logger.log('warn', `APIService ${name} could not be checked`, {
          error: String(error),
        });
    }
    watched.checking = false;
    watched.failures = available ? 0 : watched.failures + 1;
    const retryMs = available
      ? resyncMs
      : Math.min(firstRetryMs * 2 ** Math.min(watched.failures, 20), resyncMs);
    this.#schedule(name, watched.again ? 0 : retryMs);
  }

  /** Reads what the server serves; what it told last stays, as stale, while it does not answer. */
  async #refresh(apiService: unknown, watched: Watched, available: boolean): Promise<void> {
    const [group, version] = [
      textAt(apiService, 'spec', 'group'),
      textAt(apiService, 'spec', 'version'),
    ];
    const answer = available
      ? await this.#remote.discover(apiService, `/apis/${group}/${version}`)
      : undefined;
    const resources =
      answer && 'text' in answer && answer.status === 200
        ? discoveredResources(group, version, answer.text)
        : undefined;
    const freshness = resources ? 'Current' : 'Stale';
    const same =
      freshness === watched.freshness &&
      (!resources || JSON.stringify(resources) === JSON.stringify(watched.resources));
    if (same) return;
    watched.freshness = freshness;
    if (resources) watched.resources = resources;
    this.#changes.fire();
  }
}
