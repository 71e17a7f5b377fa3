import { expect, test } from 'vitest';
import { fromUtf8, seededRandom } from '#core/base';
import { createNetwork, type Listener } from '#core/machines';
import { ServiceHealthPorts } from '../../../../../src-main/core/lab/programs/service-health-ports.ts';
import { TestTime } from '#tests/sim';

const body = (localEndpoints: number): string => `{
\t"service": {
\t\t"namespace": "default",
\t\t"name": "web"
\t},
\t"localEndpoints": ${localEndpoints},
\t"serviceProxyHealthy": true
}`;

test('a node answers load balancers at the health check port as long as the Service has one', async () => {
  const time = new TestTime();
  const network = createNetwork({ clock: time.clock, random: seededRandom('health') });
  const { namespace: net } = network.addMachine({ name: 'node01', address: '172.30.2.2' });
  const taken: string[] = [];
  const ports = new ServiceHealthPorts(net, ({ name }, why) => taken.push(`${name}: ${why}`));
  const check = (port: number, localEndpoints: number) => ({
    namespace: 'default',
    name: 'web',
    port,
    localEndpoints,
  });
  const ask = async (port: number) => {
    const { listener, peer } = await net.dial('172.30.2.2', port);
    if (listener.kind !== 'http') throw new Error('not HTTP');
    const answer = await listener.handle({ method: 'GET', url: '/', headers: {} }, peer);
    return [
      answer.status,
      answer.headers['x-load-balancing-endpoint-weight'],
      answer.body.kind === 'bytes' ? fromUtf8(answer.body.bytes) : '',
    ];
  };
  ports.sync([check(30_500, 2)]);
  expect(await ask(30_500)).toEqual([200, '2', body(2)]);
  ports.sync([check(30_500, 0)]);
  expect(await ask(30_500)).toEqual([503, '0', body(0)]);

  const other: Listener = { kind: 'tcp', accept: () => undefined };
  const holder = net.listen(30_600, other);
  ports.sync([check(30_600, 1)]);
  await expect(net.dial('172.30.2.2', 30_500)).rejects.toThrow('connection refused');
  expect(taken).toEqual(['web: listen tcp 0.0.0.0:30600: bind: address already in use']);
  holder.dispose();
  ports.sync([check(30_600, 1)]);
  expect(await ask(30_600)).toEqual([200, '1', body(1)]);
  ports.dispose();
  await expect(net.dial('172.30.2.2', 30_600)).rejects.toThrow('connection refused');
});
