import type { MessagePort, Worker } from 'node:worker_threads';
import { type Status, StatusError, statusOf } from '#core/kube';

/**
 * Calls of one interface across a thread: each method takes and gives structured-cloneable values. Failures
 * travel as Status, so that a StatusError thrown there is a StatusError here.
 */
export type Remote<T> = {
  readonly [K in keyof T]: T[K] extends (...args: infer A) => Promise<infer R>
    ? (...args: A) => Promise<R>
    : never;
};

type Message =
  | {
      readonly kind: 'call';
      readonly id: number;
      readonly method: string;
      readonly args: readonly unknown[];
    }
  | { readonly kind: 'result'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly status: Status }
  | { readonly kind: 'event'; readonly name: string; readonly payload: unknown };

type Port = Pick<MessagePort | Worker, 'postMessage'> & {
  on(event: 'message', listener: (message: unknown) => void): unknown;
};

/** Answers calls that come through `port`. @returns the way to send events to the other side. */
export function expose<T extends object, Events>(
  port: Port,
  service: T,
): <E extends keyof Events & string>(name: E, payload: Events[E]) => void {
  port.on('message', (message) => {
    const call = message as Message;
    if (call.kind !== 'call') return;
    const method = (service as Record<string, unknown>)[call.method];
    const answer = async (): Promise<unknown> => {
      if (typeof method !== 'function') throw new Error(`the engine has no method ${call.method}`);
      return (method as (...args: readonly unknown[]) => Promise<unknown>).apply(service, [
        ...call.args,
      ]);
    };
    answer().then(
      (result) => port.postMessage({ kind: 'result', id: call.id, result } satisfies Message),
      (error: unknown) =>
        port.postMessage({ kind: 'error', id: call.id, status: statusOf(error) } satisfies Message),
    );
  });
  return (name, payload) => port.postMessage({ kind: 'event', name, payload } satisfies Message);
}

export interface Link<T, Events> {
  readonly service: Remote<T>;
  on<E extends keyof Events & string>(name: E, listener: (payload: Events[E]) => void): void;
  /** Fails every call under way and every later one. */
  fail(error: Error): void;
}

/** The calling side. */
export function connect<T extends object, Events>(port: Port): Link<T, Events> {
  const pending = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >();
  const listeners = new Map<string, ((payload: never) => void)[]>();
  let lastId = 0;
  let failed: Error | undefined;
  port.on('message', (raw) => {
    const message = raw as Message;
    if (message.kind === 'event')
      for (const listener of listeners.get(message.name) ?? []) listener(message.payload as never);
    else if (message.kind === 'result') {
      pending.get(message.id)?.resolve(message.result);
      pending.delete(message.id);
    } else if (message.kind === 'error') {
      pending.get(message.id)?.reject(new StatusError(message.status));
      pending.delete(message.id);
    }
  });
  const call = (method: string, args: readonly unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (failed) {
        reject(failed);
        return;
      }
      const id = ++lastId;
      pending.set(id, { resolve, reject });
      port.postMessage({ kind: 'call', id, method, args } satisfies Message);
    });
  return {
    service: new Proxy({} as Remote<T>, {
      // `then` must stay undefined: a service that is awaited by mistake is not a promise.
      get: (_, method) =>
        typeof method === 'string' && method !== 'then'
          ? (...args: unknown[]) => call(method, args)
          : undefined,
    }),
    on: (name, listener) => {
      listeners.set(name, [...(listeners.get(name) ?? []), listener]);
    },
    fail: (error) => {
      failed = error;
      for (const { reject } of pending.values()) reject(error);
      pending.clear();
    },
  };
}
