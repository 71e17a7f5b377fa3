import {
  byBytes,
  Emitter,
  jsonClone,
  jsonEqual,
  type Random,
  sha256Hex,
  toBase64,
  utf8,
} from '#core/base';
import {
  compareVersions,
  type KindStrategy,
  type ResourceInfo,
  type SchemaNode,
  type SchemaSet,
  type Verb,
} from '../../apis/index.ts';
import {
  formatGroupVersion,
  internalError,
  type KubeObject,
  parseGroupVersion,
} from '../../machinery/index.ts';
import {
  at,
  isMap,
  type JsonMap,
  mapOf,
  mapsOf,
  textAt,
  textOf,
  textsOf,
} from '../fields/index.ts';
import type { ServerState } from '../types.ts';
import { openApiSchema } from './openapi.ts';
import {
  pruneObject,
  schemaName,
  schemaNode,
  schemaSet,
  storageVersionOf,
  versionSchema,
  versionsOf,
} from './schema.ts';
import { applyScaleToCustom, scaleOfCustom } from './scale.ts';
import { customResourceStrategy } from './strategy.ts';
import type { CallWebhook } from '../outbound/index.ts';
import type { CrdRegistry } from './types.ts';
import { convertByWebhook } from './webhook-conversion.ts';

const verbs: readonly Verb[] = [
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'create',
  'update',
  'watch',
];
/** What discovery tells of a resource whose definition is being deleted. */
const terminatingVerbs: readonly Verb[] = verbs.filter(
  (verb) => verb !== 'patch' && verb !== 'create' && verb !== 'update',
);
const group = 'apiextensions.k8s.io';
const resource = 'customresourcedefinitions';

interface Row {
  readonly info: ResourceInfo;
  readonly crd: unknown;
  readonly version: JsonMap;
  readonly deprecation: string | undefined;
  readonly strategy: KindStrategy;
  readonly node: SchemaNode;
}

const hasWebhook = (crd: unknown): boolean =>
  textAt(crd, 'spec', 'conversion', 'strategy') === 'Webhook';

/** @see k8s.io/apiextensions-apiserver/pkg/apiserver/customresource_handler.go, defaultDeprecationWarning */
function deprecationOf(crd: unknown, version: JsonMap, info: ResourceInfo): string | undefined {
  if (version['deprecated'] !== true) return undefined;
  const own = version['deprecationWarning'];
  if (typeof own === 'string') return own;
  const [newest] = versionsOf(crd)
    .filter((other) => other['served'] === true && other['deprecated'] !== true)
    .map((other) => textOf(other['name']))
    .filter((name) => compareVersions(name, info.version) < 0)
    .sort(compareVersions);
  const text = `${info.group}/${info.version} ${info.kind} is deprecated`;
  return newest === undefined ? text : `${text}; use ${info.group}/${newest} ${info.kind}`;
}

/** Makes the registry; it is empty until the first `sync`. */
export function createCrdRegistry(options: {
  readonly state: ServerState;
  readonly random: Random;
  /** Built-in schemas, for ObjectMeta. */
  readonly schemas?: SchemaSet;
  readonly callWebhook?: CallWebhook;
}): CrdRegistry {
  const changed = new Emitter<void>();
  let seen: number | undefined;
  let rows: readonly Row[] = [];
  let byKey = new Map<string, Row>();
  let set = schemaSet(new Map(), options.schemas);

  const keyOf = (info: ResourceInfo): string => `${info.group}/${info.version}/${info.resource}`;
  const rowOf = (info: ResourceInfo): Row | undefined => byKey.get(keyOf(info));
  const mustHave = (info: ResourceInfo): Row => {
    const row = rowOf(info);
    if (!row) throw internalError(new Error(`no custom resource ${keyOf(info)}`));
    return row;
  };

  return {
    sync() {
      const version = options.state.version(group, resource);
      if (version === seen) return;
      seen = version;
      const next = options.state.list(group, resource).flatMap((crd) => rowsOf(crd, byKey));
      next.sort((a, b) => byBytes(keyOf(a.info), keyOf(b.info)));
      const same = next.length === rows.length && next.every((row, index) => row === rows[index]);
      if (same) return;
      rows = next;
      byKey = new Map(rows.map((row) => [keyOf(row.info), row]));
      set = schemaSet(new Map(rows.map((row) => [row.info.schema, row.node])), options.schemas);
      changed.fire();
    },
    resources: () => rows.map((row) => row.info),
    strategyFor: (info) => rowOf(info)?.strategy,
    isTerminating: (info) => rowOf(info)?.info.verbs === terminatingVerbs,
    schemaFor(info) {
      const row = rowOf(info);
      return row && { set, root: row.node };
    },
    prune(info, draft) {
      const { crd, version: own } = mustHave(info);
      const { version } = parseGroupVersion(draft.apiVersion);
      const wanted = version === info.version ? own : versionOf(crd, version);
      return pruneObject(versionSchema(wanted), draft);
    },
    storageVersion: (info) => storageVersionOf(mustHave(info).crd),
    async convert(info, object, version) {
      const { crd } = mustHave(info);
      const apiVersion = formatGroupVersion({ group: info.group, version });
      const copy = jsonClone(object) as KubeObject;
      if (copy.apiVersion === apiVersion) return copy;
      if (!hasWebhook(crd)) {
        copy.apiVersion = apiVersion;
        return copy;
      }
      return convertByWebhook(crd, copy, apiVersion, options);
    },
    deprecationOf: (info) => rowOf(info)?.deprecation,
    isConvertedByWebhook: (info) => hasWebhook(mustHave(info).crd),
    scaleOf: (info, object, purpose) => scaleOfCustom(mustHave(info).version, object, purpose),
    applyScale: (info, draft, scale) => applyScaleToCustom(mustHave(info).version, draft, scale),
    replicasPath(info, apiVersion) {
      const { group: own, version } = parseGroupVersion(apiVersion);
      const path = textAt(
        own === info.group ? versionOf(mustHave(info).crd, version) : undefined,
        'subresources',
        'scale',
        'specReplicasPath',
      );
      return path === '' ? undefined : path.replace(/^\./, '').split('.');
    },
    hasVersion(info, apiVersion) {
      const { group: own, version } = parseGroupVersion(apiVersion);
      return own === info.group && versionOf(mustHave(info).crd, version) !== undefined;
    },
    openApiSchemas(wanted, version) {
      const own = rows.filter(({ info }) => info.group === wanted && info.version === version);
      return Object.fromEntries(
        own.flatMap((row) => {
          const { schema, kind } = row.info;
          const listKind = textAt(row.crd, 'spec', 'names', 'listKind');
          return Object.entries(
            openApiSchema(
              schema,
              { group: wanted, version, kind, listKind, plural: row.info.resource },
              versionSchema(row.version),
            ),
          );
        }),
      );
    },
    onChange: (listener) => changed.event(listener),
  };
}

