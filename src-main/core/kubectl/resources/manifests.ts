import { fromUtf8 } from '#core/base';
import { parseYamlDocuments } from '#core/kube';
import { CommandError } from '../errors.ts';
import { isJson, type Json, list, text } from '../json-view.ts';
import { buildKustomization } from '../kustomize/build.ts';
import type { Session } from '../session.ts';

/** An object read from a file, with the name messages give its source. */
export interface Manifest {
  readonly object: Json;
  readonly source: string;
}

/** `-f`, `-k` and `-R` of a command. */
export interface FileOptions {
  readonly filenames: readonly string[];
  readonly kustomize?: string;
  readonly recursive?: boolean;
}

export const fileFlags = ['filename|f:strings', 'kustomize|k:string', 'recursive|R:bool'];

export function fileOptions(session: Session): FileOptions {
  const { flags } = session;
  return {
    filenames: flags.all('filename'),
    recursive: flags.bool('recursive'),
    ...(flags.text('kustomize') === '' ? {} : { kustomize: flags.text('kustomize') }),
  };
}

/** Whether any file was named. */
export function namesFiles({ filenames, kustomize }: FileOptions): boolean {
  return filenames.length > 0 || kustomize !== undefined;
}

/** @throws CommandError neither or both of `-f` and `-k` were given. */
export function requireFiles(options: FileOptions): void {
  if (!namesFiles(options)) throw new CommandError('must specify one of -f and -k');
  if (options.filenames.length > 0 && options.kustomize !== undefined)
    throw new CommandError('only one of -f or -k can be specified');
}

/**
 * Reads all objects of the named files, lists taken apart, in order.
 *
 * @param onError told what could not be read; the rest is still returned.
 */
export async function readManifests(
  session: Session,
  options: FileOptions,
  onError: (error: Error) => void,
): Promise<Manifest[]> {
  const out: Manifest[] = [];
  if (options.kustomize !== undefined)
    out.push(
      ...readKustomization(session, options.kustomize).map((object) => ({
        object,
        source: options.kustomize ?? '',
      })),
    );
  for (const name of options.filenames) {
    try {
      if (name === '-') out.push(...parseManifests(await session.readStdin(), 'STDIN', onError));
      else if (/^https?:\/\//.test(name))
        throw new CommandError(
          `unable to read URL "${name}", server reported no answer: this kubectl has no way to the internet`,
        );
      else readPath(session, name, options.recursive ?? false, true, out, onError);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      onError(error);
    }
  }
  return out;
}

/** The objects that the kustomization in a directory of the machine builds. @throws CommandError */
export function readKustomization(
  session: Session,
  directory: string,
  options: { readonly anywhere?: boolean } = {},
): Json[] {
  const absolute = session.path(directory).replace(/(.)\/+$/, '$1');
  return buildKustomization(
    {
      files: session.io.files,
      anywhere: options.anywhere ?? false,
      parse: (source) => splitDocuments(source).flatMap(parsePiece),
      warn: (line) => {
        session.err(`${line}\n`);
      },
    },
    absolute,
    directory,
  );
}

function readPath(
  session: Session,
  name: string,
  recursive: boolean,
  named: boolean,
  out: Manifest[],
  onError: (error: Error) => void,
): void {
  const { files } = session.io;
  const path = session.path(name);
  if (!files.exists(path)) throw new CommandError(`the path "${name}" does not exist`);
  if (files.stat(path).kind === 'directory') {
    const before = out.length;
    for (const entry of files.readdir(path)) {
      const child = `${name.replace(/\/$/, '')}/${entry}`;
      if (files.stat(session.path(child)).kind === 'directory') {
        if (recursive) readPath(session, child, recursive, false, out, onError);
      } else if (/\.(json|ya?ml)$/.test(entry))
        readPath(session, child, recursive, false, out, onError);
    }
    if (named && out.length === before)
      throw new CommandError(
        `error reading [${name}]: recognized file extensions are [.json .yaml .yml]`,
      );
    return;
  }
  out.push(...parseManifests(fromUtf8(files.readFile(path)), name, onError));
}

/** @throws CommandError the text is no YAML or JSON. */
export function parseManifests(
  source: string,
  name: string,
  onError: (error: Error) => void = () => undefined,
): Manifest[] {
  const out: Manifest[] = [];
  for (const piece of splitDocuments(source)) {
    let documents: unknown[];
    try {
      documents = parseYamlDocuments(piece);
    } catch (error) {
      onError(new CommandError(`error parsing ${name}: ${yamlMessage(piece, error)}`));
      continue;
    }
    for (const document of documents) {
      if (!isJson(document)) {
        onError(
          new CommandError(
            `error validating "${name}": error validating data: invalid object to validate; if you choose to ignore these errors, turn validation off with --validate=false`,
          ),
        );
        continue;
      }
      out.push(...flatten(document, name));
    }
  }
  return out;
}

/** A document as kustomize reads it. @throws CommandError in go-yaml's words. */
function parsePiece(piece: string): unknown[] {
  try {
    return parseYamlDocuments(piece, undefined, 'v3');
  } catch (error) {
    throw new CommandError(
      yamlMessage(piece, error)
        .replace('error converting YAML to JSON: ', '')
        .replace(/found a tab character.*/, 'found character that cannot start any token'),
    );
  }
}

/** Documents of a stream, each with its own error. */
function splitDocuments(source: string): string[] {
  if (/^\s*\{/.test(source)) return [source];
  return source.split(/^---(?:[ \t].*)?$/m).filter((piece) => piece.trim() !== '');
}

function yamlMessage(source: string, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const first = message.split('\n')[0] ?? '';
  const line = /\((\d+):\d+\)/.exec(first)?.[1];
  if (/^\s*\{/.test(source)) return `json: ${first}`;
  const reason = /tab/i.test(first)
    ? 'found a tab character that violates indentation'
    : /mapping|nested mappings|bad indentation/i.test(first)
      ? 'mapping values are not allowed in this context'
      : first.replace(/ \(\d+:\d+\)$/, '');
  return `error converting YAML to JSON: yaml: ${line ? `line ${line}: ` : ''}${reason}`;
}

function flatten(object: Json, source: string): Manifest[] {
  const kind = text(object, 'kind');
  if (kind.endsWith('List') && Array.isArray(object['items']))
    return list(object, 'items').flatMap((item) => (isJson(item) ? flatten(item, source) : []));
  return [{ object, source }];
}

/** Checks what every object needs before anything is sent. @throws CommandError */
export function validateManifest({ object, source }: Manifest): void {
  const missing: string[] = [];
  if (text(object, 'apiVersion') === '') missing.push('apiVersion not set');
  if (text(object, 'kind') === '') missing.push('kind not set');
  if (missing.length === 0) return;
  const shown = missing.length === 1 ? (missing[0] ?? '') : `[${missing.join(', ')}]`;
  throw new CommandError(
    `error validating "${source}": error validating data: ${shown}; if you choose to ignore these errors, turn validation off with --validate=false`,
  );
}

export function noMatch(object: Json, source: string): CommandError {
  const name = text(object, 'metadata', 'name');
  const namespace = text(object, 'metadata', 'namespace');
  const kind = text(object, 'kind');
  return new CommandError(
    `resource mapping not found for name: "${name}" namespace: "${namespace}" from "${source}": no matches for kind "${kind}" in version "${text(object, 'apiVersion')}"\nensure CRDs are installed first`,
  );
}
