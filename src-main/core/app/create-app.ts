import {
  type AppInfo,
  type ClusterView,
  type CoreFrame,
  type DoctorCheck,
  type EventFrame,
  firstStreamId,
  type FramePort,
  type MethodName,
  type RendererFrame,
} from '#contract';
import { type Clock, Emitter, type Event, type Logger, type Random } from '#core/base';
import { failure } from '#core/kube';
import type { ClusterRegistry } from './cluster-registry.ts';
import { Clusters, clusterView } from './clusters.ts';
import { Commands } from './commands.ts';
import type { Engine, EngineEventName, EngineEvents } from './engine-port.ts';
import { noNotices, type NoticeBoard, noticeHandlers } from './notices.ts';
import { type Connection, type Handlers, serve } from './serve.ts';
import { type LocalShell, Terminals } from './terminals.ts';

/** The engine as it runs: its calls, and what it tells unasked. */
export interface EngineSource {
  readonly engine: Engine;
  on<E extends EngineEventName>(name: E, listener: (payload: EngineEvents[E]) => void): void;
}

/** Rows of the contract that `createApp` answers itself. */
type OwnMethod = Extract<
  MethodName,
  `app.${string}` | `clusters.${string}` | `commands.${string}` | `terminals.${string}`
>;

/** Handlers of one domain, made by its own room. */
export type DomainHandlers = Partial<Omit<Handlers, OwnMethod>>;

export interface AppOptions {
  readonly engine: EngineSource;
  readonly registry: ClusterRegistry;
  /** Wall clock. */
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly info: AppInfo;
  /** Looks whether this computer has what the app needs. */
  doctor(): Promise<readonly DoctorCheck[]>;
  readonly localShell?: LocalShell;
  /** What went wrong before the app was there. */
  readonly notices?: NoticeBoard;
  /** Study and exam; each gets the way to tell every page, and to say what is to be done at the end. */
  readonly domains?: readonly ((
    tell: (frame: EventFrame) => void,
    onDispose: (work: () => void) => void,
  ) => DomainHandlers)[];
}

export interface App {
  readonly handlers: Handlers;
  /** Everything that is pushed to all pages. */
  readonly events: Event<EventFrame>;
  /** Serves one page until its port closes. */
  attach(port: FramePort<CoreFrame, RendererFrame>): Connection;
  /** All clusters, also those that are starting or failed to. */
  clusters(): Promise<readonly ClusterView[]>;
  /** Brings up again the clusters that were running; goes on in the background. */
  resume(): Promise<void>;
  dispose(): void;
}

/** Joins the rooms of the core to the contract. */
export function createApp(options: AppOptions): App {
  const { engine: source, clock, logger } = options;
  const events = new Emitter<EventFrame>();
  const clusters = new Clusters({
    engine: source.engine,
    registry: options.registry,
    clock,
    random: options.random,
    logger,
    kubernetesVersion: options.info.kubernetesVersion,
    events,
  });
  const terminals = new Terminals({
    engine: source.engine,
    clock,
    ...(options.localShell ? { localShell: options.localShell } : {}),
  });
  const commands = new Commands(source.engine);

  source.on('changed', (state) =>
    events.fire({ kind: 'event', event: 'cluster.changed', payload: clusterView(state) }),
  );
  source.on('removed', (payload) =>
    events.fire({ kind: 'event', event: 'cluster.removed', payload }),
  );
  source.on('objects', (payload) =>
    events.fire({ kind: 'event', event: 'cluster.objects', payload }),
  );
  source.on('terminalData', (data) => terminals.onEngineData(data));
  source.on('terminalExit', (exit) => terminals.onEngineExit(exit));
  source.on('edit', (edit) => terminals.onEngineEdit(edit));
  source.on('commandData', (data) => commands.onEngineData(data));
  source.on('commandExit', (exit) => commands.onEngineExit(exit));

  const own: Pick<Handlers, OwnMethod> = {
    'app.info': () => Promise.resolve(options.info),
    'app.doctor': () => options.doctor(),
    ...noticeHandlers(options.notices ?? noNotices, events),
    ...clusters.handlers,
    ...commands.handlers,
    ...terminals.handlers,
  };
  const endings: (() => void)[] = [];
  const domains = (options.domains ?? []).map((domain) =>
    domain(
      (frame) => events.fire(frame),
      (work) => endings.push(work),
    ),
  );
  const handlers = withoutGaps(Object.assign({}, own, ...domains) as Partial<Handlers>);

  return {
    handlers,
    events: events.event,
    attach: (port) => {
      const connection = serve(port, handlers, logger);
      const subscription = events.event((frame) => port.post(frame));
      port.onBytes((id, bytes) =>
        (id < firstStreamId ? terminals : commands).write(connection, id, bytes),
      );
      port.onClose(() => subscription.dispose());
      return connection;
    },
    clusters: () => clusters.list(),
    resume: () => clusters.resume(),
    dispose: () => {
      terminals.dispose();
      for (const end of endings) end();
    },
  };
}

/** A row without a handler says so: 501, naming the method. */
function withoutGaps(handlers: Partial<Handlers>): Handlers {
  return new Proxy(handlers as Handlers, {
    get: (rows, method: MethodName) =>
      rows[method] ??
      (() =>
        Promise.reject(failure(501, 'MethodNotAllowed', `${method} is not offered by this host`))),
  });
}
