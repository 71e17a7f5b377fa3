/**
 * Takes the prose of the API, which `kubectl explain` prints, out of installed packages.
 *
 * A build product, never committed: `{ "io.k8s.api.core.v1.Pod": { "": text of the type, "spec": text of the field } }`.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtinSchemaNames, builtinSchemas } from '#core/kube';

type Texts = Record<string, Record<string, string>>;

const root = join(import.meta.dirname, '../../..');

/** Declaration files of the packages, those whose words win first. */
function declarationFiles(): string[] {
  const models = dirname(fileURLToPath(import.meta.resolve('kubernetes-models')));
  return [models, join(models, '../@kubernetes-models/apimachinery')]
    .filter(existsSync)
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.d.ts') && !name.includes('node_modules'))
        .sort()
        .map((name) => join(folder, name)),
    );
}

/** `io.k8s.api.apps.v1.Deployment` and `IIoK8sApiAppsV1Deployment` both as `iok8sapiappsv1deployment`. */
const flat = (name: string) => name.replaceAll(/[^a-zA-Z0-9]/g, '').toLowerCase();

/** Texts of all built-in types that the packages describe. */
export function readDescriptions(): Texts {
  const names = new Map(builtinSchemaNames().map((name) => [flat(name), name]));
  const texts: Texts = {};
  for (const file of declarationFiles()) {
    const source = readFileSync(file, 'utf8');
    const aliases = new Map<string, string>();
    for (const [, own = '', full = ''] of source.matchAll(/\b(I\w+) as I(Io\w+)/g))
      aliases.set(own, full);
    const declarations = source.matchAll(
      /(?:\/\*\*((?:(?!\*\/)[^])*?)\*\/\s*)?export interface (\w+)(?:<[^>]*>)?(?: extends [^{]+)? \{\n([^]*?)\n\}/g,
    );
    for (const [, comment, own = '', body = ''] of declarations) {
      const schema = names.get(flat(aliases.get(own) ?? ''));
      if (schema === undefined || texts[schema]) continue;
      texts[schema] = fieldTexts(schema, comment, body);
    }
  }
  const typeMeta = typeMetaTexts();
  for (const name of builtinSchemaNames()) {
    const properties = builtinSchemas.get(name)?.properties ?? {};
    for (const [field, text] of Object.entries(typeMeta))
      if (properties['apiVersion'] && properties['kind']) (texts[name] ??= {})[field] ??= text;
  }
  return texts;
}

/** `apiVersion` and `kind` read alike everywhere; the first package has them as literal types without words. */
function typeMetaTexts(): Record<string, string> {
  const client = dirname(fileURLToPath(import.meta.resolve('@kubernetes/client-node')));
  const file = join(client, 'gen/models/V1Pod.d.ts');
  if (!existsSync(file)) return {};
  const texts: Record<string, string> = {};
  const fields = readFileSync(file, 'utf8').matchAll(
    /\/\*\*((?:(?!\*\/)[^])*?)\*\/\s*'(apiVersion|kind)'\?:/g,
  );
  for (const [, text = '', field = ''] of fields) texts[field] = plain(text);
  return texts;
}

function fieldTexts(schema: string, comment: string | undefined, body: string) {
  const fields: Record<string, string> = {};
  if (comment !== undefined) fields[''] = plain(comment);
  const known = builtinSchemas.get(schema)?.properties ?? {};
  for (const [, text = '', field = ''] of body.matchAll(
    /^ {4}\/\*\*((?:(?!\*\/)[^])*?)\*\/\n {4}"?([^"?:\n]+)"?\??:/gm,
  ))
    if (known[field]) fields[field] = plain(text);
  return fields;
}

/** The words of a JSDoc comment. */
function plain(comment: string): string {
  return comment
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''))
    .join('\n')
    .trim()
    .replaceAll(/\\([*/])/g, '$1')
    .replace(/\n@deprecated$/, '');
}

/** Writes the file; returns its path. */
export function writeDescriptions(): string {
  const folder = join(root, 'out/data');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'descriptions.json');
  writeFileSync(file, JSON.stringify(readDescriptions()));
  return file;
}
