import type { Server } from './servers.ts';

/** A node of an OpenAPI v3 document, as far as mutations look. */
export interface Schema {
  readonly $ref?: string;
  readonly allOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly type?: string;
  readonly format?: string;
  readonly enum?: readonly string[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
  readonly 'x-kubernetes-group-version-kind'?: readonly {
    readonly group: string;
    readonly version: string;
    readonly kind: string;
  }[];
}

/** A node with its reference followed. */
export interface Resolved extends Schema {
  /** The last part of the reference's name, such as `Quantity`. */
  readonly typeName: string;
}

/** The schemas of one group and version. */
export class Schemas {
  readonly #schemas: Readonly<Record<string, Schema>>;

  constructor(schemas: Readonly<Record<string, Schema>>) {
    this.#schemas = schemas;
  }

  resolve(node: Schema): Resolved {
    const ref = node.$ref ?? node.allOf?.[0]?.$ref;
    if (ref === undefined) return { ...node, typeName: '' };
    const name = ref.slice('#/components/schemas/'.length);
    return { ...this.#schemas[name], typeName: name.split('.').at(-1) ?? name };
  }

  ofKind(kind: string): Schema | undefined {
    return Object.entries(this.#schemas).find(
      ([name, schema]) =>
        name.endsWith(`.${kind}`) &&
        schema['x-kubernetes-group-version-kind']?.some((gvk) => gvk.kind === kind),
    )?.[1];
  }
}

/** What is known of a kind from its server. */
export interface KindInfo {
  /** `/api/v1` or `/apis/GROUP/VERSION`. */
  readonly prefix: string;
  readonly resource: string;
  readonly namespaced: boolean;
  readonly subresources: ReadonlySet<string>;
  readonly schemas: Schemas;
}

interface ResourceList {
  readonly resources: readonly {
    readonly name: string;
    readonly namespaced: boolean;
    readonly kind: string;
  }[];
}

/** Looks kinds up by discovery and OpenAPI v3, each group once. */
export class Kinds {
  readonly #server: Server;
  readonly #groups = new Map<string, Promise<{ list: ResourceList; schemas: Schemas }>>();

  constructor(server: Server) {
    this.#server = server;
  }

  async info(apiVersion: string, kind: string): Promise<KindInfo> {
    const prefix = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    let group = this.#groups.get(prefix);
    if (!group) {
      group = this.#load(prefix);
      this.#groups.set(prefix, group);
    }
    const { list, schemas } = await group;
    const resource = list.resources.find((row) => row.kind === kind && !row.name.includes('/'));
    if (!resource) throw new Error(`${apiVersion} has no kind ${kind}`);
    const inside = `${resource.name}/`;
    const subresources = list.resources
      .filter((row) => row.name.startsWith(inside))
      .map((row) => row.name.slice(inside.length));
    return {
      prefix,
      resource: resource.name,
      namespaced: resource.namespaced,
      subresources: new Set(subresources),
      schemas,
    };
  }

  async #load(prefix: string): Promise<{ list: ResourceList; schemas: Schemas }> {
    const list = await this.#server.send('GET', prefix);
    const document = await this.#server.send('GET', `/openapi/v3${prefix}`);
    const components = document.body['components'] as { schemas: Record<string, Schema> };
    return {
      list: list.body as unknown as ResourceList,
      schemas: new Schemas(components.schemas),
    };
  }
}
