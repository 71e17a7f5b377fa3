import { StatusError } from '#core/kube';
import { type Resource, resourcesOfCategory, resourceUrl } from '../discovery.ts';
import { asError, CommandError, throwCollected } from '../errors.ts';
import { type Json, list, nameOf, namespaceOf, text } from '../json-view.ts';
import type { Session } from '../session.ts';
import {
  type FileOptions,
  namesFiles,
  noMatch,
  readManifests,
  validateManifest,
} from './manifests.ts';

/** One object a command works on. */
export interface Target {
  readonly resource: Resource;
  /** Empty for cluster-scoped resources. */
  readonly namespace: string;
  readonly name: string;
  /** As read from the server, or from the file. */
  object: Json;
  /** The file it came from; empty when it was named on the command line. */
  readonly source: string;
}

/** What the arguments of a command ask for. */
export type Request =
  | {
      readonly kind: 'names';
      readonly items: readonly { readonly resource: Resource; readonly name: string }[];
      readonly single: boolean;
    }
  | { readonly kind: 'types'; readonly resources: readonly Resource[] };

const mustProvide =
  "You must provide one or more resources by argument or filename.\nExample resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'\n   '<resource> <name>'\n   '<resource>'";

/**
 * Reads `TYPE`, `TYPE NAME…`, `TYPE/NAME…`, comma lists and categories.
 *
 * @throws CommandError
 * @see k8s.io/cli-runtime/pkg/resource/builder.go, ResourceTypeOrNameArgs
 */
export async function parseResourceArgs(
  session: Session,
  args: readonly string[],
): Promise<Request> {
  if (args.length === 0) throw new CommandError(mustProvide);
  const slashes = args.filter((arg) => arg.includes('/')).length;
  if (slashes > 0) {
    if (slashes !== args.length)
      throw new CommandError(
        "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'",
      );
    const catalog = await session.catalog();
    const items: { resource: Resource; name: string }[] = [];
    for (const arg of args) {
      const parts = arg.split('/');
      const [type = '', name = ''] = parts;
      if (parts.length !== 2)
        throw new CommandError('arguments in resource/name form may not have more than one slash');
      if (type === '' || name === '')
        throw new CommandError(
          'arguments in resource/name form must have a single resource and name',
        );
      for (const single of type.split(',')) {
        const expanded = resourcesOfCategory(catalog, single);
        const resources = expanded.length > 0 ? expanded : [await session.resource(single)];
        for (const resource of resources) items.push({ resource, name });
      }
    }
    return { kind: 'names', items, single: args.length === 1 && items.length === 1 };
  }
  const [types = '', ...names] = args;
  const resources = await resolveTypes(session, types);
  if (names.length === 0) return { kind: 'types', resources };
  return {
    kind: 'names',
    items: resources.flatMap((resource) => names.map((name) => ({ resource, name }))),
    single: resources.length === 1 && names.length === 1,
  };
}

async function resolveTypes(session: Session, types: string): Promise<Resource[]> {
  const catalog = await session.catalog();
  const out: Resource[] = [];
  for (const type of types.split(',')) {
    if (type === '')
      throw new CommandError('resource(s) were provided, but no resource type was specified');
    const expanded = resourcesOfCategory(catalog, type);
    for (const resource of expanded.length > 0 ? expanded : [await session.resource(type)])
      if (
        !out.some((known) => known.resource === resource.resource && known.group === resource.group)
      )
        out.push(resource);
  }
  return out;
}

export interface SelectOptions {
  readonly args: readonly string[];
  readonly files?: FileOptions;
  /** Reads objects of files from the server as well. Default: true. */
  readonly latest?: boolean;
  readonly selector?: string;
  readonly fieldSelector?: string;
  readonly allNamespaces?: boolean;
  /** What selects is not a selector, but no name may stand beside it either. */
  readonly refusesNames?: boolean;
  /** `--all`, or a command that takes all when only a type is given. */
  readonly all?: boolean;
  readonly ignoreNotFound?: boolean;
  readonly subresource?: string;
  /** Told what failed; without it the first failure is thrown. */
  readonly onError?: (error: Error) => void;
  /** The resource of an argument without a type. */
  readonly defaultType?: string;
}

/**
 * The objects that arguments, files and selectors name, read from the server.
 *
 * @throws CommandError wrong arguments. StatusErrors go to `onError` where there is one.
 */
export async function selectTargets(session: Session, options: SelectOptions): Promise<Target[]> {
  const errors: Error[] = [];
  const onError = options.onError ?? ((error: Error) => void errors.push(error));
  const targets =
    options.files && namesFiles(options.files)
      ? await targetsOfFiles(session, options, options.files, onError)
      : await targetsOfArgs(session, options, onError);
  if (!options.onError) throwCollected(errors);
  return targets;
}

