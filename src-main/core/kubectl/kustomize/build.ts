import { fromUtf8 } from '#core/base';
import { CommandError, prefixed } from '../errors.ts';
import { isJson, type Json, list, map, nameOf, namespaceOf, strings, text } from '../json-view.ts';
import { runGenerators } from './generators.ts';
import { contentHash } from './hash.ts';
import { type Build, type KustomizeFiles, readKustomizationFile } from './kustomization.ts';
import { fixReferences } from './name-references.ts';
import { applyJsonPatches, applyPatches, applyStrategicMerges } from './patches.ts';
import { append, makeResource, rememberId, rename, type Resources } from './resource.ts';
import {
  addAffix,
  addAnnotations,
  addLabels,
  inOrder,
  setImages,
  setNamespace,
  setReplicas,
} from './transformers.ts';

/**
 * The objects of a kustomization.
 * @param directory absolute.
 * @param shown the directory as messages name it.
 * @throws CommandError with kustomize's words.
 * @see sigs.k8s.io/kustomize/api/internal/target/kusttarget.go
 */
export function buildKustomization(build: Build, directory: string, shown: string): Json[] {
  checkDirectory(build.files, directory, shown);
  const kustomization = readKustomizationFile(build, directory);
  const resources = accumulate(build, directory, kustomization, [], [directory]);
  for (const resource of resources)
    if (resource.needsHash) {
      const hash = contentHash(resource.object, '');
      rememberId(resource);
      rename(resource, `${nameOf(resource.object)}-${hash}`);
    }
  fixReferences(resources);
  return inOrder(resources.filter(isForTheCluster), kustomization['sortOptions']).map(
    ({ object }) => withoutEmptyAnnotations(object),
  );
}

/** Objects marked as input of tools are left out. */
function isForTheCluster({ object }: Resources[number]): boolean {
  const local = text(object, 'metadata', 'annotations', 'config.kubernetes.io/local-config');
  return local === '' || local === 'false';
}

/** Upstream keeps its own notes among the annotations; when it takes them out, an empty map goes as well. */
function withoutEmptyAnnotations(object: Json): Json {
  const metadata = map(object, 'metadata');
  if (Object.keys(map(metadata, 'annotations')).length === 0) delete metadata['annotations'];
  return object;
}

function accumulate(
  build: Build,
  directory: string,
  kustomization: Json,
  inherited: Resources,
  visited: readonly string[],
): Resources {
  const resources = inherited;
  const readBytes = (path: string): Uint8Array => readFile(build, directory, path);
  const read = (path: string): string => fromUtf8(readBytes(path));
  for (const entry of list(kustomization, 'resources').map(String))
    prefixed('accumulating resources', () => {
      addEntry(build, directory, entry, resources, visited);
    });
  runGenerators(resources, kustomization, readBytes);
  for (const entry of list(kustomization, 'components').map(String))
    addComponent(build, directory, entry, resources, visited);
  applyStrategicMerges(resources, kustomization, read);
  applyPatches(resources, kustomization, read);
  setNamespace(resources, text(kustomization, 'namespace'));
  addAffix(resources, 'prefix', text(kustomization, 'namePrefix'));
  addAffix(resources, 'suffix', text(kustomization, 'nameSuffix'));
  addLabels(resources, kustomization);
  addAnnotations(resources, kustomization);
  applyJsonPatches(resources, kustomization, read);
  setReplicas(resources, kustomization);
  setImages(resources, kustomization);
  return resources;
}

function addEntry(
  build: Build,
  directory: string,
  entry: string,
  resources: Resources,
  visited: readonly string[],
): void {
  let failure: string;
  try {
    const source = fromUtf8(readFile(build, directory, entry));
    const objects = inlineLists(parseFile(build, source, entry));
    append(
      resources,
      objects.map((object) => makeResource(object)),
    );
    return;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const stage = error.message.startsWith('may not add') ? 'merging' : 'accumulating';
    failure = `${stage} resources from '${entry}': ${error.message}`;
    if (error.message.startsWith('MalformedYAMLError')) throw new CommandError(failure);
  }
  const path = resolve(directory, entry);
  prefixed(`accumulation err='${failure}'`, () => {
    checkDirectory(build.files, path, path);
    const made = nested(build, path, visited, false);
    prefixed(`recursed merging from path '${path}'`, () => {
      append(resources, made);
    });
  });
}

function addComponent(
  build: Build,
  directory: string,
  entry: string,
  resources: Resources,
  visited: readonly string[],
): void {
  const path = resolve(directory, entry);
  const quoted = (what: string, step: () => void): void => {
    try {
      step();
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      throw new CommandError(`accumulating components: ${what} ${JSON.stringify(error.message)}`);
    }
  };
  quoted('loader.New', () => {
    checkDirectory(build.files, path, path);
  });
  quoted('accumulateDirectory:', () => {
    nested(build, path, visited, true, resources);
  });
}

