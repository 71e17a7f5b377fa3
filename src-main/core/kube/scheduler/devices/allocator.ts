import { jsonClone, type Random, uuid } from '#core/base';
import type {
  AllocationResult,
  DeviceAllocationConfiguration,
  OpaqueDeviceConfiguration,
} from '../../apis/index.ts';
import type { NodeView } from '../views.ts';
import type { AllocatedState } from './allocated-state.ts';
import { constraintOf } from './constraints.ts';
import { gatherPools, isOnNode, type Pool } from './pools.ts';
import {
  type Candidate,
  candidatesOf,
  ConstraintError,
  isAdmin,
  maxResults,
  Search,
  SearchTimeout,
  type Taken,
  type Wanted,
  type WantedClaim,
} from './search.ts';
import type {
  CompileSelector,
  DeviceClaimView,
  DeviceClassView,
  RequestDetails,
  RequestView,
  SliceView,
} from './types.ts';
import { hasRoom } from './capacity.ts';

type Term = NonNullable<NonNullable<AllocationResult['nodeSelector']>['nodeSelectorTerms']>[number];
type Requirement = NonNullable<Term['matchFields']>[number];

/** What stands behind an allocation: the whole cluster's devices, and what is taken of them. */
export interface AllocatorOptions {
  readonly slices: readonly SliceView[];
  readonly allocated: AllocatedState;
  readonly random: Random;
  classOf(name: string): DeviceClassView | undefined;
  readonly compileSelector: CompileSelector;
}

/** Something is wrong with a claim or a class: no other node needs to be tried. */
export class AllocationError extends Error {}

/** Nothing can be had on this node, for a reason worth telling. */
export class NodeAllocationError extends Error {}

/**
 * Finds devices for claims on one node after the other.
 * @see k8s.io/dynamic-resource-allocation/structured/internal/incubating/allocator_incubating.go
 */
export class DeviceAllocator {
  readonly #options: AllocatorOptions;

  constructor(options: AllocatorOptions) {
    this.#options = options;
  }

  /**
   * @returns an allocation for each claim; nothing if they cannot all be had on the node.
   * @throws AllocationError, NodeAllocationError
   */
  allocate(node: NodeView, claims: readonly DeviceClaimView[]): AllocationResult[] | undefined {
    const pools = gatherPools(this.#options.slices, node);
    const wanted = claims.map((claim) => this.#wantedOf(claim, node, pools));
    const search = new Search(pools, wanted, this.#options.allocated);
    if (!this.#run(search, node)) {
      if (pools.some(({ state }) => state === 'invalid'))
        throw new NodeAllocationError('invalid resource pools were encountered');
      return undefined;
    }
    return claims.map((claim, index) =>
      this.#result(claim, wanted[index], search.taken[index] ?? [], node),
    );
  }

  #run(search: Search, node: NodeView): boolean {
    try {
      return search.run();
    } catch (error) {
      if (error instanceof SearchTimeout)
        throw new AllocationError(
          `node ${node.metadata.name ?? ''}: timed out trying to allocate devices`,
        );
      throw error instanceof ConstraintError ? new AllocationError(error.message) : error;
    }
  }

  #wantedOf(claim: DeviceClaimView, node: NodeView, pools: readonly Pool[]): WantedClaim {
    const { requests = [], constraints = [] } = claim.spec.devices ?? {};
    const wanted = requests.map((request) =>
      alternativesOf(request).map(([name, details]) =>
        this.#wanted(claim, name, details, node, pools),
      ),
    );
    const least = wanted.reduce(
      (sum, alternatives) => sum + Math.min(...alternatives.map(({ count }) => count)),
      0,
    );
    if (least > maxResults)
      throw new AllocationError(
        `claim ${nameOf(claim)}: number of requested devices ${least} exceeds the claim limit of ${maxResults}`,
      );
    return {
      name: nameOf(claim),
      requests: wanted,
      constraints: constraints.map((spec, index) => {
        const constraint = constraintOf(spec);
        if (!constraint)
          throw new AllocationError(
            `claim ${nameOf(claim)}, constraint #${index}: empty constraint (unsupported constraint type?)`,
          );
        return constraint;
      }),
    };
  }

  #wanted(
    claim: DeviceClaimView,
    name: Wanted['name'],
    details: RequestDetails,
    node: NodeView,
    pools: readonly Pool[],
  ): Wanted {
    const at = `claim ${nameOf(claim)}, request ${name.alternative ?? name.request}`;
    const deviceClass = this.#options.classOf(details.deviceClassName);
    if (!deviceClass)
      throw new AllocationError(
        `${at}: could not retrieve device class ${details.deviceClassName}: deviceclass.resource.k8s.io "${details.deviceClassName}" not found`,
      );
    const known = new Map<string, boolean>();
    const selects = (candidate: Candidate): boolean => {
      let answer = known.get(candidate.id);
      if (answer === undefined) {
        answer = this.#selects(claim, details, deviceClass, node, candidate);
        known.set(candidate.id, answer);
      }
      return answer;
    };
    const common = { name, details, class: deviceClass, selects };
    if (details.allocationMode !== 'All') return { ...common, count: details.count ?? 0 };
    const all: Candidate[] = [];
    for (const pool of pools) {
      if (pool.state !== 'usable')
        throw new AllocationError(
          `${at}: asks for all devices, but resource pool ${pool.driver}/${pool.name} is currently ${pool.state === 'incomplete' ? 'being updated' : 'invalid'}`,
        );
      for (const candidate of candidatesOf(pool)) {
        const { allocated } = this.#options;
        const { device, id } = candidate;
        if (
          selects(candidate) &&
          hasRoom(details, device.capacity ?? {}, [allocated.shared.get(id)])
        )
          all.push(candidate);
      }
    }
    return { ...common, count: all.length, all };
  }

