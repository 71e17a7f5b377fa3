import { byBytes } from '#core/base';
import type { ResourceInfo } from '../apis/index.ts';
import {
  failure,
  formatGroupVersion,
  type KubeObject,
  parseGroupVersion,
} from '../machinery/index.ts';
import { expectedKind, normalizeObject } from './body.ts';
import type { Catalog, Served } from './catalog.ts';
import { convertBuiltin } from './conversions.ts';
import { at, mapsOf, textOf } from './fields/index.ts';
import { mergeConfiguration } from './merge-configuration.ts';
import type { ApiServerOptions } from './options.ts';
import type { ObjectVersions } from './types.ts';

/** The other versions in which a resource's objects are served, as admission may want them. */
export function objectVersions(
  { options, catalog }: { readonly options: ApiServerOptions; readonly catalog: Catalog },
  served: Served,
  subresource: string,
): ObjectVersions {
  const own = served.info;
  const servedOf = ({ group, version, resource }: ResourceInfo): Served =>
    catalog.get(group, version, resource) ?? served;
  const typed = (
    content: Readonly<Record<string, unknown>>,
    resource: ResourceInfo,
  ): KubeObject => {
    const kind = textOf(content['kind']);
    const apiVersion = textOf(content['apiVersion']);
    const { group, version } = parseGroupVersion(apiVersion);
    const row = servedOf(resource);
    // A custom object is what its JSON says; only its storage asks for more.
    if (row.custom && kind === own.kind) return content as KubeObject;
    const isWhole = kind === resource.kind && apiVersion === formatGroupVersion(resource);
    const expected = isWhole
      ? { group, version, kind, schemas: row.schemas, root: row.root }
      : expectedKind(options.schemas, group, version, kind);
    return normalizeObject(content, expected, false, apiVersion, kind, (text) => new Error(text))
      .object;
  };
  return {
    others: () =>
      catalog
        .rows()
        .filter(
          (row) =>
            row.resource === own.resource &&
            (row.group !== own.group || row.version !== own.version) &&
            catalog.get(row.group, row.version, row.resource)?.prefix === served.prefix &&
            (subresource === '' || row.subresources.some(({ name }) => name === subresource)),
        )
        .sort(
          inOrderOf(
            options.state.get(
              'apiextensions.k8s.io',
              'customresourcedefinitions',
              '',
              `${own.resource}.${own.group}`,
            ),
          ),
        ),
    convert(object, resource) {
      // The kind of a subresource is the same in each version of its resource.
      if (object.kind !== own.kind) return object as KubeObject;
      if (object.apiVersion === formatGroupVersion(resource)) return object as KubeObject;
      if (served.custom && options.customResources)
        return options.customResources.convert(own, object, resource.version);
      return typed(convertBuiltin(object, resource), resource);
    },
    typed(content, before, resource) {
      const { kind, apiVersion } = before;
      if (!served.custom && (content['kind'] !== kind || content['apiVersion'] !== apiVersion)) {
        const { group, version } = parseGroupVersion(textOf(content['apiVersion']));
        const internal = resource.group === '' ? 'core' : (resource.group.split('.')[0] ?? '');
        const told = textOf(content['kind']);
        throw options.resources.ofKind(group, version, told)
          ? failure(
              500,
              '',
              `converting (${version}.${told}) to (${internal}.${kind}): unknown conversion`,
            )
          : new Error(
              `no kind ${JSON.stringify(told)} is registered for version ${JSON.stringify(textOf(content['apiVersion']))} in scheme "pkg/runtime/scheme.go:111"`,
            );
      }
      return typed(content, resource);
    },
    merge: (object, configuration, resource) =>
      mergeConfiguration(object, configuration, servedOf(resource)),
    defaults(object, resource) {
      if (object.kind === own.kind) servedOf(resource).strategy.defaults?.(object);
    },
  };
}

/** Versions of a custom resource as its definition lists them. */
function inOrderOf(definition: unknown): (a: ResourceInfo, b: ResourceInfo) => number {
  const names = mapsOf(at(definition, 'spec', 'versions')).map(({ name }) => name);
  return (a, b) =>
    names.indexOf(a.version) - names.indexOf(b.version) ||
    byBytes(formatGroupVersion(a), formatGroupVersion(b));
}
