import { LineReader } from './line-reader.ts';
import { encodeBytes } from '#core/base';
import { etcdBytesOf, type KeyValue, type StoredObject, type StoreEvent } from '#core/kube';
import { EtcdctlError, writeOutput } from './etcd-client.ts';
import type { EtcdService } from './etcd.ts';
import {
  checkFormat,
  connect,
  type EtcdctlCall,
  type EtcdctlCommand,
  headerFields,
  headerOf,
  print,
} from './etcdctl-command.ts';
import { fieldsKv, jsonKv, rangeOf } from './etcdctl-keys.ts';
import { hexEscaped } from './etcd-text.ts';
import { type Flags, parseFlags } from './flags.ts';

const watchFlags = [
  { name: 'rev', kind: 'int' },
  { name: 'prefix', kind: 'bool' },
  { name: 'prev-kv', kind: 'bool' },
  { name: 'progress-notify', kind: 'bool' },
  { name: 'interactive', kind: 'bool' },
] as const;

/** Prints events in the order they come, and runs the command given after `--` for each. */
class WatchPrinter {
  readonly #call: EtcdctlCall;
  readonly #service: EtcdService;
  readonly #command: readonly string[];
  #tail: Promise<void> = Promise.resolve();

  constructor(call: EtcdctlCall, service: EtcdService, command: readonly string[]) {
    this.#call = call;
    this.#service = service;
    this.#command = command;
  }

  add(events: readonly StoreEvent<StoredObject>[], revision: number, withPrevious: boolean): void {
    this.#tail = this.#tail.then(() => this.#print(events, revision, withPrevious));
  }

  done(): Promise<void> {
    return this.#tail;
  }

  async #print(
    events: readonly StoreEvent<StoredObject>[],
    revision: number,
    withPrevious: boolean,
  ): Promise<void> {
    const call = this.#call;
    const service = this.#service;
    await print(call, {
      simple: () => events.flatMap((event) => simpleEvent(call, event, withPrevious)),
      json: () => ({
        Header: headerOf(service, revision),
        Events: events.map((event) => jsonEvent(event, withPrevious)),
        CompactRevision: 0,
        Canceled: false,
        Created: false,
      }),
      fields: () =>
        headerFields(service, revision) +
        events.map((event) => fieldsEvent(event, withPrevious)).join(''),
    });
    if (this.#command.length > 0) for (const event of events) await this.#run(event, revision);
  }

  async #run(event: StoreEvent<StoredObject>, revision: number): Promise<void> {
    const { process, env, stdout, stderr, cwd } = this.#call.context;
    const value = event.kv ? new TextDecoder().decode(etcdBytesOf(event.kv.value)) : '';
    const child = process.spawn(this.#command, {
      cwd,
      stdout,
      stderr,
      env: {
        ...env,
        ETCD_WATCH_REVISION: String(revision),
        ETCD_WATCH_EVENT_TYPE: JSON.stringify(event.kv ? 'PUT' : 'DELETE'),
        ETCD_WATCH_KEY: JSON.stringify(event.key),
        ETCD_WATCH_VALUE: JSON.stringify(value),
      },
    });
    await child.exit;
  }
}

function simpleEvent(
  { options }: EtcdctlCall,
  { kv, key, previous }: StoreEvent<StoredObject>,
  withPrevious: boolean,
): (string | Uint8Array)[] {
  const show = options.bool('hex') ? hexEscaped : (bytes: Uint8Array): Uint8Array => bytes;
  const lines = (one: KeyValue<StoredObject>): (string | Uint8Array)[] => [
    show(encodeBytes(one.key)),
    '\n',
    show(etcdBytesOf(one.value)),
    '\n',
  ];
  return [
    kv ? 'PUT\n' : 'DELETE\n',
    ...(withPrevious && previous ? lines(previous) : []),
    ...(kv ? lines(kv) : [show(encodeBytes(key)), '\n\n']),
  ];
}

