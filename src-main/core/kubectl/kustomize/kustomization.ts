import { fromUtf8 } from '#core/base';
import { CommandError } from '../errors.ts';
import { checkFields } from './fields.ts';
import { has, isJson, type Json, list, text } from '../json-view.ts';

/** What of a machine's files a build reads; paths are absolute. */
export interface KustomizeFiles {
  exists(path: string): boolean;
  stat(path: string): { readonly kind: string };
  readFile(path: string): Uint8Array;
}

export interface Build {
  readonly files: KustomizeFiles;
  /** Files outside of a kustomization's own folder may be read. */
  readonly anywhere: boolean;
  /** The documents of one YAML text. @throws Error with go-yaml's words. */
  readonly parse: (text: string) => readonly unknown[];
  /** Told a line at a time what is deprecated. */
  readonly warn: (line: string) => void;
}

const fileNames = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];

const deprecated: readonly (readonly [string, string])[] = [
  ['bases', 'resources'],
  ['commonLabels', 'labels'],
  ['imageTags', 'images'],
  ['patchesJson6902', 'patches'],
  ['patchesStrategicMerge', 'patches'],
];

/**
 * Reads the kustomization of a directory, older fields moved to where they belong now.
 * @throws CommandError with kustomize's words; a field that is not built here is named, never ignored.
 */
export function readKustomizationFile({ files, parse, warn }: Build, directory: string): Json {
  const found = fileNames.filter(
    (name) =>
      files.exists(`${directory}/${name}`) &&
      files.stat(`${directory}/${name}`).kind !== 'directory',
  );
  const [file] = found;
  if (file === undefined)
    throw new CommandError(
      `unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '${directory}'`,
    );
  if (found.length > 1)
    throw new CommandError(`Found multiple kustomization files under: ${directory}\n`);
  const kustomization = objectOf(parse, fromUtf8(files.readFile(`${directory}/${file}`)));
  checkFields(kustomization);
  for (const [field, instead] of deprecated)
    if (has(kustomization, field))
      warn(
        `# Warning: '${field}' is deprecated. Please use '${instead}' instead. Run 'kustomize edit fix' to update your Kustomization automatically.`,
      );
  if (Object.keys(kustomization).every((field) => field === 'apiVersion' || field === 'kind'))
    throw new CommandError('kustomization.yaml is empty');
  checkKind(kustomization, directory);
  return {
    ...kustomization,
    resources: [...list(kustomization, 'resources'), ...list(kustomization, 'bases')],
    images: [...list(kustomization, 'images'), ...list(kustomization, 'imageTags')],
  };
}

function objectOf(parse: Build['parse'], source: string): Json {
  let value: unknown;
  try {
    [value] = parse(source);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new CommandError(`invalid Kustomization: ${error.message}`);
  }
  if (value === null || value === undefined) return {};
  if (!isJson(value))
    throw new CommandError(
      `invalid Kustomization: json: cannot unmarshal ${Array.isArray(value) ? 'array' : typeof value} into Go value of type types.Kustomization`,
    );
  return value;
}

function checkKind(kustomization: Json, directory: string): void {
  const kind = text(kustomization, 'kind') || 'Kustomization';
  const errors: string[] = [];
  if (kind !== 'Kustomization' && kind !== 'Component')
    errors.push('kind should be Kustomization or Component');
  const version =
    kind === 'Component' ? 'kustomize.config.k8s.io/v1alpha1' : 'kustomize.config.k8s.io/v1beta1';
  const given = text(kustomization, 'apiVersion');
  if (given !== '' && given !== version) errors.push(`apiVersion for ${kind} should be ${version}`);
  if (errors.length > 0)
    throw new CommandError(
      `Failed to read kustomization file under ${directory}:\n${errors.join('\n')}`,
    );
}
