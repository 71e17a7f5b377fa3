import type { JsonObject } from '#core/base';
import {
  createDiscovery,
  createOpenApi,
  type CustomVersion,
  type Discovery,
  type OpenApi,
  type ResourceInfo,
} from '../apis/index.ts';
import { formatGroupVersion } from '../machinery/index.ts';
import type { ApiServerOptions } from './options.ts';

/** Discovery and OpenAPI of the surface as it is; made anew after it changed. */
export class Documents {
  readonly #options: ApiServerOptions;
  #discovery: Discovery | undefined;
  #openApi: OpenApi | undefined;
  #previous: OpenApi | undefined;

  constructor(options: ApiServerOptions) {
    this.#options = options;
    options.customResources?.onChange(() => this.reset());
    options.aggregator?.onChange(() => (this.#discovery = undefined));
  }

  /** The surface changed. */
  reset(): void {
    this.#discovery = undefined;
    this.#previous = this.#openApi ?? this.#previous;
    this.#openApi = undefined;
  }

  get discovery(): Discovery {
    const { advertiseAddress, port, aggregator } = this.#options;
    this.#discovery ??= createDiscovery({
      serverAddress: `${advertiseAddress}:${port}`,
      extra: [...this.#customVersions(), ...(aggregator?.versions() ?? [])],
    });
    return this.#discovery;
  }

  get openApi(): OpenApi {
    const { descriptions } = this.#options;
    this.#openApi ??= createOpenApi({
      ...(descriptions ? { descriptions } : {}),
      ...(this.#previous ? { previous: this.#previous } : {}),
      extra: this.#customVersions(),
    });
    return this.#openApi;
  }

  #customVersions(): CustomVersion[] {
    const registry = this.#options.customResources;
    if (!registry) return [];
    const versions = new Map<string, ResourceInfo[]>();
    for (const row of registry.resources()) {
      const name = formatGroupVersion(row);
      const rows = versions.get(name);
      if (rows) rows.push(row);
      else versions.set(name, [row]);
    }
    return [...versions.values()].map((resources) => {
      const { group = '', version = '' } = resources[0] ?? {};
      return {
        group,
        version,
        resources,
        schemas: registry.openApiSchemas(group, version) as Readonly<Record<string, JsonObject>>,
      };
    });
  }
}
