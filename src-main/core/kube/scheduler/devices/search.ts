import { parseQuantity } from '../../machinery/index.ts';
import type { AllocatedState } from './allocated-state.ts';
import { consumedBy, hasRoom } from './capacity.ts';
import type { Constraint, RequestName } from './constraints.ts';
import type { Pool } from './pools.ts';
import {
  type DeviceClassView,
  deviceIdOf,
  type DeviceView,
  type RequestDetails,
  type SliceView,
} from './types.ts';

/** Most devices in one claim's allocation. */
export const maxResults = 32;
/** Steps of one search, for the ten seconds that upstream gives it. */
const maxSteps = 50_000;

/** A device of a pool. */
export interface Candidate {
  readonly id: string;
  readonly device: DeviceView;
  readonly slice: SliceView;
  readonly pool: Pool;
}

/** A request, or one of its alternatives, ready to be searched for. */
export interface Wanted {
  readonly name: RequestName;
  readonly details: RequestDetails;
  readonly class: DeviceClassView;
  readonly count: number;
  /** With allocation mode All: the devices. */
  readonly all?: readonly Candidate[];
  /** Errors of selectors are thrown. */
  selects(candidate: Candidate): boolean;
}

/** The claims to allocate: their rules, and their requests with the alternatives of each. */
export interface WantedClaim {
  /** With its namespace. */
  readonly name: string;
  readonly constraints: readonly Constraint[];
  readonly requests: readonly (readonly Wanted[])[];
}

/** A device that was taken. */
export interface Taken {
  readonly wanted: Wanted;
  readonly candidate: Candidate;
  /** Absent unless the device is shared. */
  readonly consumed?: ReadonlyMap<string, { readonly nano: bigint; readonly text: string }>;
}

/** No more devices fit in the claim; the choice of devices before does not change it. */
const tooMany = Symbol('too many devices');
type Outcome = boolean | typeof tooMany;

/** A search that went on for too long. */
export class SearchTimeout extends Error {}

/** All devices were asked for and cannot be had together. */
export class ConstraintError extends Error {}

interface Position {
  readonly claim: number;
  readonly request: number;
  /** Absent: the first that fits is taken. */
  readonly alternative?: number;
  readonly device: number;
}

/**
 * Tries devices for one request after the other until all fit, in the order of pools, slices and devices.
 * @see k8s.io/dynamic-resource-allocation/structured/internal/incubating/allocator_incubating.go, allocateOne
 */
export class Search {
  readonly taken: Taken[][];
  readonly #pools: readonly Pool[];
  readonly #claims: readonly WantedClaim[];
  readonly #state: AllocatedState;
  readonly #candidates: readonly (readonly Candidate[])[];
  /** Claims that take a device in this search, by device. */
  readonly #taking = new Map<string, Set<number>>();
  /** What this search takes of shared devices. */
  readonly #shares = new Map<string, Map<string, bigint>[]>();
  readonly #consumed = new Map<string, bigint>();
  readonly #available = new Map<Pool, ReadonlyMap<string, bigint>>();
  #steps = 0;

  constructor(pools: readonly Pool[], claims: readonly WantedClaim[], state: AllocatedState) {
    this.#pools = pools;
    this.#claims = claims;
    this.#state = state;
    this.taken = claims.map(() => []);
    this.#candidates = pools
      .filter((pool) => pool.state === 'usable')
      .map((pool) => [...candidatesOf(pool)]);
  }

  /** @throws SearchTimeout, ConstraintError, and what selectors throw */
  run(): boolean {
    return this.#next({ claim: 0, request: 0, device: 0 }, 0, 0) === true;
  }

