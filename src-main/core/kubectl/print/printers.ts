import { fromUtf8 } from '#core/base';
import { formatYaml } from '#core/kube';
import { qualifiedKind } from '../discovery.ts';
import { CommandError } from '../errors.ts';
import { compactJson, formatJson } from '../go-text.ts';
import { isJson, type Json, list, text } from '../json-view.ts';
import type { KubectlFiles } from '../types.ts';
import { customColumnsPrinter } from './custom-columns.ts';
import { parseTemplate, TemplateError } from './go-template.ts';
import { goSyntax, goValue } from './go-value.ts';
import { JsonPathError, parseJsonPath } from './jsonpath.ts';

/** Turns one object (or list) into text; a printer may remember what it printed before. */
export type ObjectPrinter = (object: Json) => string;

export interface PrinterOptions {
  readonly files: KubectlFiles;
  readonly showManagedFields?: boolean;
  readonly noHeaders?: boolean;
  /** The `--template` flag. */
  readonly template?: string;
  /** Formats the command knows beside the usual ones, for the error text. */
  readonly extraFormats?: readonly string[];
  /** Members stand in the order they were built in; the sorted order of a server's answer otherwise. */
  readonly keepOrder?: boolean;
}

const usualFormats = [
  'go-template',
  'go-template-file',
  'json',
  'jsonpath',
  'jsonpath-as-json',
  'jsonpath-file',
  'kyaml',
  'name',
  'template',
  'templatefile',
  'yaml',
];

/**
 * The printer of `-o FORMAT`.
 *
 * @throws CommandError the format is unknown or its template wrong.
 */
export function printerFor(format: string, options: PrinterOptions): ObjectPrinter {
  const equals = format.indexOf('=');
  const kind = equals < 0 ? format : format.slice(0, equals);
  let argument = equals < 0 ? (options.template ?? '') : format.slice(equals + 1);
  const trimmed = (object: Json): Json =>
    options.showManagedFields ? object : withoutManagedFields(object);
  switch (kind) {
    case 'json':
      return (object) => `${formatJson(trimmed(object), { sort: !options.keepOrder })}\n`;
    case 'yaml': {
      let printed = 0;
      return (object) => `${printed++ > 0 ? '---\n' : ''}${formatYaml(trimmed(object))}`;
    }
    case 'kyaml': {
      return (object) => `---\n${formatKyaml(trimmed(object), 0)}\n`;
    }
    case 'name':
      return (object) => `${namesOf(object).join('\n')}\n`;
    case 'jsonpath-file':
    case 'go-template-file':
    case 'templatefile':
    case 'custom-columns-file':
      if (argument === '') throw missingTemplate(kind);
      if (!options.files.exists(argument))
        throw new CommandError(
          `error reading template ${argument}, open ${argument}: no such file or directory\n`,
        );
      argument = fromUtf8(options.files.readFile(argument));
  }
  switch (kind) {
    case 'jsonpath':
    case 'jsonpath-file':
      if (argument === '') throw missingTemplate(kind);
      return jsonPathPrinter(argument, false);
    case 'jsonpath-as-json':
      if (argument === '') throw missingTemplate(kind);
      return jsonPathPrinter(argument, true);
    case 'go-template':
    case 'go-template-file':
    case 'template':
    case 'templatefile':
      if (argument === '') throw missingTemplate(kind);
      return templatePrinter(argument);
    case 'custom-columns':
    case 'custom-columns-file':
      if (options.extraFormats?.includes(kind))
        return customColumnsPrinter(
          argument,
          kind === 'custom-columns-file',
          options.noHeaders ?? false,
        );
  }
  const allowed = [...usualFormats, ...(options.extraFormats ?? [])].sort();
  throw new CommandError(
    `unable to match a printer suitable for the output format "${format}", allowed formats are: ${allowed.join(',')}`,
  );
}

function missingTemplate(kind: string): CommandError {
  return new CommandError(
    kind.startsWith('custom')
      ? 'custom-columns format specified but no custom columns given'
      : 'template format specified but no template given',
  );
}

