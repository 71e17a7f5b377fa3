import { canonicalQuantity, parseDuration } from '#core/kube';
import type { CommandSpec } from '../command.ts';
import { CommandError } from '../errors.ts';
import { type Json, sortedKeys, text } from '../json-view.ts';
import { labelSelectorOf } from '../resources/label-selector.ts';
import { changeFlags } from '../results.ts';
import { createGenerated, metadataFor, singleName } from './create-object.ts';
import { generatorFlags } from './create-workloads.ts';

export const createNamespace: CommandSpec = {
  name: 'namespace',
  aliases: ['ns'],
  short: 'Create a namespace with the specified name',
  use: 'kubectl create namespace NAME [--dry-run=server|client|none] [options]',
  flags: generatorFlags,
  run: async (session) => {
    const name = singleName(session);
    const resource = session.builtin('', 'v1', 'namespaces', 'Namespace', false);
    return createGenerated(session, resource, {
      kind: 'Namespace',
      apiVersion: 'v1',
      metadata: { name },
      spec: {},
      status: {},
    });
  },
};

export const createServiceAccount: CommandSpec = {
  name: 'serviceaccount',
  aliases: ['sa'],
  short: 'Create a service account with the specified name',
  use: 'kubectl create serviceaccount NAME [--dry-run=server|client|none] [options]',
  flags: generatorFlags,
  run: async (session) => {
    const name = singleName(session);
    const resource = session.builtin('', 'v1', 'serviceaccounts', 'ServiceAccount');
    return createGenerated(
      session,
      resource,
      { kind: 'ServiceAccount', apiVersion: 'v1', metadata: metadataFor(session, name, resource) },
      'failed to create serviceaccount: ',
    );
  },
};

export const createQuota: CommandSpec = {
  name: 'quota',
  aliases: ['resourcequota'],
  short: 'Create a quota with the specified name',
  use: 'kubectl create quota NAME [--hard=key1=value1,key2=value2] [--scopes=Scope1,Scope2] [--dry-run=server|client|none] [options]',
  flags: [...generatorFlags, 'hard:string', 'scopes:string'],
  run: async (session) => {
    const name = singleName(session);
    const { flags } = session;
    const hard: Json = {};
    for (const part of flags.text('hard') === '' ? [] : flags.text('hard').split(',')) {
      const pieces = part.split('=');
      if (pieces.length !== 2)
        throw new CommandError(`Invalid argument syntax ${part}, expected <resource>=<value>`);
      try {
        hard[pieces[0] ?? ''] = canonicalQuantity(pieces[1] ?? '');
      } catch (error) {
        throw new CommandError(error instanceof Error ? error.message : '');
      }
    }
    const scopes = flags.text('scopes') === '' ? [] : flags.text('scopes').split(',');
    const resource = session.builtin('', 'v1', 'resourcequotas', 'ResourceQuota');
    return createGenerated(
      session,
      resource,
      {
        kind: 'ResourceQuota',
        apiVersion: 'v1',
        metadata: metadataFor(session, name, resource),
        spec: {
          ...(Object.keys(hard).length > 0
            ? { hard: Object.fromEntries(sortedKeys(hard).map((key) => [key, hard[key]])) }
            : {}),
          ...(scopes.length > 0 ? { scopes } : {}),
        },
        status: {},
      },
      'failed to create quota: ',
    );
  },
};

const intOrPercent = (value: string): string | number =>
  /^\d+$/.test(value) ? Number(value) : value;

export const createPdb: CommandSpec = {
  name: 'poddisruptionbudget',
  aliases: ['pdb'],
  short: 'Create a pod disruption budget with the specified name',
  use: 'kubectl create poddisruptionbudget NAME --selector=SELECTOR --min-available=N [--dry-run=server|client|none] [options]',
  flags: [...generatorFlags, 'min-available:string', 'max-unavailable:string', 'selector:string'],
  run: async (session) => {
    const name = singleName(session);
    const { flags } = session;
    const [least, most] = [flags.text('min-available'), flags.text('max-unavailable')];
    if (flags.text('selector') === '') throw new CommandError('a selector must be specified');
    if (least === '' && most === '')
      throw new CommandError('one of min-available or max-unavailable must be specified');
    if (least !== '' && most !== '')
      throw new CommandError('min-available and max-unavailable cannot be both specified');
    const pattern = /^[0-9]+%?$/;
    if (least !== '' && !pattern.test(least))
      throw new CommandError('invalid format specified for min-available');
    if (most !== '' && !pattern.test(most))
      throw new CommandError('invalid format specified for max-unavailable');
    const resource = session.builtin('policy', 'v1', 'poddisruptionbudgets', 'PodDisruptionBudget');
    return createGenerated(
      session,
      resource,
      {
        kind: 'PodDisruptionBudget',
        apiVersion: 'policy/v1',
        metadata: metadataFor(session, name, resource),
        spec: {
          ...(least === '' ? {} : { minAvailable: intOrPercent(least) }),
          selector: labelSelectorOf(flags.text('selector')),
          ...(most === '' ? {} : { maxUnavailable: intOrPercent(most) }),
        },
        status: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
      },
      'failed to create poddisruptionbudgets: ',
    );
  },
};

