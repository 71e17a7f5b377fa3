interface MetadataReflect {
  getMetadata?: (key: unknown, target: object) => unknown;
  getOwnMetadata?: (key: unknown, target: object) => unknown;
  defineMetadata?: (key: unknown, value: unknown, target: object) => void;
}

/**
 * Gives `Reflect` the three functions that tsyringe, which @peculiar/x509 is built on, demands to exist. The
 * package works without decorators, so that they only have to remember what they are told.
 */
export function provideReflectMetadata(): void {
  const reflect = Reflect as MetadataReflect;
  if (reflect.getMetadata) return;
  const entries = new WeakMap<object, Map<unknown, unknown>>();
  reflect.getOwnMetadata = (key, target) => entries.get(target)?.get(key);
  reflect.getMetadata = reflect.getOwnMetadata;
  reflect.defineMetadata = (key, value, target) => {
    const own = entries.get(target) ?? new Map<unknown, unknown>();
    entries.set(target, own.set(key, value));
  };
}
