import {
  type EventName,
  type MethodName,
  type ParamsOf,
  type PayloadOf,
  type ResultOf,
  type RpcClient,
  RpcError,
} from '#contract';

/** What the fake core answers; a function is asked each time, a thrown RpcError is a failed call. */
export type Answers = {
  [M in MethodName]?: (params: ParamsOf<M>) => ResultOf<M> | Promise<ResultOf<M>>;
};

export interface FakeRpc extends RpcClient {
  /** Every call so far, in order. */
  readonly calls: readonly { readonly method: MethodName; readonly params: unknown }[];
  /** Text typed into terminals. */
  readonly typed: readonly { readonly terminalId: number; readonly text: string }[];
  emit<E extends EventName>(event: E, payload: PayloadOf<E>): void;
  emitTerminal(terminalId: number, text: string): void;
  /** Breaks the connection. */
  disconnect(): void;
  /** Replaces an answer from now on. */
  answer<M extends MethodName>(method: M, answer: NonNullable<Answers[M]>): void;
}

/** A failed call as the core reports it. */
export function failure(
  message: string,
  reason: NonNullable<RpcError['status']['reason']> = 'InternalError',
  code = 500,
): RpcError {
  return new RpcError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    reason,
    message,
    code,
  });
}

/** The renderer's client with a table of answers in place of a core. */
export function fakeRpc(answers: Answers): FakeRpc {
  const table = new Map<string, (params: never) => unknown>(Object.entries(answers));
  const calls: { method: MethodName; params: unknown }[] = [];
  const typed: { terminalId: number; text: string }[] = [];
  const events = new Map<string, Set<(payload: never) => void>>();
  const terminals = new Map<number, Set<(bytes: Uint8Array) => void>>();
  const closed: (() => void)[] = [];
  const listen = <K, L>(map: Map<K, Set<L>>, key: K, listener: L) => {
    const set = map.get(key) ?? new Set<L>();
    map.set(key, set.add(listener));
    return { dispose: () => void set.delete(listener) };
  };
  return {
    calls,
    typed,
    call: async <M extends MethodName>(method: M, params: ParamsOf<M>): Promise<ResultOf<M>> => {
      calls.push({ method, params });
      const answer = table.get(method);
      if (answer === undefined) throw failure(`no answer for ${method}`);
      return (await answer(params as never)) as ResultOf<M>;
    },
    on: (event, listener) => listen(events, event as string, listener as (payload: never) => void),
    onTerminal: (terminalId, listener) => listen(terminals, terminalId, listener),
    writeTerminal: (terminalId, bytes) =>
      void typed.push({ terminalId, text: new TextDecoder().decode(bytes) }),
    onClose: (listener) => void closed.push(listener),
    emit: (event, payload) => {
      for (const listener of events.get(event) ?? []) listener(payload as never);
    },
    emitTerminal: (terminalId, text) => {
      for (const listener of terminals.get(terminalId) ?? [])
        listener(new TextEncoder().encode(text));
    },
    disconnect: () => closed.forEach((listener) => listener()),
    answer: (method, answer) => void table.set(method, answer),
  };
}