/** What a kustomization below makes; a component works on what its parent has gathered. */
function nested(
  build: Build,
  path: string,
  visited: readonly string[],
  component: boolean,
  inherited: Resources = [],
): Resources {
  const cycle = visited.find((each) => each === path || each.startsWith(`${path}/`));
  if (cycle !== undefined)
    throw new CommandError(
      `cycle detected: candidate root '${path}' contains visited root '${cycle}'`,
    );
  const kustomization = prefixed(`couldn't make target for path '${path}'`, () =>
    readKustomizationFile(build, path),
  );
  const kind = text(kustomization, 'kind') || 'Kustomization';
  if (component && kind !== 'Component')
    throw new CommandError(`expected kind 'Component' for path '${path}' but got '${kind}'`);
  if (!component && kind === 'Component')
    throw new CommandError(`expected kind != 'Component' for path '${path}'`);
  return prefixed(`recursed accumulation of path '${path}'`, () =>
    accumulate(build, path, kustomization, inherited, [...visited, path]),
  );
}

function parseFile(build: Build, source: string, entry: string): Json[] {
  let documents: readonly unknown[];
  try {
    documents = build.parse(source);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new CommandError(`MalformedYAMLError: ${error.message} in File: ${entry}`);
  }
  return documents
    .filter((document) => document !== null && document !== undefined)
    .map((document) => {
      if (!isJson(document)) throw new CommandError('missing Resource metadata');
      checkMetadata(document);
      return document;
    });
}

/** Lists are taken apart, their items after all others of the file. */
function inlineLists(objects: readonly Json[]): Json[] {
  const queue = [...objects];
  const out: Json[] = [];
  for (let object = queue.shift(); object; object = queue.shift())
    if (text(object, 'kind').endsWith('List') && 'items' in object)
      for (const item of list(object, 'items').filter(isJson)) {
        checkMetadata(item);
        queue.push(item);
      }
    else out.push(object);
  return out;
}

function checkMetadata(object: Json): void {
  const [apiVersion, kind] = [text(object, 'apiVersion'), text(object, 'kind')];
  if (apiVersion === '' && kind === '' && !isJson(object['metadata']))
    throw new CommandError('missing Resource metadata');
  const name = nameOf(object);
  const missing = kind === '' ? 'kind' : name === '' && !kind.endsWith('List') && 'metadata.name';
  if (missing)
    throw new CommandError(
      `missing ${missing} in object {{${apiVersion} ${kind}} {{${name} ${namespaceOf(object)}} ${goMap(object, 'labels')} ${goMap(object, 'annotations')}}}`,
    );
}

function goMap(object: Json, field: string): string {
  const entries = Object.entries(strings(object, 'metadata', field)).sort();
  return `map[${entries.map(([key, value]) => `${key}:${value}`).join(' ')}]`;
}

function resolve(directory: string, path: string): string {
  const out: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${directory}/${path}`).split('/'))
    if (part === '..') out.pop();
    else if (part !== '' && part !== '.') out.push(part);
  return `/${out.join('/')}`;
}

/** @throws CommandError the file is not there, or lies outside of the kustomization. */
function readFile({ files, anywhere }: Build, directory: string, entry: string): Uint8Array {
  const path = resolve(directory, entry);
  if (!files.exists(path))
    throw new CommandError(
      `evalsymlink failure on '${path}' : lstat ${missingPart(files, path)}: no such file or directory`,
    );
  if (files.stat(path).kind === 'directory')
    throw new CommandError(`'${path}' must resolve to a file`);
  if (!anywhere && !path.startsWith(directory === '/' ? '/' : `${directory}/`))
    throw new CommandError(`security; file '${path}' is not in or below '${directory}'`);
  return files.readFile(path);
}

/** The first folder or file of a path that is not there. */
function missingPart(files: KustomizeFiles, path: string): string {
  const parts = path.split('/');
  for (let depth = 2; depth < parts.length; depth++) {
    const part = parts.slice(0, depth).join('/');
    if (!files.exists(part)) return part;
  }
  return path;
}

function checkDirectory(files: KustomizeFiles, path: string, shown: string): void {
  if (!files.exists(path))
    throw new CommandError(
      `must build at directory: not a valid directory: evalsymlink failure on '${shown}' : lstat ${missingPart(files, path)}: no such file or directory`,
    );
  if (files.stat(path).kind !== 'directory')
    throw new CommandError(`must build at directory: '${shown}': file is not directory`);
}
