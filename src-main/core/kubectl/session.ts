import { ApiClient } from './api.ts';
import { ConnectionError } from '#core/kube';
import { type ByteSink, fromUtf8, readAll, reasonPhrase, utf8 } from '#core/base';
import {
  type ClientSettings,
  clientSettings,
  type ConfigLocation,
  configLocation,
  type Kubeconfig,
  loadKubeconfig,
} from './config/kubeconfig.ts';
import {
  type Catalog,
  discover,
  findResource,
  groupVersionOf,
  type Resource,
  resourceOfKind,
} from './discovery.ts';
import { ExitError } from './errors.ts';
import type { Flags } from './flags.ts';
import type { KubectlFiles, KubectlIo } from './types.ts';

function relativeFiles(files: KubectlFiles, resolve: (name: string) => string): KubectlFiles {
  return {
    readFile: (name) => files.readFile(resolve(name)),
    writeFile: (name, bytes, mode) => {
      files.writeFile(resolve(name), bytes, mode);
    },
    mkdir: (name, options) => {
      files.mkdir(resolve(name), options);
    },
    exists: (name) => files.exists(resolve(name)),
    stat: (name) => files.stat(resolve(name)),
    readdir: (name) => files.readdir(resolve(name)),
    remove: (name, options) => {
      files.remove(resolve(name), options);
    },
  };
}

/** One run of a command: its flags, its streams, and the way to the server, each opened when first needed. */
export class Session {
  readonly io: KubectlIo;
  readonly flags: Flags;
  /** Files by names that may be relative to the working directory. */
  readonly files: KubectlFiles;
  /** `kubectl create deployment`. */
  readonly command: string;
  #settings: ClientSettings | undefined;
  #api: ApiClient | undefined;
  #catalog: Promise<Catalog> | undefined;
  #writes: Promise<void> = Promise.resolve();
  #stdin: Promise<string> | undefined;
  readonly #warned = new Set<string>();

  constructor(io: KubectlIo, flags: Flags, command: string) {
    this.io = io;
    this.flags = flags;
    this.files = relativeFiles(io.files, (name) => this.path(name));
    this.command = command;
  }

  get args(): readonly string[] {
    return this.flags.args;
  }

  /** Writes to stdout, after all that was written before. */
  out(text: string): void {
    if (text !== '') this.#queue(this.io.stdout, utf8(text));
  }

  /** Writes to stderr, after all that was written before. */
  err(text: string): void {
    if (text !== '') this.#queue(this.io.stderr, utf8(text));
  }

  outBytes(bytes: Uint8Array): void {
    this.#queue(this.io.stdout, bytes);
  }