/** Rows of an established definition; those that did not change are kept, with their compiled parts. */
function rowsOf(crd: unknown, known: ReadonlyMap<string, Row>): Row[] {
  const conditions = mapsOf(at(crd, 'status', 'conditions'));
  if (!conditions.some((each) => each['type'] === 'Established' && each['status'] === 'True'))
    return [];
  const isTerminating = conditions.some(
    (each) => each['type'] === 'Terminating' && each['status'] === 'True',
  );
  const names = mapOf(at(crd, 'status', 'acceptedNames'));
  const own = textAt(crd, 'spec', 'group');
  const plural = textOf(names['plural']);
  const kind = textOf(names['kind']);
  return versionsOf(crd)
    .filter((version) => version['served'] === true)
    .map((version) => {
      const versionName = textOf(version['name']);
      const self = { kind, group: own, version: versionName };
      const writes: readonly Verb[] = ['get', 'patch', 'update'];
      const info: ResourceInfo = {
        group: own,
        version: versionName,
        resource: plural,
        singular: textOf(names['singular']),
        kind,
        namespaced: textAt(crd, 'spec', 'scope') === 'Namespaced',
        verbs: isTerminating ? terminatingVerbs : verbs,
        shortNames: textsOf(names['shortNames']),
        categories: textsOf(names['categories']),
        subresources: [
          ...(isMap(at(version, 'subresources', 'status'))
            ? [{ name: 'status', ...self, verbs: writes }]
            : []),
          ...(isMap(at(version, 'subresources', 'scale'))
            ? [{ name: 'scale', kind: 'Scale', group: 'autoscaling', version: 'v1', verbs: writes }]
            : []),
        ],
        schema: schemaName(own, versionName, kind),
        storageVersionHash: storageVersionHash(own, storageVersionOf(crd), kind),
      };
      const old = known.get(`${own}/${versionName}/${plural}`);
      if (
        old &&
        jsonEqual(old.info, info) &&
        jsonEqual(old.version, version) &&
        jsonEqual(at(old.crd, 'spec'), at(crd, 'spec'))
      )
        return old;
      return {
        info,
        crd,
        deprecation: deprecationOf(crd, version, info),
        version,
        strategy: customResourceStrategy(own, kind, version),
        node: schemaNode(versionSchema(version)),
      };
    });
}

const versionOf = (crd: unknown, name: string): JsonMap | undefined =>
  versionsOf(crd).find((version) => version['name'] === name);

/** @see k8s.io/apiserver/pkg/endpoints/discovery/storageversionhash.go */
function storageVersionHash(group: string, version: string, kind: string): string {
  const hash = sha256Hex(utf8(`${group}/${version}/${kind}`));
  return toBase64(
    Uint8Array.from({ length: 8 }, (_, at) => parseInt(hash.slice(2 * at, 2 * at + 2), 16)),
  );
}