  #next(at: Position, fromPool: number, fromCandidate: number): Outcome {
    this.#steps += 1;
    if (this.#steps > maxSteps) throw new SearchTimeout();
    const claim = this.#claims[at.claim];
    if (!claim) return true;
    const alternatives = claim.requests[at.request];
    if (!alternatives) {
      const done = this.#next({ claim: at.claim + 1, request: 0, device: 0 }, 0, 0);
      // With other devices for this claim there may be room in the next.
      return done === tooMany ? false : done;
    }
    if (at.alternative === undefined) {
      if (alternatives.length > 1 || alternatives[0]?.name.alternative !== undefined)
        return this.#firstOf(at, alternatives.length);
      return this.#next({ ...at, alternative: 0 }, fromPool, fromCandidate);
    }
    const wanted = alternatives[at.alternative];
    if (!wanted || wanted.all?.length === 0) return false;
    if (at.device >= wanted.count)
      return this.#next({ claim: at.claim, request: at.request + 1, device: 0 }, 0, 0);
    const already = this.taken[at.claim]?.length ?? 0;
    if (already + wanted.count - at.device > maxResults) return tooMany;
    const onward = { ...at, device: at.device + 1 };
    if (wanted.all) {
      const candidate = wanted.all[at.device];
      const undo = candidate && this.#take(at.claim, wanted, candidate, true);
      if (!undo) return false;
      const done = this.#next(onward, 0, 0);
      if (done !== true) undo();
      return done;
    }
    for (let pool = fromPool; pool < this.#candidates.length; pool++) {
      const candidates = this.#candidates[pool] ?? [];
      for (let i = pool === fromPool ? fromCandidate : 0; i < candidates.length; i++) {
        const candidate = candidates[i];
        if (!candidate || this.#isTaken(at.claim, wanted, candidate)) continue;
        if (!wanted.selects(candidate) || !this.#hasRoom(wanted, candidate)) continue;
        const undo = this.#take(at.claim, wanted, candidate, false);
        if (!undo) continue;
        const done = this.#next(onward, pool, i + 1);
        if (done === true) return true;
        undo();
        if (done === tooMany) return tooMany;
      }
    }
    return false;
  }

  #firstOf(at: Position, count: number): Outcome {
    let allTooMany = true;
    for (let alternative = 0; alternative < count; alternative++) {
      const done = this.#next({ ...at, alternative }, 0, 0);
      if (done === true) return true;
      if (done === false) allTooMany = false;
    }
    return allTooMany ? tooMany : false;
  }

  #isTaken(claim: number, { details }: Wanted, { id }: Candidate): boolean {
    const taking = this.#taking.get(id);
    if (isAdmin(details)) return taking?.has(claim) ?? false;
    return this.#state.devices.has(id) || (taking !== undefined && taking.size > 0);
  }

  /** Whether a device has the capacities that are asked for, beside what others have of them. */
  #hasRoom({ details }: Wanted, { id, device }: Candidate): boolean {
    const { capacity = {} } = device;
    return hasRoom(details, capacity, [
      this.#state.shared.get(id),
      ...(this.#shares.get(id) ?? []),
    ]);
  }

