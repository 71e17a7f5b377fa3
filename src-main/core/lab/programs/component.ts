import type { Disposable } from '#core/base';
import {
  createClient,
  createInformers,
  type Informers,
  type KubeClient,
  type Transport,
} from '#core/kube';
import {
  createResolver,
  type NetNamespace,
  type Program,
  type ProgramContext,
} from '#core/machines';
import { apiTransport } from './api-transport.ts';
import { FlagError, type Flags, type FlagSpec, parseFlags } from './flags.ts';
import { Klog } from './klog.ts';
import { type ClientConfig, KubeconfigError } from './kubeconfig.ts';
import { serviceAccountTransport } from './service-account-transport.ts';

/** A program that ends with an error of its own words and exit code 1. */
export class CommandFailedError extends Error {
  override readonly name = 'CommandFailedError';
}

/** What a component of Kubernetes works with while it runs. */
export interface Component {
  readonly context: ProgramContext;
  readonly flags: Flags;
  readonly klog: Klog;
  /** Resolves when the component is asked to end (SIGTERM, SIGINT). */
  readonly terminated: Promise<void>;
  /** @param account a service account of kube-system to act as, in place of the configuration's user. */
  readonly client: (
    config: ClientConfig,
    userAgent: string,
    account?: string,
  ) => { client: KubeClient; informers: Informers };
  /** Released when the program ends, whatever the reason. */
  readonly own: <T extends Disposable>(item: T) => T;
}

export interface ComponentOptions {
  readonly flags: readonly FlagSpec[];
  /** How the program words a bad command line; default: `Error: …` alone. */
  readonly flagError?: (message: string) => string;
  /** Ports are closed and stores left when this returns or throws. */
  run(component: Component): Promise<number>;
}

/**
 * Wraps what Kubernetes' programs have in common: flags and their errors, log lines, the end by signal, and
 * that nothing of them goes on after it.
 */
export function componentProgram(options: ComponentOptions): Program {
  return async (context) => {
    const klog = new Klog(context.stderr, context.clock, context.process.pid);
    let flags: Flags;
    try {
      flags = parseFlags(context.argv.slice(1), options.flags);
    } catch (error) {
      if (!(error instanceof FlagError)) throw error;
      if (options.flagError) klog.commandFailed(options.flagError(error.message));
      else klog.raw(`Error: ${error.message}\n`);
      return 1;
    }
    const owned: Disposable[] = [];
    const killed = new Promise<void>((resolve) => {
      context.signal.addEventListener('abort', () => resolve(), { once: true });
      if (context.signal.aborted) resolve();
    });
    const asked = new Promise<void>((resolve) => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const)
        owned.push(context.process.onSignal(signal, () => resolve()));
    });
    const release = (): void => {
      for (const item of owned.splice(0).reverse()) item.dispose();
    };
    // A killed program cannot finish what it was doing: its ports and watches end with it.
    context.signal.addEventListener('abort', release, { once: true });
    try {
      return await options.run({
        context,
        flags,
        klog,
        terminated: Promise.race([asked, killed]),
        own: (item) => {
          if (context.signal.aborted) item.dispose();
          else owned.push(item);
          return item;
        },
        client: (config, userAgent, account) => connect(context, config, userAgent, owned, account),
      });
    } catch (error) {
      if (error instanceof CommandFailedError || error instanceof KubeconfigError) {
        klog.commandFailed(error.message);
        return 1;
      }
      if (context.signal.aborted) return 137;
      throw error;
    } finally {
      release();
    }
  };
}

function connect(
  context: ProgramContext,
  config: ClientConfig,
  userAgent: string,
  owned: Disposable[],
  account: string | undefined,
): { client: KubeClient; informers: Informers } {
  const { files, net, clock, random, signal, logger } = context;
  const resolver = createResolver({ files, net, clock, random, signal });
  const deps = { net, files, clock, signal, resolve: (host: string) => resolver.lookup(host) };
  let transport: Transport = apiTransport(config, deps);
  if (account !== undefined) {
    // Asking for tokens is the configuration's own user's business.
    const own = createClient(transport, { userAgent, clock, logger });
    const { clientCertificate: _, ...anonymous } = config;
    transport = serviceAccountTransport(apiTransport(anonymous, deps), own, account, clock);
  }
  const client = createClient(transport, { userAgent, clock, logger });
  const informers = createInformers(client, clock, { random, logger });
  owned.push(informers);
  return { client, informers };
}

/** The text of a file the program cannot do without. @throws CommandFailedError in Go's words. */
export function requireFile(context: ProgramContext, path: string, prefix = ''): string {
  if (!context.files.exists(path))
    throw new CommandFailedError(`${prefix}open ${path}: no such file or directory`);
  return context.files.readText(path);
}

/** Opens a port. @throws CommandFailedError when it is taken. */
export function listenOrFail(
  net: NetNamespace,
  port: number,
  listener: Parameters<NetNamespace['listen']>[1],
  options: { readonly address?: string; readonly protocol?: 'tcp' | 'udp' } = {},
): Disposable {
  try {
    return net.listen(port, listener, options);
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'EADDRINUSE') throw error;
    const at = `${options.address ?? '0.0.0.0'}:${port}`;
    throw new CommandFailedError(
      `failed to create listener: failed to listen on ${at}: listen tcp ${at}: bind: address already in use`,
    );
  }
}
