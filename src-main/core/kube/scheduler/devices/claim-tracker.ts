import type { Informer, Informers } from '../../client/index.ts';
import { keyOf, type ObjectKey, objectKey } from '../../machinery/index.ts';
import { type AllocatedState, allocatedState } from './allocated-state.ts';
import type { AllocationView, DeviceClaimView } from './types.ts';

/**
 * Claims as the scheduler knows them: what it wrote itself counts before the watch tells it, and what it has decided
 * but not written yet takes devices too.
 * @see pkg/scheduler/framework/plugins/dynamicresources/dra_manager.go
 */
export class ClaimTracker {
  readonly #claims: Informer<unknown>;
  readonly #written = new Map<ObjectKey, DeviceClaimView>();
  /** By uid. */
  readonly #pending = new Map<string, AllocationView>();

  constructor(informers: Informers) {
    this.#claims = informers.for('resourceclaims.resource.k8s.io');
    this.#claims.addHandler({
      onDelete: (claim) => this.#written.delete(objectKey((claim as DeviceClaimView).metadata)),
    });
  }

  get(namespace: string, name: string): DeviceClaimView | undefined {
    const key = keyOf(namespace, name);
    const seen = this.#claims.get(key) as DeviceClaimView | undefined;
    return seen && this.#newest(key, seen);
  }

  list(): DeviceClaimView[] {
    return (this.#claims.list() as readonly DeviceClaimView[]).map((seen) =>
      this.#newest(objectKey(seen.metadata), seen),
    );
  }

  /** Notes what a write was answered with. */
  wrote(claim: DeviceClaimView): void {
    this.#written.set(objectKey(claim.metadata), claim);
  }

  isPending(uid: string): boolean {
    return this.#pending.has(uid);
  }

  setPending(uid: string, allocation: AllocationView): void {
    this.#pending.set(uid, allocation);
  }

  removePending(uid: string): void {
    this.#pending.delete(uid);
  }

  allocated(): AllocatedState {
    const stored = this.list().flatMap(({ status }) => status?.allocation ?? []);
    return allocatedState([...stored, ...this.#pending.values()]);
  }

  #newest(key: ObjectKey, seen: DeviceClaimView): DeviceClaimView {
    const written = this.#written.get(key);
    if (!written) return seen;
    const version = ({ metadata }: DeviceClaimView): number => Number(metadata.resourceVersion);
    if (written.metadata.uid === seen.metadata.uid && version(written) > version(seen))
      return written;
    this.#written.delete(key);
    return seen;
  }
}
