import { type Clock, defer } from '#core/base';
import type { ResourceClient } from './types.ts';
import type { KubeClient } from './typed.ts';

/** Lets so many requests through in one step of the clock; the rest waits for the next. */
export type StepGate = () => Promise<void>;

/**
 * A gate for several clients. An in-process server answers without leaving the step, so that a controller
 * that makes a thousand objects would otherwise hold everything up until the last is made.
 */
export function createStepGate(clock: Clock, requestsPerStep = 16): StepGate {
  let count = 0;
  let nextStep: Promise<void> | undefined;
  return async () => {
    while (count >= requestsPerStep) {
      nextStep ??= new Promise((resolve) => {
        defer(clock, () => {
          count = 0;
          nextStep = undefined;
          resolve();
        });
      });
      await nextStep;
    }
    count += 1;
  };
}

/** The same client with every request through the gate. */
export function slicedClient(client: KubeClient, gate: StepGate): KubeClient {
  const wrap = <T>(inner: ResourceClient<T>): ResourceClient<T> => ({
    get: async (...args) => (await gate(), inner.get(...args)),
    list: async (...args) => (await gate(), inner.list(...args)),
    watch: async (...args) => (await gate(), inner.watch(...args)),
    create: async (...args) => (await gate(), inner.create(...args)),
    update: async (...args) => (await gate(), inner.update(...args)),
    updateStatus: async (...args) => (await gate(), inner.updateStatus(...args)),
    patch: async (...args) => (await gate(), inner.patch(...args)),
    delete: async (...args) => (await gate(), inner.delete(...args)),
    deleteCollection: async (...args) => (await gate(), inner.deleteCollection(...args)),
    getSubresource: async (...args) => (await gate(), inner.getSubresource(...args)),
    updateSubresource: async (...args) => (await gate(), inner.updateSubresource(...args)),
    createSubresource: async (...args) => (await gate(), inner.createSubresource(...args)),
  });
  return {
    resource: (name) => wrap(client.resource(name)),
    dynamic: (address) => wrap(client.dynamic(address)),
    request: async (raw) => (await gate(), client.request(raw)),
    requestObject: async (raw) => (await gate(), client.requestObject(raw)),
  };
}