  #selects(
    claim: DeviceClaimView,
    details: RequestDetails,
    deviceClass: DeviceClassView,
    node: NodeView,
    { device, slice }: Candidate,
  ): boolean {
    const driver = slice.spec.driver;
    const matches = (whose: string, selectors: RequestDetails['selectors'] = []): boolean =>
      selectors.every(({ cel }, index) => {
        const say = (when: string, error: unknown): AllocationError =>
          new AllocationError(
            `${whose}: selector #${index}: CEL ${when} error: ${error instanceof Error ? error.message : String(error)}`,
          );
        let selected: ReturnType<CompileSelector>;
        try {
          selected = this.#options.compileSelector(cel?.expression ?? '');
        } catch (error) {
          throw say('compile', error);
        }
        try {
          return selected({ ...device, driver });
        } catch (error) {
          throw say('runtime', error);
        }
      });
    return (
      matches(`class ${deviceClass.metadata.name ?? ''}`, deviceClass.spec.selectors) &&
      matches(`claim ${nameOf(claim)}`, details.selectors) &&
      (!slice.spec.perDeviceNodeSelection || isOnNode(device, node))
    );
  }

  #result(
    claim: DeviceClaimView,
    wanted: WantedClaim | undefined,
    taken: readonly Taken[],
    node: NodeView,
  ): AllocationResult {
    const results = taken.map(({ wanted: { name, details }, candidate, consumed }) => {
      const { device, pool } = candidate;
      const { bindingConditions, bindingFailureConditions } = device;
      return {
        request: textOf(name),
        driver: pool.driver,
        pool: pool.name,
        device: device.name,
        ...(isAdmin(details) ? { adminAccess: true } : {}),
        ...(details.tolerations
          ? { tolerations: details.tolerations.map((toleration) => ({ ...toleration })) }
          : {}),
        ...(bindingConditions ? { bindingConditions: [...bindingConditions] } : {}),
        ...(bindingFailureConditions
          ? { bindingFailureConditions: [...bindingFailureConditions] }
          : {}),
        ...(consumed ? { shareID: uuid(this.#options.random) } : {}),
        ...(consumed && consumed.size > 0
          ? {
              consumedCapacity: Object.fromEntries(
                [...consumed].map(([capacity, { text }]) => [capacity, text]),
              ),
            }
          : {}),
      };
    });
    const config = configOf(claim, wanted, taken);
    const nodeSelector = nodeSelectorOf(taken, node.metadata.name ?? '');
    return {
      devices: {
        ...(results.length > 0 ? { results } : {}),
        ...(config.length > 0 ? { config } : {}),
      },
      ...(nodeSelector ? { nodeSelector } : {}),
    };
  }
}

const nameOf = (claim: DeviceClaimView | undefined): string =>
  `${claim?.metadata.namespace ?? ''}/${claim?.metadata.name ?? ''}`;

const textOf = ({ request, alternative }: Wanted['name']): string =>
  alternative === undefined ? request : `${request}/${alternative}`;

function alternativesOf(request: RequestView): (readonly [Wanted['name'], RequestDetails])[] {
  const { name, exactly, firstAvailable = [] } = request;
  if (exactly) return [[{ request: name }, exactly]];
  return firstAvailable.map((details) => [{ request: name, alternative: details.name }, details]);
}

/** Configurations of classes, each class once, and those of the claim that concern what was chosen. */
function configOf(
  claim: DeviceClaimView,
  wanted: WantedClaim | undefined,
  taken: readonly Taken[],
): DeviceAllocationConfiguration[] {
  const chosen = (wanted?.requests ?? []).map(
    (alternatives) =>
      alternatives.find((each) => taken.some((one) => one.wanted === each)) ?? alternatives[0],
  );
  const config: DeviceAllocationConfiguration[] = [];
  const ofClass = new Map<string, DeviceAllocationConfiguration[]>();
  for (const request of chosen) {
    if (!request) continue;
    const { metadata, spec } = request.class;
    const known = ofClass.get(metadata.name ?? '');
    if (known) {
      for (const entry of known) entry.requests?.push(textOf(request.name));
      continue;
    }
    const entries = (spec.config ?? []).map(({ opaque }) => ({
      source: 'FromClass',
      requests: [textOf(request.name)],
      ...(opaque ? { opaque: jsonClone(opaque) as OpaqueDeviceConfiguration } : {}),
    }));
    config.push(...entries);
    ofClass.set(metadata.name ?? '', entries);
  }
  for (const { requests = [], opaque } of claim.spec.devices?.config ?? []) {
    const entry = (): DeviceAllocationConfiguration => ({
      source: 'FromClaim',
      ...(requests.length > 0 ? { requests: [...requests] } : {}),
      ...(opaque ? { opaque: jsonClone(opaque) as OpaqueDeviceConfiguration } : {}),
    });
    if (requests.length === 0) config.push(entry());
    else
      for (const request of chosen)
        if (
          request &&
          (requests.includes(request.name.request) || requests.includes(textOf(request.name)))
        )
          config.push(entry());
  }
  return config;
}

/** Where the devices can be used; nothing: everywhere. */
function nodeSelectorOf(
  taken: readonly Taken[],
  nodeName: string,
): AllocationResult['nodeSelector'] {
  const fields: Requirement[] = [];
  const expressions: Requirement[] = [];
  for (const { candidate } of taken) {
    const { device, slice } = candidate;
    const place = slice.spec.perDeviceNodeSelection ? device : slice.spec;
    if (place.nodeName !== undefined || device.bindsToNode)
      return {
        nodeSelectorTerms: [
          { matchFields: [{ key: 'metadata.name', operator: 'In', values: [nodeName] }] },
        ],
      };
    const [term] = place.nodeSelector?.nodeSelectorTerms ?? [];
    addNew(fields, term?.matchFields);
    addNew(expressions, term?.matchExpressions);
  }
  if (fields.length + expressions.length === 0) return undefined;
  return {
    nodeSelectorTerms: [
      {
        ...(expressions.length > 0 ? { matchExpressions: expressions } : {}),
        ...(fields.length > 0 ? { matchFields: fields } : {}),
      },
    ],
  };
}

function addNew(
  to: Requirement[],
  from: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[] = [],
): void {
  const keyOf = ({ key, operator, values = [] }: (typeof from)[number]): string =>
    JSON.stringify([key, operator, [...new Set(values)].sort()]);
  for (const requirement of from) {
    if (to.some((each) => keyOf(each) === keyOf(requirement))) continue;
    const { values, ...rest } = requirement;
    to.push({ ...rest, ...(values ? { values: [...values] } : {}) });
  }
}
