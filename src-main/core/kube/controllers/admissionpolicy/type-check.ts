import type { DeepReadonly } from '#core/base';
import {
  builtinResources,
  builtinSchemas,
  type ResourceInfo,
  type ValidatingAdmissionPolicy,
} from '../../apis/index.ts';

export type PolicyView = DeepReadonly<ValidatingAdmissionPolicy>;

export interface ExpressionWarning {
  readonly fieldRef: string;
  readonly warning: string;
}

/** Kinds that one rule of a policy is checked against. */
const maxKinds = 10;

/**
 * What upstream's type checker says of a policy's expressions. Of its checks the one for fields that a kind does not have is
 * made, for built-in kinds: chains of names that begin with `object` or `oldObject`.
 *
 * @see k8s.io/apiserver/pkg/admission/plugin/policy/validating/typechecking.go
 */
export function expressionWarnings(policy: PolicyView): ExpressionWarning[] {
  const kinds = kindsOf(policy);
  return (policy.spec?.validations ?? []).flatMap(({ expression, messageExpression }, index) =>
    [
      { name: 'expression', text: expression },
      { name: 'messageExpression', text: messageExpression ?? '' },
    ].flatMap(({ name, text }) => {
      const found = kinds.flatMap((kind) => {
        const problems = undefinedFields(text, kind.schema);
        if (problems.length === 0) return [];
        const version = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
        return [`${version}, Kind=${kind.kind}: ${problems.join('\n')}\n`];
      });
      return found.length === 0
        ? []
        : [{ fieldRef: `spec.validations[${index}].${name}`, warning: found.join('\n') }];
    }),
  );
}

/** The kinds a policy names; a rule with a wildcard names none. */
function kindsOf(policy: PolicyView): ResourceInfo[] {
  const kinds = new Map<string, ResourceInfo>();
  for (const rule of policy.spec?.matchConstraints?.resourceRules ?? []) {
    const { apiGroups = [], apiVersions = [], resources = [] } = rule;
    if ([apiGroups, apiVersions, resources].some((names) => names.includes('*'))) continue;
    let count = 0;
    for (const group of [...apiGroups].sort())
      for (const version of [...apiVersions].sort())
        for (const resource of [...resources].sort()) {
          const row = builtinResources.get(group, version, resource);
          if (!row || count >= maxKinds) continue;
          kinds.set(`${group}/${version}/${row.kind}`, row);
          count += 1;
        }
  }
  return [...kinds].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}

const stringLiteral = /"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'/g;
const chain = /(?<![\w.])(?:object|oldObject)((?:\.[A-Za-z_]\w*)+)(\s*\()?/g;

/** cel-go's errors for fields that the schema does not have. */
function undefinedFields(expression: string, schemaName: string): string[] {
  const schema = builtinSchemas.get(schemaName);
  if (!schema) return [];
  // Same length, so that positions stay.
  const code = expression.replace(stringLiteral, (text) => '"'.padEnd(text.length, ' '));
  const problems: string[] = [];
  for (const match of code.matchAll(chain)) {
    const names = (match[1] ?? '').split('.').slice(1);
    if (match[2]) names.pop();
    let at = match.index + match[0].indexOf('.');
    let node = builtinSchemas.resolve(schema);
    for (const name of names) {
      if (!node.properties || node.preserveUnknownFields || name.startsWith('__')) break;
      const next = node.properties[name];
      if (!next) {
        problems.push(errorAt(expression, at, `undefined field '${name}'`));
        break;
      }
      node = builtinSchemas.resolve(next);
      at += name.length + 1;
    }
  }
  return problems;
}

function errorAt(expression: string, offset: number, what: string): string {
  const before = expression.slice(0, offset).split('\n');
  const column = before.at(-1)?.length ?? 0;
  const line = expression.split('\n')[before.length - 1] ?? '';
  return `ERROR: <input>:${before.length}:${column + 1}: ${what}\n | ${line}\n | ${'.'.repeat(column)}^`;
}
