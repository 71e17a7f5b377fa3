import type { CommandSpec } from '../command.ts';
import { groupVersionOf, qualifiedResource, type Resource } from '../discovery.ts';
import { CommandError, ExitError } from '../errors.ts';
import { type Json, map, text } from '../json-view.ts';
import { describeSchema, kindOfResource } from '../print/schema-text.ts';
import type { Session } from '../session.ts';

export const explainCommand: CommandSpec = {
  name: 'explain',
  short: 'Get documentation for a resource',
  use: 'kubectl explain TYPE [--recursive=FALSE|TRUE] [--api-version=api-version-group] [-o|--output=plaintext|plaintext-openapiv2] [options]',
  flags: ['recursive|R:bool', 'api-version:string', 'output|o:string=plaintext'],
  run: runExplain,
};

async function runExplain(session: Session): Promise<number> {
  const { flags, args } = session;
  const [argument] = args;
  if (argument === undefined)
    throw new CommandError(
      'You must specify the type of resource to explain. Use "kubectl api-resources" for a complete list of supported resources.\n',
    );
  if (args.length > 1) throw new CommandError('We accept only this format: explain RESOURCE\n');
  const apiVersion = flags.text('api-version');
  const { resource, path } = await parseArgument(session, argument, apiVersion !== '');
  let { group, version } = resource;
  if (apiVersion !== '') {
    const slash = apiVersion.indexOf('/');
    group = slash < 0 ? '' : apiVersion.slice(0, slash);
    version = apiVersion.slice(slash + 1);
  }
  const shown = `${group === '' ? `/${version}` : groupVersionOf(group, version)}, Resource=${resource.resource}`;
  const document = await schemaDocument(session, group, version);
  if (!document) throw new CommandError(`couldn't find resource for "${shown}"`);
  const format = flags.text('output');
  if (format !== 'plaintext') throw new CommandError(`unrecognized format: ${format}`);
  const root = `${group === '' ? '/api' : `/apis/${group}`}/${version}`;
  const kind = kindOfResource(document, root, resource.resource);
  if (!kind) throw new CommandError(`GVR (${shown}) not found in OpenAPI schema`);
  session.out(
    `${kind.group === '' ? '' : `GROUP:      ${kind.group}\n`}KIND:       ${kind.kind}\nVERSION:    ${kind.version}\n\n`,
  );
  const body = describeSchema(document, kind, path, flags.bool('recursive'));
  if (body === undefined)
    throw new CommandError(
      `GVK map[group:${kind.group} kind:${kind.kind} version:${kind.version}] not found in OpenAPI schema`,
    );
  if (body === '') throw new CommandError(`field "${path.at(-1) ?? ''}" does not exist`);
  session.out(`${body}\n`);
  return 0;
}

/** `TYPE[.GROUP].field.field`; the group only where no `--api-version` names one. */
async function parseArgument(
  session: Session,
  argument: string,
  versioned: boolean,
): Promise<{ resource: Resource; path: readonly string[] }> {
  if (argument.includes('['))
    throw new CommandError(
      `invalid jsonpath syntax, ${versioned ? 'all nodes must be field nodes' : 'first node must be field node'}`,
    );
  const [type = '', ...rest] = argument.split('.').filter((part) => part !== '');
  const resource = await session.resource(type).catch((error: unknown) => {
    throw error instanceof CommandError ? new ExitError(error.message) : error;
  });
  if (versioned) return { resource, path: rest };
  const catalog = await session.catalog();
  const others = catalog.resources.filter((each) => each.resource === resource.resource);
  for (const each of [resource, ...others]) {
    const full = qualifiedResource(each);
    if (argument.startsWith(full))
      return {
        resource: each,
        path: argument
          .slice(full.length)
          .split('.')
          .filter((part) => part !== ''),
      };
  }
  return { resource, path: rest };
}

/** The OpenAPI v3 document of a group version; undefined when the server has none. */
async function schemaDocument(
  session: Session,
  group: string,
  version: string,
): Promise<Json | undefined> {
  const index = await session.api.get('/openapi/v3');
  const path = group === '' ? `api/${version}` : `apis/${group}/${version}`;
  const url = text(map(index, 'paths')[path], 'serverRelativeURL');
  return url === '' ? undefined : session.api.get(url);
}
