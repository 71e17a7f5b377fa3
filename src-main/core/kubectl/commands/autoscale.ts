import { canonicalQuantity, parseQuantity, QuantityError } from '#core/kube';
import type { CommandSpec } from '../command.ts';
import { resourceUrl } from '../discovery.ts';
import { asError, CommandError, throwCollected } from '../errors.ts';
import { compact, type Json } from '../json-view.ts';
import { withLastApplied } from '../resources/last-applied.ts';
import { fileFlags, fileOptions } from '../resources/manifests.ts';
import { selectTargets, type Target } from '../resources/select.ts';
import { changeFlags, dryRunOf, resultPrinter, writeQuery } from '../results.ts';
import type { Session } from '../session.ts';

/** Makes a horizontal pod autoscaler for something that scales. @see k8s.io/kubectl/pkg/cmd/autoscale */
export const autoscaleCommand: CommandSpec = {
  name: 'autoscale',
  short: 'Auto-scale a deployment, replica set, stateful set, or replication controller',
  use: 'kubectl autoscale (-f FILENAME | TYPE NAME | TYPE/NAME) [--min=MINPODS] --max=MAXPODS [--cpu=CPU] [--memory=MEMORY] [options]',
  flags: [
    ...fileFlags,
    ...changeFlags,
    'cpu:string',
    'cpu-percent:int=-1',
    'max:int=-1',
    'memory:string',
    'min:int=-1',
    'name:string',
    'save-config:bool',
  ],
  run: async (session) => {
    const { flags } = session;
    if (flags.changed('cpu-percent'))
      session.err(
        "Flag --cpu-percent has been deprecated, Use --cpu with percentage or resource quantity format (e.g., '70%' for utilization or '500m' for milliCPU).\n",
      );
    if (!flags.changed('max')) throw new CommandError('required flag(s) "max" not set');
    const [min, max] = [flags.int('min'), flags.int('max')];
    if (max < 1)
      throw new CommandError(`--max=MAXPODS is required and must be at least 1, max: ${max}`);
    if (max < min)
      throw new CommandError(
        `--max=MAXPODS must be larger or equal to --min=MINPODS, max: ${max}, min: ${min}`,
      );
    const metrics = metricsOf(session);
    const print = resultPrinter(session, { keepOrder: true });
    const errors: Error[] = [];
    const targets = await selectTargets(session, {
      args: session.args,
      files: fileOptions(session),
      latest: false,
      onError: (error) => errors.push(error),
    });
    if (targets.length === 0 && errors.length === 0)
      throw new CommandError('no objects passed to autoscale');
    for (const target of targets)
      try {
        await autoscale(session, target, metrics, print);
      } catch (error) {
        errors.push(asError(error));
      }
    throwCollected(errors);
    return 0;
  },
};

async function autoscale(
  session: Session,
  { resource, name }: Target,
  metrics: readonly Json[],
  print: (object: Json, operation: string) => void,
): Promise<void> {
  const { flags } = session;
  if (!resource.subresources.includes('scale'))
    throw new CommandError(
      `cannot autoscale a ${resource.kind}: could not find scale subresource for ${resource.group}/${resource.version}, Resource=${resource.resource} in discovery information`,
    );
  const namespace = session.settings.explicitNamespace ? session.namespace : undefined;
  let object: Json = {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: compact({ name: flags.text('name') || name, namespace }),
    spec: compact({
      maxReplicas: flags.int('max'),
      metrics: metrics.length > 0 ? metrics : undefined,
      minReplicas: flags.int('min') > 0 ? flags.int('min') : undefined,
      scaleTargetRef: { apiVersion: session.groupVersion(resource), kind: resource.kind, name },
    }),
    status: { currentMetrics: null, desiredReplicas: 0 },
  };
  if (dryRunOf(session) === 'client') {
    print(object, 'created');
    return;
  }
  if (flags.bool('save-config')) object = withLastApplied(object);
  const autoscalers = session.builtin(
    'autoscaling',
    'v2',
    'horizontalpodautoscalers',
    'HorizontalPodAutoscaler',
  );
  const creating = session.api.json('POST', resourceUrl(autoscalers, session.namespace), {
    body: object,
    query: writeQuery(session, 'kubectl-autoscale', { validation: false }),
  });
  print(await creating.catch(refused(session)), 'autoscaled');
}

/** What version 1 could not say either is blamed on that; what it could fails there as it did before. */
function refused({ flags }: Session): (error: unknown) => never {
  return (error) => {
    const cpu = flags.text('cpu').trim();
    if (cpu.endsWith('%') && flags.text('memory') === '') throw error;
    throw new CommandError(
      `failed to create autoscaling/v2 HPA and the configuration is incompatible with autoscaling/v1: ${cpu === '' ? 'empty input' : '%!w(<nil>)'}`,
    );
  };
}

/** The metrics that the flags ask for. @throws CommandError */
function metricsOf(session: Session): Json[] {
  const { flags } = session;
  const percent = flags.int('cpu-percent');
  const [cpu, memory] = [flags.text('cpu').trim(), flags.text('memory').trim()];
  if (percent > 0 && flags.text('cpu') !== '')
    throw new CommandError('--cpu-percent and --cpu are mutually exclusive');
  const metric = (name: string, target: Json): Json => ({
    resource: { name, target },
    type: 'Resource',
  });
  return [
    ...(percent > 0 ? [metric('cpu', { averageUtilization: percent, type: 'Utilization' })] : []),
    ...(flags.text('cpu') === '' ? [] : [metric('cpu', targetOf('cpu', cpu))]),
    ...(flags.text('memory') === '' ? [] : [metric('memory', targetOf('memory', memory))]),
  ];
}

/** `70%` of the request, or an amount for each pod; a bare number counts in `m` or `Mi`. */
function targetOf(name: 'cpu' | 'memory', input: string): Json {
  if (input === '') throw new CommandError('empty input');
  if (input.endsWith('%')) {
    const share = input.slice(0, -1);
    if (!/^\+?\d+$/.test(share)) throw new CommandError(`invalid percentage value: ${share}`);
    return { averageUtilization: Number(share), type: 'Utilization' };
  }
  const bare = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(input);
  try {
    const amount = bare ? `${Number(input)}${name === 'cpu' ? 'm' : 'Mi'}` : input;
    parseQuantity(amount);
    return { averageValue: canonicalQuantity(amount), type: 'AverageValue' };
  } catch (error) {
    if (!(error instanceof QuantityError)) throw error;
    throw new CommandError(bare ? error.message : `invalid resource ${name} value: ${input}`);
  }
}