  /** @param must there is no other device to try. @returns how to give it back; nothing if it cannot be had. */
  #take(
    claim: number,
    wanted: Wanted,
    candidate: Candidate,
    must: boolean,
  ): (() => void) | undefined {
    const { id, device, pool } = candidate;
    const { details, name } = wanted;
    const isShared = device.allowMultipleAllocations ?? false;
    if (!isShared || !isAdmin(details))
      if (this.#isTaken(claim, wanted, candidate)) return undefined;
    const undo: (() => void)[] = [];
    const giveBack = (): void => {
      while (undo.length > 0) undo.pop()?.();
    };
    // A shared device consumes its counters once.
    const consumes = device.consumesCounters ?? [];
    if (consumes.length > 0 && !(isShared && this.#isShared(id))) {
      const free = this.#takeCounters(candidate);
      if (!free) return undefined;
      undo.push(free);
    }
    if (isTainted(device, details)) {
      giveBack();
      return undefined;
    }
    for (const constraint of this.#claims[claim]?.constraints ?? []) {
      if (!constraint.add(name, device, pool.driver)) {
        giveBack();
        if (must)
          throw new ConstraintError(
            `claim ${this.#claims[claim]?.name ?? ''}, request ${name.alternative ?? name.request}: cannot add device ${id} because a claim constraint would not be satisfied`,
          );
        return undefined;
      }
      undo.push(() => constraint.remove(name));
    }
    if (!this.#hasRoom(wanted, candidate)) {
      giveBack();
      return undefined;
    }
    const consumed = isShared ? consumedBy(details, device.capacity ?? {}) : undefined;
    if (consumed) {
      const shares = this.#shares.get(id) ?? [];
      this.#shares.set(id, shares);
      shares.push(new Map([...consumed].map(([capacity, { nano }]) => [capacity, nano])));
      undo.push(() => shares.pop());
    } else {
      const taking = this.#taking.get(id) ?? new Set<number>();
      this.#taking.set(id, taking);
      taking.add(claim);
      undo.push(() => taking.delete(claim));
    }
    const taken = this.taken[claim] ?? [];
    taken.push({ wanted, candidate, ...(consumed ? { consumed } : {}) });
    undo.push(() => taken.pop());
    return giveBack;
  }

  #isShared(id: string): boolean {
    return this.#state.shared.has(id) || (this.#shares.get(id)?.length ?? 0) > 0;
  }

  /** Counters are shared by the devices of a pool, on whatever node. */
  #takeCounters({ device, pool }: Candidate): (() => void) | undefined {
    const available = this.#counters(pool);
    const amounts = countersOf(device).map(
      ([key, amount]) => [JSON.stringify([pool.driver, pool.name, key]), key, amount] as const,
    );
    const change = (sign: 1n | -1n): void => {
      for (const [own, , amount] of amounts)
        this.#consumed.set(own, (this.#consumed.get(own) ?? 0n) + sign * amount);
    };
    change(1n);
    const fits = [...available].every(
      ([key, amount]) =>
        (this.#consumed.get(JSON.stringify([pool.driver, pool.name, key])) ?? 0n) <= amount,
    );
    if (fits) return () => change(-1n);
    change(-1n);
    return undefined;
  }

  /** What allocated devices leave of a pool's counters. */
  #counters(pool: Pool): ReadonlyMap<string, bigint> {
    const known = this.#available.get(pool);
    if (known) return known;
    const left = new Map<string, bigint>();
    for (const [set, counters] of pool.counterSets)
      for (const [name, { value }] of Object.entries(counters))
        left.set(counterKey(set, name), parseQuantity(String(value)).nano);
    for (const { spec } of [...pool.slices, ...pool.elsewhere])
      for (const device of spec.devices ?? []) {
        const id = deviceIdOf(pool.driver, pool.name, device.name);
        if (!this.#state.devices.has(id) && !this.#state.shared.has(id)) continue;
        for (const [key, amount] of countersOf(device))
          left.set(key, (left.get(key) ?? 0n) - amount);
      }
    this.#available.set(pool, left);
    return left;
  }
}

/** The devices of a pool, in order. */
export function* candidatesOf(pool: Pool): Generator<Candidate> {
  for (const slice of pool.slices)
    for (const device of slice.spec.devices ?? [])
      yield { id: deviceIdOf(pool.driver, pool.name, device.name), device, slice, pool };
}

export const isAdmin = (details: RequestDetails): boolean =>
  'adminAccess' in details && details.adminAccess === true;

const counterKey = (set: string, counter: string): string => `${set}/${counter}`;

function countersOf({ consumesCounters = [] }: DeviceView): (readonly [string, bigint])[] {
  return consumesCounters.flatMap(({ counterSet, counters }) =>
    Object.entries(counters).map(
      ([name, { value }]) =>
        [counterKey(counterSet, name), parseQuantity(String(value)).nano] as const,
    ),
  );
}

/** @see k8s.io/dynamic-resource-allocation/resourceclaim/devicetoleration.go */
function isTainted({ taints = [] }: DeviceView, { tolerations = [] }: RequestDetails): boolean {
  return taints
    .filter(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute')
    .some(
      (taint) =>
        !tolerations.some(
          ({ effect, key, operator, value }) =>
            (!effect || effect === taint.effect) &&
            (!key || key === taint.key) &&
            (operator === 'Exists' || (value ?? '') === (taint.value ?? '')),
        ),
    );
}
