import { type Clock, type Disposable, type Logger, type Random } from '#core/base';
import { formatMicroTime, isReason, isStatusError } from '../machinery/index.ts';
import type { RestClient } from './kube-client.ts';
import type { EventRecorder } from './types.ts';

export interface LeaderElectionOptions {
  readonly client: RestClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly namespace: string;
  /** Name of the Lease. */
  readonly name: string;
  /** `<host>_<uuid>`. */
  readonly identity: string;
  readonly leaseDurationMs?: number;
  readonly renewDeadlineMs?: number;
  readonly retryPeriodMs?: number;
  readonly recorder?: EventRecorder;
  /** Called once, when this candidate became the leader. */
  onStartedLeading(): void;
  /** Called once, when the lease could not be renewed in time; the program must end. */
  onStoppedLeading(): void;
  onNewLeader?(identity: string): void;
}

interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

interface Lease {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string; readonly uid?: string };
  readonly spec?: LeaseSpec;
}

/** A running candidate. */
export interface LeaderElection extends Disposable {
  /** Stops, and if this candidate leads, gives the lease up so that another may take it at once. */
  release(): Promise<void>;
}

/** client-go spreads the attempts of candidates by this factor. */
const jitterFactor = 1.2;

/**
 * Candidate for a Lease. Expiry is judged by the candidate's own clock since it last saw the Lease change, never
 * by the times written in it. Disposing stops without giving the lease up, as a killed process would.
 *
 * @see k8s.io/client-go/tools/leaderelection/leaderelection.go
 */
export function runLeaderElection(options: LeaderElectionOptions): LeaderElection {
  const { clock, random, logger } = options;
  const leaseDurationMs = options.leaseDurationMs ?? 15_000;
  const renewDeadlineMs = options.renewDeadlineMs ?? 10_000;
  const retryPeriodMs = options.retryPeriodMs ?? 2000;
  const leases = options.client.dynamic<Lease>({
    group: 'coordination.k8s.io',
    version: 'v1',
    resource: 'leases',
  });

  let disposed = false;
  let timer: Disposable | undefined;
  let observed: LeaseSpec = {};
  let observedObject: Lease | undefined;
  let observedMs = Number.NEGATIVE_INFINITY;
  let reportedLeader = '';
  let leading = false;
  let lastRenewMs = 0;

  const observe = (lease: Lease): void => {
    if (JSON.stringify(lease.spec) === JSON.stringify(observed) && observedObject) {
      observedObject = lease;
      return;
    }
    observedObject = lease;
    observed = lease.spec ?? {};
    observedMs = clock.now();
  };
  const isLeader = (): boolean => observed.holderIdentity === options.identity;
  const isValid = (): boolean =>
    observedMs + (observed.leaseDurationSeconds ?? 0) * 1000 > clock.now();
  const specOf = (previous: LeaseSpec | undefined): LeaseSpec => {
    const now = formatMicroTime(clock.now());
    const renewal = previous && isLeader();
    return {
      holderIdentity: options.identity,
      leaseDurationSeconds: leaseDurationMs / 1000,
      acquireTime: (renewal ? previous.acquireTime : undefined) ?? now,
      renewTime: now,
      leaseTransitions: previous ? (previous.leaseTransitions ?? 0) + (renewal ? 0 : 1) : 0,
    };
  };
  const write = async (lease: Lease): Promise<void> => {
    observedObject = await leases.update({ ...lease, spec: specOf(lease.spec) });
    observed = observedObject.spec ?? {};
    observedMs = clock.now();
  };

  async function tryAcquireOrRenew(): Promise<boolean> {
    if (isLeader() && isValid() && observedObject) {
      try {
        await write(observedObject);
        return true;
      } catch {
        // The cached lease is outdated: read it and try again below.
      }
    }
    try {
      observe(await leases.get(options.namespace, options.name));
    } catch (error) {
      if (!isReason(error, 'NotFound')) {
        logger.log('info', 'error retrieving resource lock', { error: textOf(error) });
        return false;
      }
      try {
        observed = {};
        observe(
          await leases.create({
            apiVersion: 'coordination.k8s.io/v1',
            kind: 'Lease',
            metadata: { name: options.name, namespace: options.namespace },
            spec: specOf(undefined),
          }),
        );
        return true;
      } catch (createError) {
        logger.log('error', 'error initially creating lease lock', { error: textOf(createError) });
        return false;
      }
    }
    if (!observedObject || (observed.holderIdentity && isValid() && !isLeader())) return false;
    try {
      await write(observedObject);
      return true;
    } catch (error) {
      logger.log(isStatusError(error) ? 'debug' : 'error', 'failed to update lease', {
        error: textOf(error),
      });
      return false;
    }
  }

  function report(): void {
    const holder = observed.holderIdentity ?? '';
    if (holder === reportedLeader) return;
    reportedLeader = holder;
    if (holder !== '') options.onNewLeader?.(holder);
  }

  function record(what: string): void {
    if (!observedObject) return;
    options.recorder?.event(
      { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: observedObject.metadata },
      'Normal',
      'LeaderElection',
      `${options.identity} ${what}`,
    );
  }

  function again(delayMs: number): void {
    if (disposed) return;
    timer = clock.setTimer(delayMs, () => void attempt(), { background: true });
  }

  async function attempt(): Promise<void> {
    const succeeded = await tryAcquireOrRenew();
    if (disposed) return;
    report();
    if (succeeded) {
      lastRenewMs = clock.now();
      if (!leading) {
        leading = true;
        record('became leader');
        options.onStartedLeading();
      }
      again(retryPeriodMs);
    } else if (!leading) {
      again(retryPeriodMs * (1 + jitterFactor * random.next()));
    } else if (clock.now() - lastRenewMs >= renewDeadlineMs + retryPeriodMs) {
      disposed = true;
      record('stopped leading');
      options.onStoppedLeading();
    } else {
      again(retryPeriodMs);
    }
  }

  /** @see k8s.io/client-go/tools/leaderelection/leaderelection.go, release */
  async function giveUp(): Promise<void> {
    const lease = await leases.get(options.namespace, options.name);
    if (lease.spec?.holderIdentity !== options.identity) return;
    const now = formatMicroTime(clock.now());
    await leases.update({
      ...lease,
      spec: {
        holderIdentity: '',
        leaseDurationSeconds: 1,
        acquireTime: now,
        renewTime: now,
        leaseTransitions: lease.spec.leaseTransitions ?? 0,
      },
    });
  }

  const stop = (): void => {
    disposed = true;
    timer?.dispose();
  };

  void attempt();
  return {
    dispose: stop,
    release: async () => {
      const led = leading && !disposed;
      stop();
      if (!led) return;
      await giveUp().catch((error: unknown) => {
        logger.log('error', 'failed to release lease', { error: textOf(error) });
      });
    },
  };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