  #queue(sink: ByteSink, bytes: Uint8Array): void {
    this.#writes = this.#writes.then(() => sink.write(bytes));
    // The failure is met by whoever flushes.
    this.#writes.catch(() => undefined);
  }

  /** Resolves when all is written. @throws BrokenPipeError nobody reads any more. */
  async flush(): Promise<void> {
    await this.#writes;
  }

  get now(): number {
    return this.io.clock.now();
  }

  /** @throws ExitError 130 after Ctrl-C. */
  checkInterrupted(): void {
    if (this.io.signal.aborted) throw new ExitError('', 130);
  }

  /** A file or stdin as text. */
  readStdin(): Promise<string> {
    this.#stdin ??= readAll(this.io.stdin).then(fromUtf8);
    return this.#stdin;
  }

  /** Where a name leads from the working directory: no `.`, no `..`, no slash at its end. */
  path(name: string): string {
    const segments: string[] = [];
    for (const segment of `${name.startsWith('/') ? '' : this.io.cwd}/${name}`.split('/'))
      if (segment === '..') segments.pop();
      else if (segment !== '' && segment !== '.') segments.push(segment);
    return `/${segments.join('/')}`;
  }

  get location(): ConfigLocation {
    return configLocation(this.flags.text('kubeconfig'), this.io.env);
  }

  loadConfig(): Kubeconfig {
    return loadKubeconfig(this.files, this.location);
  }

  /** For commands that write the file and may be the first to. */
  loadConfigOrEmpty(): Kubeconfig {
    return loadKubeconfig(this.files, { ...this.location, explicit: false });
  }

  get settings(): ClientSettings {
    this.#settings ??= clientSettings(this.files, this.loadConfig(), this.flags, this.io.env);
    return this.#settings;
  }

  get namespace(): string {
    return this.settings.namespace;
  }

  get api(): ApiClient {
    if (!this.#api) {
      const { connection, headers, repeated } = this.settings;
      const verbosity = this.flags.int('v');
      const timeout = this.flags.text('request-timeout');
      this.#api = new ApiClient({
        transport: this.io.connect(connection),
        headers,
        repeated,
        clock: this.io.clock,
        signal: this.io.signal,
        server: connection.server,
        timeoutMs: /^\d+$/.test(timeout)
          ? Number(timeout) * 1000
          : this.flags.duration('request-timeout'),
        onWarning: (warning) => {
          if (this.#warned.has(warning)) return;
          this.#warned.add(warning);
          this.err(`Warning: ${warning}\n`);
        },
        onAnswer: (request, status, elapsedMs) => {
          if (verbosity >= 6)
            this.log(
              'I',
              'round_trippers.go:632',
              `"Response" verb="${request.method}" url="${connection.server}${request.url}" status="${status} ${reasonPhrase(status)}" milliseconds=${elapsedMs}`,
            );
        },
      });
      if (verbosity >= 6)
        for (const path of this.location.paths)
          if (this.files.exists(path))
            this.log('I', 'loader.go:407', `Config loaded from file:  ${path}`);
    }
    return this.#api;
  }

  /** A line as klog writes it. */
  log(level: 'I' | 'W' | 'E', where: string, message: string): void {
    const time = new Date(this.now).toISOString();
    this.err(
      `${level}${time.slice(5, 7)}${time.slice(8, 10)} ${time.slice(11, 23)}000 ${String(this.io.pid ?? 1).padStart(7)} ${where}] ${message}\n`,
    );
  }

  warnOnce(level: 'W' | 'E', where: string, message: string): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    this.log(level, where, message);
  }

  /** What the server offers; asked once, and kept for later runs where the machine keeps a cache. */
  catalog(): Promise<Catalog> {
    const cache = this.io.discoveryCache;
    const key = `catalog ${this.api.server}`;
    const cached = cache?.get(key) as Catalog | undefined;
    this.#catalog ??= cached ? Promise.resolve(cached) : this.#discover();
    return this.#catalog;
  }

  async #discover(): Promise<Catalog> {
    try {
      const catalog = await discover(this.api);
      this.io.discoveryCache?.set(`catalog ${this.api.server}`, catalog);
      return catalog;
    } catch (error) {
      // client-go asks five times before it gives up, and says so each time.
      if (error instanceof ConnectionError)
        for (let i = 0; i < 5; i++)
          this.log(
            'E',
            'memcache.go:265',
            `"Unhandled Error" err="couldn't get current server API group list: Get \\"${this.api.server}/api?timeout=32s\\": ${error.message}"`,
          );
      throw error;
    }
  }

  /** Asks again, past any cache: something was not found. */
  async freshCatalog(): Promise<Catalog> {
    this.io.discoveryCache?.delete(`catalog ${this.api.server}`);
    this.#catalog = undefined;
    return this.catalog();
  }

  async resource(argument: string): Promise<Resource> {
    const catalog = await this.catalog();
    try {
      return findResource(catalog, argument);
    } catch (error) {
      if (!this.io.discoveryCache) throw error;
      return findResource(await this.freshCatalog(), argument);
    }
  }

  async resourceOfKind(apiVersion: string, kind: string): Promise<Resource | undefined> {
    const found = resourceOfKind(await this.catalog(), apiVersion, kind);
    if (found || !this.io.discoveryCache) return found;
    return resourceOfKind(await this.freshCatalog(), apiVersion, kind);
  }

  /** A built-in resource by its address, without asking the server. */
  builtin(
    group: string,
    version: string,
    resource: string,
    kind: string,
    namespaced = true,
  ): Resource {
    return {
      group,
      version,
      resource,
      kind,
      namespaced,
      singular: kind.toLowerCase(),
      verbs: [],
      shortNames: [],
      categories: [],
      subresources: [],
    };
  }

  groupVersion(resource: Resource): string {
    return groupVersionOf(resource.group, resource.version);
  }
}
