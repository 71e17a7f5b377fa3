import type { ResourceInfo, SubresourceInfo } from '../../apis/index.ts';
import { at, isMap, type JsonMap, mapsOf, textOf, textsOf } from '../fields/index.ts';

/**
 * The rows of an APIResourceList as another server wrote it.
 * @returns undefined when it is none.
 */
export function discoveredResources(
  group: string,
  version: string,
  text: string,
): readonly ResourceInfo[] | undefined {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isMap(list) || list['kind'] !== 'APIResourceList') return undefined;
  const entries = mapsOf(at(list, 'resources'));
  const kindOf = (entry: JsonMap): Pick<SubresourceInfo, 'group' | 'version' | 'kind'> => ({
    group: textOf(entry['group']) || group,
    version: textOf(entry['version']) || version,
    kind: textOf(entry['kind']),
  });
  const verbsOf = (entry: JsonMap): ResourceInfo['verbs'] =>
    textsOf(entry['verbs']) as ResourceInfo['verbs'];
  return entries
    .filter((entry) => !textOf(entry['name']).includes('/'))
    .map((entry) => {
      const resource = textOf(entry['name']);
      return {
        group,
        version,
        resource,
        singular: textOf(entry['singularName']),
        kind: textOf(entry['kind']),
        namespaced: entry['namespaced'] === true,
        verbs: verbsOf(entry),
        shortNames: textsOf(entry['shortNames']),
        categories: textsOf(entry['categories']),
        subresources: entries
          .filter((other) => textOf(other['name']).startsWith(`${resource}/`))
          .map((other) => ({
            name: textOf(other['name']).slice(resource.length + 1),
            ...kindOf(other),
            verbs: verbsOf(other),
          })),
        schema: '',
      };
    });
}
