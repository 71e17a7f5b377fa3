const constants: ReadonlyMap<string, boolean | null | number> = new Map<
  string,
  boolean | null | number
>([
  ...['', '~', 'null', 'Null', 'NULL'].map((text) => [text, null] as const),
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'].map(
    (text) => [text, true] as const,
  ),
  ...['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'].map(
    (text) => [text, false] as const,
  ),
  ...['.nan', '.NaN', '.NAN'].map((text) => [text, Number.NaN] as const),
  ...['.inf', '.Inf', '.INF'].flatMap((text) => [
    [text, Number.POSITIVE_INFINITY] as const,
    [`+${text}`, Number.POSITIVE_INFINITY] as const,
    [`-${text}`, Number.NEGATIVE_INFINITY] as const,
  ]),
]);

const wholeForm = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))$/;
const floatForm = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;

/** Go's `strconv.ParseInt(text, 0, 64)`, or ParseUint: a leading zero means octal. */
function wholeNumber(text: string): number | undefined {
  const match = wholeForm.exec(text);
  if (!match) return undefined;
  const [, sign, hex, binary, octal, decimal = '0'] = match;
  const digits =
    hex !== undefined
      ? `0x${hex}`
      : binary !== undefined
        ? `0b${binary}`
        : octal !== undefined
          ? `0o${octal}`
          : decimal;
  const value = BigInt(digits);
  if (value > (sign === '-' ? 2n ** 63n : 2n ** 64n - 1n)) return undefined;
  return value === 0n ? 0 : Number(sign === '-' ? -value : value);
}

/** Whose reading: `v2` of kubectl, the API server and the kubelet, `v3` of kustomize, to which `yes` is text. */
export type GoYaml = 'v2' | 'v3';

/**
 * What a plain (unquoted) scalar means to a program in Go: YAML 1.1, in which `yes` and `on` are true, `0400`
 * is 256 and `1_000` is 1000. Dates stay text.
 *
 * @see go.yaml.in/yaml/v2 and /v3, resolve.go
 */
export function plainScalar(text: string, reader: GoYaml = 'v2'): string | number | boolean | null {
  const constant = constants.get(text);
  if (constant !== undefined)
    return reader === 'v3' && typeof constant === 'boolean' && !/^[tf]/i.test(text)
      ? text
      : constant;
  const first = text[0] ?? '';
  if (first === '.') {
    const value = floatForm.test(text) ? Number(text) : Number.NaN;
    return Number.isFinite(value) ? value : text;
  }
  if (!/[-+0-9]/.test(first)) return text;
  const plain = text.replaceAll('_', '');
  const whole = wholeNumber(plain);
  if (whole !== undefined) return whole;
  const value = floatForm.test(plain) ? Number(plain) : Number.NaN;
  return Number.isFinite(value) ? value : text;
}
