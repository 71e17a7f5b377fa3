import { differences, masked } from './mask.ts';
import type { Sequence } from './sequences.ts';
import { type Answer, dropped, type Side, type Step } from './side.ts';
import { definition, type Fields, namespace } from './subjects.ts';

const stepsOfSequence = 12;
const asksAgain = 20;

/** Makes on both servers what the sequences stand on. @returns takes it away again. */
export async function prepare(...sides: readonly Side[]): Promise<() => Promise<void>> {
  const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const { name } = definition['metadata'] as { name: string };
  for (const side of sides) {
    await side.send({
      method: 'POST',
      url: '/api/v1/namespaces',
      body: { metadata: { name: namespace } },
    });
    await side.send({
      method: 'POST',
      url: `/api/v1/namespaces/${namespace}/serviceaccounts`,
      body: { metadata: { name: 'default' } },
    });
    await side.send({ method: 'POST', url: definitions, body: definition });
    await side.send({
      method: 'GET',
      url: '/apis/patches.example.com/v1/widgets',
      until: 'WidgetList',
    });
  }
  return async () => {
    for (const side of sides) {
      await side.send({ method: 'DELETE', url: `${definitions}/${name}` });
      await side.send({ method: 'DELETE', url: `/api/v1/namespaces/${namespace}` });
    }
  };
}

export interface Comparison {
  readonly steps: number;
  readonly equal: number;
  readonly differences: readonly string[];
}

/** Plays a sequence on both servers. After a difference the object is brought back to one state on both. */
export async function compared(real: Side, ours: Side, sequence: Sequence): Promise<Comparison> {
  const found: string[] = [];
  let steps = 0;
  let equal = 0;
  const remove = async (): Promise<void> => {
    for (const side of [real, ours]) {
      await side.send({
        method: 'PATCH',
        url: sequence.url,
        type: 'application/merge-patch+json',
        body: { metadata: { finalizers: null } },
      });
      await side.send({ method: 'DELETE', url: `${sequence.url}?gracePeriodSeconds=0` });
    }
  };
  await remove();
  let step: Step = sequence.first();
  for (let index = 0; index < stepsOfSequence; index++) {
    const answers = [await real.send(step), await ours.send(step)] as const;
    if (answers[0].body === dropped) break;
    steps += 1;
    let different = differences(masked(answers[0]), masked(answers[1]));
    // Which of several faults a real server meets first may hang on the order of a Go map: it is asked again.
    for (let again = 0; again < asksAgain && different.length > 0; again++) {
      if (answers[0].status < 400 || answers[1].status < 400) break;
      different = differences(masked(await real.send(step)), masked(answers[1]));
    }
    if (different.length === 0) equal += 1;
    else
      found.push(
        `${sequence.name} step ${index}: ${step.method} ${step.url} ${step.type ?? ''}\n  ${JSON.stringify(step.body)}\n  ${different.join('\n  ')}`,
      );
    const [left, right] = [
      await real.send({ method: 'GET', url: sequence.url }),
      await ours.send({ method: 'GET', url: sequence.url }),
    ];
    if (right.status !== 200 || left.status !== 200) {
      step = sequence.first();
      await remove();
      continue;
    }
    if (differences(masked(left), masked(right)).length > 0) break;
    step = sequence.next(right.body as Fields);
  }
  await remove();
  return { steps, equal, differences: found };
}

/** Sends the same steps to both servers, whatever they answer. */
export async function comparedSteps(
  real: Side,
  ours: Side,
  name: string,
  steps: readonly Step[],
  leftOver: readonly string[],
): Promise<Comparison> {
  const remove = async (): Promise<void> => {
    for (const side of [real, ours])
      for (const url of leftOver) {
        await side.send({ method: 'DELETE', url });
        // Objects of a version that a definition no longer has can be read by nobody, and hold it for ever.
        await side.send({
          method: 'PATCH',
          url,
          type: 'application/merge-patch+json',
          body: { metadata: { finalizers: null } },
        });
        await side.send({ method: 'GET', url, until: 'NotFound' });
      }
  };
  await remove();
  const found: string[] = [];
  let equal = 0;
  for (const [index, step] of steps.entries()) {
    const [left, right] = [await real.send(step), await ours.send(step)];
    const different = differences(unordered(masked(left)), unordered(masked(right)));
    if (different.length === 0) equal += 1;
    else
      found.push(
        `${name} step ${index}: ${step.method} ${step.url} ${step.type ?? ''}\n  ${JSON.stringify(step.body)}\n  ${different.join('\n  ')}`,
      );
  }
  await remove();
  return { steps: steps.length, equal, differences: found };
}

/** An answer whose causes are sorted, and told there alone: upstream checks the fields of custom objects in no order. */
function unordered(answer: Answer): Answer {
  const body = answer.body as { message?: string; details?: { causes?: unknown[] } };
  const causes = body.details?.causes;
  if (!causes || causes.length < 2) return answer;
  const sorted = causes
    .map((each) =>
      Object.values(each as Fields)
        .sort()
        .join(' | '),
    )
    .sort();
  return {
    ...answer,
    body: { ...body, message: '', details: { ...body.details, causes: sorted } },
  };
}
