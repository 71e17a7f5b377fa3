import { fieldErrorList } from './status-text.ts';
import { labelValueErrors, qualifiedNameErrors } from './names.ts';
import { labelOf, type Labels, meetsOperator, parseInt64 } from './label-requirement.ts';
import type { LabelSelector } from './meta-v1.ts';
import { invalidValue } from './object-meta.ts';

export type SelectorOperator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt';

export interface Requirement {
  readonly key: string;
  readonly operator: SelectorOperator;
  readonly values: readonly string[];
}

/** A conjunction of requirements; no requirement matches everything. */
export interface Selector {
  readonly requirements: readonly Requirement[];
  /** Selects nothing, whatever the requirements (a nil LabelSelector). */
  readonly nothing?: boolean;
}

export const everything: Selector = { requirements: [] };
export const nothing: Selector = { requirements: [], nothing: true };

/** A selector that cannot be parsed; the message is upstream's. */
export class SelectorError extends Error {
  override readonly name = 'SelectorError';
}

interface Token {
  readonly kind: 'identifier' | 'operator' | 'end';
  readonly text: string;
}

const specialCharacters = new Set(['=', '!', '(', ')', ',', '>', '<']);
const isSpace = (c: string): boolean => c === ' ' || c === '\t' || c === '\r' || c === '\n';
const operators = new Set([')', ',', '!', '==', '=', '>', 'in', '<', '!=', 'notin', '(']);

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const c = text[at] as string;
    if (isSpace(c)) {
      at += 1;
    } else if (specialCharacters.has(c)) {
      // The longest operator that is a prefix of the run of special characters.
      let end = at + 1;
      if (end < text.length && operators.has(text.slice(at, end + 1))) end += 1;
      tokens.push({ kind: 'operator', text: text.slice(at, end) });
      at = end;
    } else {
      let end = at;
      while (
        end < text.length &&
        !specialCharacters.has(text[end] as string) &&
        !isSpace(text[end] as string)
      )
        end += 1;
      const word = text.slice(at, end);
      tokens.push({ kind: operators.has(word) ? 'operator' : 'identifier', text: word });
      at = end;
    }
  }
  tokens.push({ kind: 'end', text: '' });
  return tokens;
}

