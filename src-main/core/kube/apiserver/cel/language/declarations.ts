import { declarations } from './generated/declarations.ts';
import { type CelType, parseType, typeType } from './types.ts';

/** One form of a function. */
export interface Overload {
  readonly id: string;
  readonly isMember: boolean;
  /** Of a member the first is its target. */
  readonly args: readonly CelType[];
  readonly result: CelType;
  /** Names of its type parameters. */
  readonly typeParams: readonly string[];
}

function parseOverload(line: string): { name: string; overload: Overload } {
  const [, name = '', id = '', style, args = '', result = ''] =
    /^(\S+) (\S+) (member|global):(.*) -> (.*)$/.exec(line) ?? [];
  const argTypes = args
    .split('; ')
    .map((each) => each.trim())
    .filter((each) => each !== '')
    .map(parseType);
  const resultType = parseType(result);
  const typeParams = new Set([...argTypes, resultType].flatMap(paramsOf));
  return {
    name,
    overload: {
      id,
      isMember: style === 'member',
      args: argTypes,
      result: resultType,
      typeParams: [...typeParams],
    },
  };
}

const paramsOf = (type: CelType): string[] =>
  type.kind === 'param' ? [type.text] : type.params.flatMap(paramsOf);

/** Reads declarations, an overload a line. */
export function parseDeclarations(text: string): ReadonlyMap<string, readonly Overload[]> {
  const functions = new Map<string, Overload[]>();
  for (const line of text.trim().split('\n')) {
    const { name, overload } = parseOverload(line);
    const known = functions.get(name);
    if (known) known.push(overload);
    else functions.set(name, [overload]);
  }
  return functions;
}

/** The functions that all expressions know. */
export const standardFunctions = parseDeclarations(declarations);

/** The names of types, as expressions can compare them with what `type()` returns. */
export const typeNames: ReadonlyMap<string, CelType> = new Map(
  [...['bool', 'bytes', 'double', 'int', 'string', 'uint', 'optional_type', 'net.IP', 'net.CIDR']]
    .map((name): [string, CelType] => [name, typeType(parseType(name))])
    .concat([
      ['list', parseType('type(list(dyn))')],
      ['map', parseType('type(map(dyn, dyn))')],
      ['null_type', parseType('type(null)')],
      ['type', parseType('type(type)')],
      ['google.protobuf.Duration', parseType('type(duration)')],
      ['google.protobuf.Timestamp', parseType('type(timestamp)')],
    ]),
);

/** A struct's fields by name. */
export interface StructDeclaration {
  readonly fields: { get(name: string): CelType | undefined };
}

/** What an expression may name. */
export interface Declarations {
  readonly variables: ReadonlyMap<string, CelType>;
  /** Fields of structs by the struct's name. */
  readonly structs?: (name: string) => StructDeclaration | undefined;
  /** `cel.bind()` gives values names. */
  readonly bindings?: boolean;
  /** Functions beside the standard ones. */
  readonly functions?: ReadonlyMap<string, readonly Overload[]>;
}