async function targetsOfFiles(
  session: Session,
  options: SelectOptions,
  files: FileOptions,
  onError: (error: Error) => void,
): Promise<Target[]> {
  if (options.args.length > 0)
    throw new CommandError(
      'when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well',
    );
  const targets = await manifestTargets(session, files, onError);
  if (options.latest === false) return targets;
  const out: Target[] = [];
  for (const target of targets)
    try {
      out.push({ ...target, object: await session.api.get(urlOf(target, options.subresource)) });
    } catch (error) {
      if (!(options.ignoreNotFound && isNotFound(error))) onError(asError(error));
    }
  return out;
}

/** The objects of files with their resources and namespaces, not asked of the server. */
export async function manifestTargets(
  session: Session,
  files: FileOptions,
  onError: (error: Error) => void,
): Promise<Target[]> {
  const out: Target[] = [];
  for (const manifest of await readManifests(session, files, onError))
    try {
      validateManifest(manifest);
      const { object, source } = manifest;
      const resource = await session.resourceOfKind(
        text(object, 'apiVersion'),
        text(object, 'kind'),
      );
      if (!resource) throw noMatch(object, source);
      out.push({
        resource,
        name: nameOf(object),
        namespace: resource.namespaced ? manifestNamespace(session, object) : '',
        object,
        source,
      });
    } catch (error) {
      onError(asError(error));
    }
  return out;
}

function manifestNamespace(session: Session, object: Json): string {
  const own = namespaceOf(object);
  const { namespace, explicitNamespace } = session.settings;
  if (explicitNamespace && own !== '' && own !== namespace)
    throw new CommandError(
      `the namespace from the provided object "${own}" does not match the namespace "${namespace}". You must pass '--namespace=${own}' to perform this operation.`,
    );
  return own === '' ? namespace : own;
}

async function targetsOfArgs(
  session: Session,
  options: SelectOptions,
  onError: (error: Error) => void,
): Promise<Target[]> {
  const args =
    options.defaultType !== undefined &&
    options.args.length > 0 &&
    !(options.args[0] ?? '').includes('/') &&
    options.args.length === 1
      ? [`${options.defaultType}/${options.args[0] ?? ''}`]
      : options.args;
  const selector = options.selector ?? '';
  if (selector !== '' && options.all)
    throw new CommandError("setting 'all' parameter but found a non empty selector. ");
  const request = await parseResourceArgs(session, args);
  const { namespace, api } = { namespace: session.namespace, api: session.api };
  const out: Target[] = [];
  if (request.kind === 'names') {
    if (selector !== '' || (options.fieldSelector ?? '') !== '' || options.refusesNames)
      throw new CommandError('name cannot be provided when a selector is specified');
    if (options.allNamespaces && request.items.some(({ resource }) => resource.namespaced))
      throw new CommandError('a resource cannot be retrieved by name across all namespaces');
    for (const { resource, name } of request.items) {
      const target = {
        resource,
        name,
        namespace: resource.namespaced ? namespace : '',
        source: '',
      };
      try {
        const object = await api.get(urlOf(target, options.subresource));
        out.push({ ...target, object });
      } catch (error) {
        if (!(options.ignoreNotFound && isNotFound(error))) onError(asError(error));
      }
    }
    return out;
  }
  if (selector === '' && (options.fieldSelector ?? '') === '' && !options.all)
    throw new CommandError('resource(s) were provided, but no name was specified');
  for (const resource of request.resources)
    try {
      for (const object of await listObjects(session, resource, {
        namespace: options.allNamespaces ? '' : namespace,
        selector,
        fieldSelector: options.fieldSelector ?? '',
      }))
        out.push({
          resource,
          name: nameOf(object),
          namespace: namespaceOf(object),
          object,
          source: '',
        });
    } catch (error) {
      onError(asError(error));
    }
  return out;
}

/** All objects of a resource, page by page, each with its kind and version. */
export async function listObjects(
  session: Session,
  resource: Resource,
  options: { namespace: string; selector?: string; fieldSelector?: string },
): Promise<Json[]> {
  const out: Json[] = [];
  let token = '';
  do {
    const page = await session.api.get(resourceUrl(resource, options.namespace), {
      labelSelector: options.selector === '' ? undefined : options.selector,
      fieldSelector: options.fieldSelector === '' ? undefined : options.fieldSelector,
      limit: 500,
      ...(token === '' ? {} : { continue: token }),
    });
    for (const item of list(page, 'items'))
      out.push({
        ...(item as Json),
        kind: resource.kind,
        apiVersion: session.groupVersion(resource),
      });
    token = text(page, 'metadata', 'continue');
  } while (token !== '');
  return out;
}

export function urlOf(
  target: { resource: Resource; namespace: string; name: string },
  subresource?: string,
): string {
  return resourceUrl(target.resource, target.namespace, target.name, subresource);
}

export function isNotFound(error: unknown): boolean {
  return error instanceof StatusError && error.status.reason === 'NotFound';
}
