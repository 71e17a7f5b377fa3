import type { Side } from '../patches/side.ts';
import type { Scenario } from './fixtures.ts';
import { leftovers } from './scenarios.ts';
import { type Call, type Told, toldOf } from './told.ts';

/** One server and the webhooks it calls. */
export interface Stage {
  readonly side: Side;
  /** PEM: webhooks' certificates are checked with it. */
  readonly ca: string;
  /** What webhooks were sent since the last look. */
  readonly takeCalls: () => readonly Call[];
  /** Until the server knows of its configurations. */
  readonly settle: () => Promise<void>;
}

const root = '/apis/admissionregistration.k8s.io/v1';

/** Every webhook is vouched for by the stage's authority. */
function withBundle(value: unknown, caBundle: string): unknown {
  if (Array.isArray(value)) return value.map((each) => withBundle(each, caBundle));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key,
      key === 'clientConfig' ? { ...(each as object), caBundle } : withBundle(each, caBundle),
    ]),
  );
}

export async function play(stage: Stage, { configurations, steps }: Scenario): Promise<Told[]> {
  const { side, ca, takeCalls, settle } = stage;
  const bundle = Buffer.from(ca).toString('base64');
  const places: string[] = [];
  for (const configuration of configurations) {
    const { kind, metadata } = configuration as { kind: string; metadata: { name: string } };
    const url = `${root}/${kind.toLowerCase()}s`;
    const body = withBundle(configuration, bundle);
    const answer = await side.send({ method: 'POST', url, body });
    if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
    places.push(`${url}/${metadata.name}`);
  }
  await settle();
  takeCalls();
  const told: Told[] = [];
  for (const step of steps) {
    const answer = await side.send({ ...step, body: withBundle(step.body, bundle) });
    const calls = takeCalls();
    // What was asked until something came about differs from time to time.
    told.push(
      toldOf(
        step.until === undefined ? answer : { ...answer, body: step.until },
        step.until === undefined ? calls : [],
      ),
    );
  }
  for (const url of places) await side.send({ method: 'DELETE', url });
  await settle();
  for (const step of leftovers) await side.send(step);
  takeCalls();
  return told;
}