/** Reads requirements; key words such as `in` are identifiers where a value may stand. */
class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = tokenize(text);
  }

  #token(asValue: boolean, offset = 0): Token {
    const token = this.#tokens[this.#at + offset] ?? { kind: 'end', text: '' };
    return asValue && (token.text === 'in' || token.text === 'notin')
      ? { kind: 'identifier', text: token.text }
      : token;
  }

  #next(asValue: boolean): Token {
    const token = this.#token(asValue);
    this.#at += 1;
    return token;
  }

  parse(): Requirement[] {
    const requirements: Requirement[] = [];
    for (;;) {
      const token = this.#token(true);
      if (token.kind === 'identifier' || token.text === '!') {
        try {
          requirements.push(this.#requirement());
        } catch (error) {
          throw new SelectorError(
            `unable to parse requirement: ${error instanceof Error ? error.message : ''}`,
          );
        }
        const after = this.#next(true);
        if (after.kind === 'end') return requirements;
        if (after.text !== ',')
          throw new SelectorError(`found '${after.text}', expected: ',' or 'end of string'`);
        const following = this.#token(true);
        if (following.kind !== 'identifier' && following.text !== '!')
          throw new SelectorError(`found '${following.text}', expected: identifier after ','`);
      } else if (token.kind === 'end') {
        return requirements;
      } else {
        throw new SelectorError(
          `found '${token.text}', expected: !, identifier, or 'end of string'`,
        );
      }
    }
  }

  #requirement(): Requirement {
    let operator: SelectorOperator | undefined;
    let token = this.#next(true);
    if (token.text === '!' && token.kind === 'operator') {
      operator = '!';
      token = this.#next(true);
    }
    if (token.kind !== 'identifier')
      throw new SelectorError(`found '${token.text}', expected: identifier`);
    const key = token.text;
    checkKey(key);
    const ahead = this.#token(true);
    if (ahead.kind === 'end' || ahead.text === ',')
      return { key, operator: operator ?? 'exists', values: [] };
    if (operator) return { key, operator, values: [] };
    operator = this.#operator();
    let values: string[];
    if (operator === 'in' || operator === 'notin') values = this.#values();
    else values = [this.#exactValue()];
    return checked({ key, operator, values: [...new Set(values)].sort() });
  }

  #operator(): SelectorOperator {
    const token = this.#next(false);
    switch (token.text) {
      case 'in':
      case 'notin':
      case '=':
      case '==':
      case '!=':
        return token.text;
      case '>':
        return 'gt';
      case '<':
        return 'lt';
      default:
        throw new SelectorError(`found '${token.text}', expected: in, notin, =, ==, !=, gt, lt`);
    }
  }

  #values(): string[] {
    const open = this.#next(true);
    if (open.text !== '(') throw new SelectorError(`found '${open.text}' expected: '('`);
    const token = this.#token(true);
    if (token.kind === 'identifier' || token.text === ',') {
      const values = this.#identifiers();
      const close = this.#next(true);
      if (close.text !== ')') throw new SelectorError(`found '${close.text}', expected: ')'`);
      return values;
    }
    if (token.text === ')') {
      this.#next(true);
      return [''];
    }
    throw new SelectorError(`found '${token.text}', expected: ',', ')' or identifier`);
  }

  #identifiers(): string[] {
    const values: string[] = [];
    for (;;) {
      const token = this.#next(true);
      if (token.kind === 'identifier') {
        values.push(token.text);
        const ahead = this.#token(true);
        if (ahead.text === ',') continue;
        if (ahead.text === ')') return values;
        throw new SelectorError(`found '${ahead.text}', expected: ',' or ')'`);
      } else if (token.text === ',') {
        if (values.length === 0) values.push('');
        const ahead = this.#token(true);
        if (ahead.text === ')') {
          values.push('');
          return values;
        }
        if (ahead.text === ',') {
          this.#next(true);
          values.push('');
        }
      } else {
        throw new SelectorError(`found '${token.text}', expected: ',', or identifier`);
      }
    }
  }

  #exactValue(): string {
    const ahead = this.#token(true);
    if (ahead.kind === 'end' || ahead.text === ',') return '';
    const token = this.#next(true);
    if (token.kind === 'identifier') return token.text;
    throw new SelectorError(`found '${token.text}', expected: identifier`);
  }
}

function checkKey(key: string): void {
  const errors = qualifiedNameErrors(key);
  if (errors.length > 0)
    throw new SelectorError(fieldErrorList([invalidValue('<nil>', key, errors.join('; '))]));
}

function checked(requirement: Requirement): Requirement {
  const errors = [];
  const { key, operator, values } = requirement;
  if (operator === 'gt' || operator === 'lt') {
    if (parseInt64(values[0]) === undefined)
      errors.push(
        invalidValue(
          'values[0]',
          values[0],
          "for 'Gt', 'Lt' operators, the value must be an integer",
        ),
      );
  }
  values.forEach((value, index) => {
    for (const why of labelValueErrors(value))
      errors.push(invalidValue(`values[${index}][${key}]`, value, why));
  });
  if (errors.length > 0) throw new SelectorError(fieldErrorList(errors));
  return requirement;
}

/**
 * Parses `a=b,c in (d,e),!f`.
 * @throws SelectorError
 * @see k8s.io/apimachinery/pkg/labels/selector.go, Parse
 */
export function parseLabelSelector(text: string): Selector {
  if (text === '') return everything;
  return {
    requirements: new Parser(text)
      .parse()
      .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)),
  };
}

/** The operators of a `LabelSelector` or node selector that those of the text form are. */
const meaning = {
  '=': 'In',
  '==': 'In',
  in: 'In',
  '!=': 'NotIn',
  notin: 'NotIn',
  exists: 'Exists',
  '!': 'DoesNotExist',
  gt: 'Gt',
  lt: 'Lt',
} as const satisfies Record<SelectorOperator, string>;