function jsonEvent(
  { kv, key, revision, previous }: StoreEvent<StoredObject>,
  withPrevious: boolean,
): Record<string, unknown> {
  const { key: encoded } = jsonKv(previous ?? (kv as KeyValue<StoredObject>));
  return {
    ...(kv ? {} : { type: 1 }),
    kv: kv ? jsonKv(kv) : { key: encoded ?? key, mod_revision: revision },
    ...(withPrevious && previous ? { prev_kv: jsonKv(previous) } : {}),
  };
}

function fieldsEvent(
  { kv, key, revision, previous }: StoreEvent<StoredObject>,
  withPrevious: boolean,
): string {
  const shown = kv
    ? fieldsKv(kv)
    : `"Key" : ${JSON.stringify(key)}\n"CreateRevision" : 0\n"ModRevision" : ${revision}\n"Version" : 0\n"Value" : ""\n"Lease" : 0\n`;
  const before = withPrevious && previous ? fieldsKv(previous, 'Prev') : '';
  return `"Type" : ${kv ? 'PUT' : 'DELETE'}\n${before}${shown}`;
}

/** Splits what follows `--` off, which is a command to run for each event. */
function splitCommand(args: readonly string[], raw: readonly string[]) {
  const at = raw.indexOf('--');
  if (at < 0) return { keys: args, command: [] };
  const command = raw.slice(at + 1);
  return { keys: args.slice(0, args.length - command.length), command };
}

function begin(
  service: EtcdService,
  printer: WatchPrinter,
  keys: readonly string[],
  flags: Flags,
): { dispose(): void } | string {
  const range = rangeOf(keys, flags);
  const withPrevious = flags.bool('prev-kv', false);
  try {
    return service.store.watch(range.start, range.end, {
      startRevision: Number(flags.text('rev') ?? 0),
      onEvents: (events, revision) => printer.add(events, revision, withPrevious),
    });
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('etcdserver: ')) return error.message;
    throw error;
  }
}

/** `etcdctl watch`: until it is interrupted, or the server ends it. */
export const watch: EtcdctlCommand = {
  flags: watchFlags,
  run: async (call) => {
    const { context, flags, format } = call;
    const { keys, command } = splitCommand(call.args, context.argv);
    const isInteractive = flags.bool('interactive', false);
    if (!isInteractive && keys.length === 0) throw new EtcdctlError('bad number of arguments', 128);
    checkFormat(format);
    const service = await connect(call, '/etcdserverpb.Watch/Watch');
    const printer = new WatchPrinter(call, service, command);
    const watches: { dispose(): void }[] = [];
    const add = async (words: readonly string[], from: Flags): Promise<void> => {
      const begun = begin(service, printer, words, from);
      if (typeof begun !== 'string') {
        watches.push(begun);
        return;
      }
      await writeOutput(context.stderr, `watch was canceled (${begun})\n`);
      throw new EtcdctlError('watch is canceled by the server', 5);
    };
    try {
      if (isInteractive) await readRequests(call, add);
      else {
        await add(keys, flags);
        await interrupted(call);
      }
      await printer.done();
    } finally {
      for (const one of watches) one.dispose();
    }
  },
};

/** Lines `watch KEY [END] [flags]` until the input ends, which etcdctl calls an error. */
async function readRequests(
  { context }: EtcdctlCall,
  add: (words: readonly string[], flags: Flags) => Promise<void>,
): Promise<void> {
  const reader = new LineReader(context.stdin);
  for (;;) {
    const line = await reader.next();
    if (line === undefined) throw new EtcdctlError('error reading watch request line: EOF', 3);
    const [verb, ...words] = line.trim().split(/\s+/);
    if (verb === 'progress') continue;
    if (verb !== 'watch' || words.length === 0) {
      await writeOutput(
        context.stderr,
        `Invalid command ${line} (command type should be "watch" or "progress")\n`,
      );
      continue;
    }
    const flags = parseFlags(words, watchFlags);
    await add(flags.args, flags);
  }
}

function interrupted({ context }: EtcdctlCall): Promise<void> {
  return new Promise((resolve) => {
    context.signal.addEventListener('abort', () => resolve(), { once: true });
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      context.process.onSignal(signal, () => resolve());
  });
}
