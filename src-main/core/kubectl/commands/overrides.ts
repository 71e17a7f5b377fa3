import { parseYaml } from '#core/kube';
import { CommandError } from '../errors.ts';
import { isJson, type Json } from '../json-view.ts';

/**
 * An object with what `--overrides` says of it.
 *
 * @param type `--override-type`: `merge` or `strategic`, where items of lists go by their name.
 * @throws CommandError the overrides are no object.
 */
export function overridden(object: Json, source: string, type: string): Json {
  const patch = parseYaml(source);
  if (!isJson(patch)) throw new CommandError('invalid overrides');
  const merge = (target: Json, change: Json): Json => {
    const out = { ...target };
    for (const [key, value] of Object.entries(change)) {
      const present = out[key];
      if (value === null) Reflect.deleteProperty(out, key);
      else if (isJson(value) && isJson(present)) out[key] = merge(present, value);
      else if (type === 'strategic' && Array.isArray(value) && Array.isArray(present)) {
        const items = [...(present as Json[])];
        for (const item of value as Json[]) {
          const index = items.findIndex((other) => other['name'] === item['name']);
          if (index < 0) items.push(item);
          else items[index] = merge(items[index] ?? {}, item);
        }
        out[key] = items;
      } else out[key] = value;
    }
    return out;
  };
  return merge(object, patch);
}