export function withoutManagedFields(object: Json): Json {
  if (Array.isArray(object['items']))
    return {
      ...object,
      items: (object['items'] as unknown[]).map((item) =>
        isJson(item) ? withoutManagedFields(item) : item,
      ),
    };
  const metadata = object['metadata'];
  if (!isJson(metadata) || !('managedFields' in metadata)) return object;
  const rest = { ...metadata };
  delete rest['managedFields'];
  return { ...object, metadata: rest };
}

/** `deployment.apps/web`, one for each item of a list. */
export function namesOf(object: Json): string[] {
  if (Array.isArray(object['items']))
    return list(object, 'items').flatMap((item) => namesOf(item as Json));
  return [objectName(object)];
}

/** `deployment.apps/web`. */
export function objectName(object: Json): string {
  const apiVersion = text(object, 'apiVersion');
  const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
  const name = text(object, 'metadata', 'name') || text(object, 'metadata', 'generateName');
  return `${qualifiedKind({ kind: text(object, 'kind') || '<unknown>', group })}/${name}`;
}

function jsonPathPrinter(template: string, asJson: boolean): ObjectPrinter {
  let path: ReturnType<typeof parseJsonPath>;
  try {
    path = parseJsonPath(template);
  } catch (error) {
    if (error instanceof JsonPathError)
      throw new CommandError(`error parsing jsonpath ${template}, ${error.message}`);
    throw error;
  }
  return (object) => {
    try {
      const results = path.find(object);
      if (asJson) return results.map((group) => `${formatJson(group)}\n`).join('');
      return results.map((group) => group.map(jsonPathText).join(' ')).join('');
    } catch (error) {
      if (!(error instanceof JsonPathError)) throw error;
      throw new CommandError(
        `error executing jsonpath "${template.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}": Error executing template: ${error.message}. Printing more information for debugging the template:\n\ttemplate was:\n\t\t${template}\n\tobject given to jsonpath engine was:\n\t\t${goSyntax(object)}\n\n\n`,
      );
    }
  };
}

/** Maps and lists as JSON, the rest as Go prints it. */
export function jsonPathText(value: unknown): string {
  return typeof value === 'object' && value !== null
    ? compactJson(value)
    : value === null
      ? ''
      : goValue(value);
}

function templatePrinter(template: string): ObjectPrinter {
  const fail = (verb: string, error: unknown): CommandError =>
    new CommandError(
      `error ${verb} template ${template}, ${error instanceof Error ? error.message : String(error)}\n`,
    );
  let render: (data: unknown) => string;
  try {
    render = parseTemplate(template);
  } catch (error) {
    if (error instanceof TemplateError) throw fail('parsing', error);
    throw error;
  }
  return (object) => {
    try {
      return render(object);
    } catch (error) {
      if (error instanceof TemplateError)
        throw new CommandError(
          `error executing template "${template.replaceAll('"', '\\"')}": template: output:1: ${error.message}`,
        );
      throw error;
    }
  };
}

/** KYAML: YAML in flow style, quoted strings, one member a line. @see KEP-5295 */
function formatKyaml(value: unknown, depth: number): string {
  const pad = '  '.repeat(depth + 1);
  const end = '  '.repeat(depth);
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    const items = value as unknown[];
    if (items.every((item) => typeof item === 'object' && item !== null))
      return `[${items.map((item) => formatKyaml(item, depth)).join(', ')}]`;
    return `[\n${items.map((item) => `${pad}${formatKyaml(item, depth + 1)},\n`).join('')}${end}]`;
  }
  if (isJson(value)) {
    const keys = Object.keys(value).sort();
    if (keys.length === 0) return '{}';
    return `{\n${keys
      .map(
        (key) =>
          `${pad}${/^[A-Za-z_][\w./-]*$/.test(key) ? key : JSON.stringify(key)}: ${formatKyaml(value[key], depth + 1)},\n`,
      )
      .join('')}${end}}`;
  }
  return JSON.stringify(value);
}
