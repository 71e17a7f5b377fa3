import type { ServerContext } from './call.ts';

const eventTtlSeconds = 3600;
/** Events of one minute share a lease. */
const sharedForMs = 60_000;

const current = new WeakMap<ServerContext, { readonly id: number; readonly untilMs: number }>();

/** The lease new events are written with: they go an hour after. */
export function eventLease(context: ServerContext): number {
  const { clock, store } = context.options;
  const lease = current.get(context);
  if (lease && clock.now() < lease.untilMs) return lease.id;
  const id = store.grantLease(eventTtlSeconds + sharedForMs / 1000);
  current.set(context, { id, untilMs: clock.now() + sharedForMs });
  return id;
}
