import type { JsonObject } from '#core/base';
import type { GroupVersion } from '../../machinery/index.ts';
import { camelGroup, capital, media } from './paths.ts';

/** A path of its own with a document of its own: discovery, the version, the keys of tokens. */
export interface RouteDocument {
  readonly paths: JsonObject;
  /** Schema of what it answers; absent for text. */
  readonly answer?: string;
}

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';

/** Documents of what is no resource, by their path in the index. */
export function routeDocuments(served: Iterable<GroupVersion>): [string, RouteDocument][] {
  const groups = new Set([...served].map(({ group }) => group).filter((group) => group !== ''));
  const rows: [string, Described][] = [
    [
      '.well-known/openid-configuration',
      text('WellKnown', 'ServiceAccountIssuerOpenIDConfiguration'),
    ],
    ['api', kind('core', 'CoreAPIVersions', `${meta}.APIVersions`)],
    ['apis', kind('apis', 'APIVersions', `${meta}.APIGroupList`)],
    ...[...groups].map((group): [string, Described] => [
      `apis/${group}`,
      kind(camelGroup(group), `${capital(camelGroup(group))}APIGroup`, `${meta}.APIGroup`),
    ]),
    [
      'openid/v1/jwks',
      text('openid', 'ServiceAccountIssuerOpenIDKeyset', 'application/jwk-set+json'),
    ],
    ['version', kind('version', 'CodeVersion', 'io.k8s.apimachinery.pkg.version.Info', [json])],
  ];
  return rows.map(([path, { operation, ...rest }]) => [
    path,
    { ...rest, paths: { [`/${path}/`]: { get: operation } } },
  ]);
}

interface Described {
  readonly operation: JsonObject;
  readonly answer?: string;
}

const json = 'application/json';

function kind(
  tag: string,
  id: string,
  answer: string,
  types: readonly string[] = media,
): Described {
  return {
    answer,
    operation: operation(tag, id, { $ref: `#/components/schemas/${answer}` }, types),
  };
}

function text(tag: string, id: string, type = json): Described {
  return { operation: operation(tag, id, { type: 'string' }, [type]) };
}

function operation(
  tag: string,
  id: string,
  schema: JsonObject,
  types: readonly string[],
): JsonObject {
  return {
    tags: [tag],
    operationId: `get${id}`,
    responses: {
      '200': {
        description: 'OK',
        content: Object.fromEntries(types.map((type) => [type, { schema }])),
      },
      '401': { description: 'Unauthorized' },
    },
  };
}