/** Whether the labels meet every requirement. */
export function matchesLabels(selector: Selector, labels: Labels | undefined): boolean {
  return (
    !selector.nothing &&
    selector.requirements.every(({ key, operator, values }) =>
      meetsOperator(labelOf(labels, key), meaning[operator], values),
    )
  );
}

/**
 * The selector of an object's `LabelSelector`; undefined selects nothing, an empty one everything.
 * @throws SelectorError an operator is unknown.
 */
export function selectorOf(selector: LabelSelector | undefined): Selector {
  if (!selector) return nothing;
  const requirements: Requirement[] = Object.entries(selector.matchLabels ?? {}).map(
    ([key, value]) => ({ key, operator: '=', values: [value] }),
  );
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const known = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' } as const;
    if (!Object.hasOwn(known, operator))
      throw new SelectorError(`"${operator}" is not a valid label selector operator`);
    requirements.push({
      key,
      operator: known[operator as keyof typeof known],
      values: values ?? [],
    });
  }
  return { requirements };
}

/** The text form of a selector, as `status.selector` of a Scale has it. */
export function formatSelector(selector: Selector): string {
  return [...selector.requirements]
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ key, operator, values }) => {
      switch (operator) {
        case 'exists':
          return key;
        case '!':
          return `!${key}`;
        case 'in':
        case 'notin':
          return `${key} ${operator} (${[...values].sort().join(',')})`;
        case 'gt':
          return `${key}>${values[0] ?? ''}`;
        case 'lt':
          return `${key}<${values[0] ?? ''}`;
        case '=':
        case '==':
        case '!=':
          return `${key}${operator}${values[0] ?? ''}`;
      }
    })
    .join(',');
}

export interface FieldRequirement {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

/**
 * Parses `metadata.name=a,spec.nodeName!=b`.
 * @throws SelectorError
 * @see k8s.io/apimachinery/pkg/fields/selector.go, ParseSelector
 */
export function parseFieldSelector(text: string): readonly FieldRequirement[] {
  const terms: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === ',') {
      terms.push(text.slice(start, at));
      start = at + 1;
    }
  }
  terms.push(text.slice(start));
  const requirements: FieldRequirement[] = [];
  for (const term of terms) {
    if (term === '') continue;
    let found: FieldRequirement | undefined;
    for (let at = 0; at < term.length && !found; at++) {
      const rest = term.slice(at);
      const operator = rest.startsWith('!=')
        ? '!='
        : rest.startsWith('==')
          ? '=='
          : rest.startsWith('=')
            ? '='
            : '';
      if (operator !== '')
        found = {
          field: term.slice(0, at),
          operator: operator === '!=' ? '!=' : '=',
          value: unescape(term.slice(at + operator.length)),
        };
    }
    if (!found) throw new SelectorError(`invalid selector: '${text}'; can't understand '${term}'`);
    requirements.push(found);
  }
  return requirements;
}

function unescape(value: string): string {
  let out = '';
  for (let at = 0; at < value.length; at++) {
    const c = value[at] as string;
    if (c === '\\') {
      at += 1;
      const next = value[at];
      if (next === undefined || !['\\', ',', '='].includes(next))
        throw new SelectorError(`invalid field selector: invalid escape sequence: \\${next ?? ''}`);
      out += next;
    } else if (c === '=') {
      throw new SelectorError(
        `invalid field selector: unescaped character in value: ${c.charCodeAt(0)}`,
      );
    } else out += c;
  }
  return out;
}

/** Whether the fields meet every requirement; an absent field is the empty string. */
export function matchesFields(
  requirements: readonly FieldRequirement[],
  fieldOf: (field: string) => string,
): boolean {
  return requirements.every(({ field, operator, value }) =>
    operator === '=' ? fieldOf(field) === value : fieldOf(field) !== value,
  );
}
