const reserved: ReadonlySet<string> = new Set(
  (
    'true false null in as break const continue else for function if import let loop package ' +
    'namespace return var void while'
  ).split(' '),
);
const escapes: Readonly<Record<string, string>> = {
  __: '__underscores__',
  '.': '__dot__',
  '-': '__dash__',
  '/': '__slash__',
};
const words: Readonly<Record<string, string>> = {
  underscores: '__',
  dot: '.',
  dash: '-',
  slash: '/',
};

/**
 * A field's name as expressions spell it; undefined when it cannot be named.
 * @see k8s.io/apiserver/pkg/cel/escaping.go
 */
export function escapeFieldName(name: string): string | undefined {
  if (name === '' || /^[0-9]/.test(name)) return undefined;
  if (reserved.has(name)) return `__${name}__`;
  if (/[^A-Za-z0-9_.\-/]/.test(name)) return undefined;
  return name.replace(/__|[-./]/g, (part) => escapes[part] ?? part);
}

/** The field that an escaped name stands for. */
export const unescapeFieldName = (name: string): string =>
  name.replace(/__([a-z]+)__/g, (all, word: string) =>
    reserved.has(word) && all === name ? word : (words[word] ?? all),
  );