export const createPriorityClass: CommandSpec = {
  name: 'priorityclass',
  aliases: ['pc'],
  short: 'Create a priority class with the specified name',
  use: 'kubectl create priorityclass NAME --value=VALUE --global-default=BOOL [--dry-run=server|client|none] [options]',
  flags: [
    ...generatorFlags,
    'value:int=0',
    'global-default:bool',
    'description:string',
    'preemption-policy:string=PreemptLowerPriority',
  ],
  run: async (session) => {
    const name = singleName(session);
    const { flags } = session;
    const resource = session.builtin(
      'scheduling.k8s.io',
      'v1',
      'priorityclasses',
      'PriorityClass',
      false,
    );
    return createGenerated(
      session,
      resource,
      {
        kind: 'PriorityClass',
        apiVersion: 'scheduling.k8s.io/v1',
        metadata: { name },
        value: flags.int('value'),
        ...(flags.bool('global-default') ? { globalDefault: true } : {}),
        ...(flags.text('description') === '' ? {} : { description: flags.text('description') }),
        preemptionPolicy: flags.text('preemption-policy'),
      },
      'failed to create priorityclass: ',
    );
  },
};

export const createToken: CommandSpec = {
  name: 'token',
  short: 'Request a service account token',
  use: 'kubectl create token SERVICE_ACCOUNT_NAME [options]',
  flags: [
    ...changeFlags,
    'audience:array',
    'duration:duration=0',
    'bound-object-kind:string',
    'bound-object-name:string',
    'bound-object-uid:string',
  ],
  run: async (session) => {
    const name = singleName(session);
    const { flags } = session;
    const durationMs = parseDuration(flags.text('duration')) ?? 0;
    if (durationMs < 0) throw new CommandError('--duration must be greater than or equal to 0');
    if (durationMs % 1000 !== 0)
      throw new CommandError('--duration cannot be expressed in units less than seconds');
    const [boundKind, boundName] = [
      flags.text('bound-object-kind'),
      flags.text('bound-object-name'),
    ];
    if (boundKind === '' && boundName !== '')
      throw new CommandError(
        '--bound-object-name can only be set if --bound-object-kind is provided',
      );
    if (boundKind !== '' && !['Node', 'Pod', 'Secret'].includes(boundKind))
      throw new CommandError('supported --bound-object-kind values are Node, Pod, Secret');
    if (boundKind !== '' && boundName === '')
      throw new CommandError('--bound-object-name is required if --bound-object-kind is provided');
    const audiences = flags.all('audience');
    const answer = await session.api
      .json('POST', `/api/v1/namespaces/${session.namespace}/serviceaccounts/${name}/token`, {
        body: {
          kind: 'TokenRequest',
          apiVersion: 'authentication.k8s.io/v1',
          metadata: {},
          spec: {
            ...(audiences.length > 0 ? { audiences } : {}),
            ...(durationMs > 0 ? { expirationSeconds: durationMs / 1000 } : {}),
            ...(boundKind === ''
              ? {}
              : {
                  boundObjectRef: {
                    kind: boundKind,
                    apiVersion: 'v1',
                    name: boundName,
                    ...(flags.text('bound-object-uid') === ''
                      ? {}
                      : { uid: flags.text('bound-object-uid') }),
                  },
                }),
          },
        },
      })
      .catch((error: unknown) => {
        throw new CommandError(
          `failed to create token: ${error instanceof Error ? error.message : ''}`,
        );
      });
    session.out(`${text(answer, 'status', 'token')}\n`);
    return 0;
  },
};
