import type { CommandSpec } from '../command.ts';
import { resourceUrl } from '../discovery.ts';
import { CommandError } from '../errors.ts';
import { type Json, map, text } from '../json-view.ts';
import { changeFlags, validateFlag } from '../results.ts';
import type { Session } from '../session.ts';
import { parseResourceArgs } from '../resources/select.ts';
import {
  commandWords,
  createGenerated,
  metadataFor,
  requireFlags,
  singleName,
} from './create-object.ts';

export const generatorFlags = [...changeFlags, validateFlag, 'save-config:bool'];

/** `nginx` of `docker.io/library/nginx:1.27@sha256:…`. */
export function containerNameOf(image: string): string {
  const last = image.split('/').at(-1) ?? image;
  return last.split('@')[0]?.split(':')[0]?.replaceAll('_', '-').toLowerCase() ?? last;
}

export const createDeployment: CommandSpec = {
  name: 'deployment',
  aliases: ['deploy'],
  short: 'Create a deployment with the specified name',
  use: 'kubectl create deployment NAME --image=image -- [COMMAND] [args...] [options]',
  flags: [...generatorFlags, 'image:strings', 'port:int=-1', 'replicas|r:int=1'],
  run: async (session) => {
    requireFlags(session, 'image');
    const { flags } = session;
    const name = singleName(session);
    const images = flags.all('image');
    const command = commandWords(session);
    if (images.length > 1 && command.length > 0)
      throw new CommandError('cannot specify multiple --image options and command');
    const resource = session.builtin('apps', 'v1', 'deployments', 'Deployment');
    const labels = { app: name };
    const port = flags.int('port');
    const containers = images.map((image) => ({
      name: containerNameOf(image),
      image,
      ...(command.length > 0 ? { command } : {}),
      ...(port >= 0 && images.length > 0 ? { ports: [{ containerPort: port }] } : {}),
      resources: {},
    }));
    if (port >= 0 && containers.length > 1)
      containers.slice(1).forEach((container) => delete (container as Json)['ports']);
    return createGenerated(
      session,
      resource,
      {
        kind: 'Deployment',
        apiVersion: 'apps/v1',
        metadata: metadataFor(session, name, resource, { labels }),
        spec: {
          replicas: flags.int('replicas'),
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers } },
          strategy: {},
        },
        status: {},
      },
      'failed to create deployment: ',
    );
  },
};

export const createJob: CommandSpec = {
  name: 'job',
  short: 'Create a job with the specified name',
  use: 'kubectl create job NAME --image=image [--from=cronjob/name] -- [COMMAND] [args...] [options]',
  flags: [...generatorFlags, 'image:string', 'from:string'],
  run: async (session) => {
    const { flags } = session;
    const name = singleName(session);
    const image = flags.text('image');
    const from = flags.text('from');
    const command = commandWords(session);
    if ((image === '') === (from === ''))
      throw new CommandError('either --image or --from must be specified');
    if (command.length > 0 && from !== '')
      throw new CommandError('cannot specify --from and command');
    const resource = session.builtin('batch', 'v1', 'jobs', 'Job');
    const object: Json =
      from === ''
        ? {
            kind: 'Job',
            apiVersion: 'batch/v1',
            metadata: metadataFor(session, name, resource),
            spec: { template: { metadata: {}, spec: jobPod(name, image, command, 'Never') } },
            status: {},
          }
        : await jobFromCronJob(session, name, from);
    return createGenerated(session, resource, object, 'failed to create job: ');
  },
};

function jobPod(
  name: string,
  image: string,
  command: readonly string[],
  restartPolicy: string,
): Json {
  return {
    containers: [{ name, image, ...(command.length > 0 ? { command } : {}), resources: {} }],
    restartPolicy,
  };
}

async function jobFromCronJob(session: Session, name: string, from: string): Promise<Json> {
  const request = await parseResourceArgs(session, [from]);
  const [item] = request.kind === 'names' ? request.items : [];
  if (!item) throw new CommandError('from must be an existing cronjob');
  const { resource } = item;
  if (resource.resource !== 'cronjobs') {
    await session.api.get(resourceUrl(resource, session.namespace, item.name));
    throw new CommandError(`unknown object type *${resource.version}.${resource.kind}`);
  }
  const cronJob = await session.api.get(
    `/apis/batch/v1/namespaces/${session.namespace}/cronjobs/${item.name}`,
  );
  const template = map(cronJob, 'spec', 'jobTemplate');
  const labels = map(template, 'metadata', 'labels');
  return {
    kind: 'Job',
    apiVersion: 'batch/v1',
    metadata: {
      name,
      ...(session.settings.explicitNamespace ? { namespace: session.namespace } : {}),
      ...(Object.keys(labels).length > 0 ? { labels } : {}),
      annotations: {
        'cronjob.kubernetes.io/instantiate': 'manual',
        ...map(template, 'metadata', 'annotations'),
      },
      ownerReferences: [
        {
          apiVersion: 'batch/v1',
          kind: 'CronJob',
          name: text(cronJob, 'metadata', 'name'),
          uid: text(cronJob, 'metadata', 'uid'),
          controller: true,
        },
      ],
    },
    spec: map(template, 'spec'),
    status: {},
  };
}

export const createCronJob: CommandSpec = {
  name: 'cronjob',
  aliases: ['cj'],
  short: 'Create a cron job with the specified name',
  use: "kubectl create cronjob NAME --image=image --schedule='0/5 * * * ?' -- [COMMAND] [args...] [flags] [options]",
  flags: [...generatorFlags, 'image:string', 'schedule:string', 'restart:string'],
  run: async (session) => {
    requireFlags(session, 'image', 'schedule');
    const { flags } = session;
    const name = singleName(session);
    const resource = session.builtin('batch', 'v1', 'cronjobs', 'CronJob');
    return createGenerated(
      session,
      resource,
      {
        kind: 'CronJob',
        apiVersion: 'batch/v1',
        metadata: metadataFor(session, name, resource),
        spec: {
          schedule: flags.text('schedule'),
          jobTemplate: {
            metadata: { name },
            spec: {
              template: {
                metadata: {},
                spec: jobPod(
                  name,
                  flags.text('image'),
                  commandWords(session),
                  flags.text('restart') || 'OnFailure',
                ),
              },
            },
          },
        },
        status: {},
      },
      'failed to create cronjob: ',
    );
  },
};
