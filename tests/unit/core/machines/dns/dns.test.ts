import { beforeEach, describe, expect, it } from 'vitest';
import { seededRandom } from '#core/base';
import {
  createResolver,
  decodeDns,
  dnsListener,
  dnsStreamListener,
  type DnsMessage,
  type DnsRecord,
  dnsReply,
  encodeDns,
  type Resolver,
} from '../../../../../src-main/core/machines/dns/index.ts';
import {
  createNetwork,
  type NetNamespace,
  type Network,
  openConnection,
} from '../../../../../src-main/core/machines/network/index.ts';
import { TestTime } from '#tests/sim';

const ttlSeconds = 30;
const records: readonly DnsRecord[] = [
  { name: 'web.default.svc.cluster.local', type: 'A', ttlSeconds, address: '10.96.0.5' },
  { name: 'a.b.c.d.e', type: 'A', ttlSeconds, address: '1.2.3.4' },
  {
    name: 'ext.default.svc.cluster.local',
    type: 'CNAME',
    ttlSeconds,
    target: 'web.default.svc.cluster.local',
  },
  {
    name: '5.0.96.10.in-addr.arpa',
    type: 'PTR',
    ttlSeconds,
    target: 'web.default.svc.cluster.local',
  },
];

let time: TestTime;
let network: Network;
let asked: string[];
let files: Record<string, string>;
let resolver: Resolver;
let net: NetNamespace;

function serve(address: string, code?: DnsMessage['code']): void {
  const answer = async (query: DnsMessage): Promise<DnsMessage> => {
    const question = query.questions[0];
    asked.push(`${address} ${question?.name ?? ''} ${question?.type ?? ''}`);
    if (code) return dnsReply(query, { code });
    const found = records.filter(({ name }) => name === question?.name);
    const chased = found.flatMap((record) =>
      record.type === 'CNAME'
        ? [record, ...records.filter(({ name }) => name === record.target)]
        : [record],
    );
    return dnsReply(query, chased.length > 0 ? { answers: chased } : { code: 'NXDOMAIN' });
  };
  const host = network.addHost(`dns-${address}`, address);
  host.listen(53, dnsListener(answer), { protocol: 'udp' });
  host.listen(53, dnsStreamListener(answer), { protocol: 'tcp' });
}

async function lookup(name: string): Promise<string> {
  const started = time.clock.now();
  const done = resolver.lookup(name).then(
    (found) => found.join(' '),
    (error: unknown) =>
      `${(error as Error).message} after ${(time.clock.now() - started) / 1000} s`,
  );
  await time.settle();
  return done;
}

beforeEach(() => {
  time = new TestTime();
  const random = seededRandom('dns');
  network = createNetwork({ clock: time.clock, random });
  asked = [];
  files = {
    '/etc/hosts': '127.0.0.1\tlocalhost\n10.1.2.3\tdb.local db # own\n',
    '/etc/resolv.conf':
      'search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.0.0.53\noptions ndots:5\n',
  };
  resolver = createResolver({
    files: {
      readText: (path) => {
        const text = files[path];
        if (text === undefined) throw new Error('ENOENT');
        return text;
      },
    },
    net: (net = network.addMachine({ name: 'node01', address: '10.0.0.2' }).namespace),
    clock: time.clock,
    random,
  });
});

describe('messages', () => {
  it('keep every record through the wire format', () => {
    const message: DnsMessage = {
      id: 4660,
      response: true,
      authoritative: true,
      recursionDesired: true,
      recursionAvailable: false,
      code: 'NXDOMAIN',
      questions: [{ name: '_http._tcp.web.default.svc.cluster.local', type: 'SRV' }],
      answers: [
        ...records,
        { name: 'web', type: 'AAAA', ttlSeconds, address: 'fd00:0:0:1::5' },
        { name: 'zero', type: 'AAAA', ttlSeconds, address: '::1' },
        {
          name: 'web',
          type: 'SRV',
          ttlSeconds,
          priority: 0,
          weight: 100,
          port: 8080,
          target: 'x.y',
        },
        { name: 'web', type: 'MX', ttlSeconds, preference: 10, target: 'mail.y' },
        { name: 'web', type: 'TXT', ttlSeconds, text: 'v=1 '.repeat(100) },
      ],
      authorities: [
        {
          name: 'cluster.local',
          type: 'SOA',
          ttlSeconds,
          primary: 'ns.dns.cluster.local',
          mailbox: 'hostmaster.cluster.local',
          serial: 1767261600,
          refresh: 7200,
          retry: 1800,
          expire: 86400,
          minimum: 30,
        },
      ],
      additionals: [],
    };
    expect(decodeDns(encodeDns(message))).toEqual(message);
  });

  it('have the bytes of RFC 1035, names compressed', () => {
    const bytes = encodeDns({
      ...dnsReply(decodeDns(encodeDns({ ...emptyQuery, id: 7 })), {
        answers: [{ name: 'a.b', type: 'A', ttlSeconds: 5, address: '1.2.3.4' }],
      }),
    });
    expect(Buffer.from(bytes).toString('hex')).toBe(
      '0007' +
        '8580' +
        '0001000100000000' +
        '0161' +
        '0162' +
        '00' +
        '00010001' +
        'c00c' +
        '00010001' +
        '00000005' +
        '0004' +
        '01020304',
    );
  });

  it.each([
    ['', 'message too short'],
    ['000081800001', 'message too short'],
  ])('refuse %s', (hex, message) => {
    expect(() => decodeDns(Buffer.from(hex, 'hex'))).toThrow(message);
  });
});

const emptyQuery: DnsMessage = {
  id: 0,
  response: false,
  authoritative: false,
  recursionDesired: true,
  recursionAvailable: false,
  code: 'NOERROR',
  questions: [{ name: 'a.b', type: 'A' }],
  answers: [],
  authorities: [],
  additionals: [],
};

describe('over TCP', () => {
  it('a question has the same answer as over UDP', async () => {
    serve('10.0.0.53');
    const ask = (protocol: 'udp' | 'tcp') =>
      resolver.exchange('10.0.0.53', 'a.b.c.d.e', 'A', { protocol });
    const both = Promise.all([ask('udp'), ask('tcp')]);
    await time.settle();
    const [overUdp, overTcp] = await both;
    expect(overTcp).toEqual({ ...overUdp, id: overTcp.id });
    expect(overTcp.answers).toEqual([
      { name: 'a.b.c.d.e', type: 'A', ttlSeconds, address: '1.2.3.4' },
    ]);
  });

  it('questions of one connection are answered in turn, however their bytes come', async () => {
    serve('10.0.0.53');
    const dialed = await net.dial('10.0.0.53', 53, 'tcp');
    const connection = openConnection(dialed);
    const bytes = ['web', 'a.b.c.d.e'].flatMap((name, index) => {
      const query = encodeDns({ ...emptyQuery, id: index + 1, questions: [{ name, type: 'A' }] });
      return [query.length >> 8, query.length & 0xff, ...query];
    });
    for (const byte of bytes) await connection.output.write(Uint8Array.of(byte));
    await time.settle();
    const answers = new Uint8Array([
      ...((await connection.input.read()) ?? []),
      ...((await connection.input.read()) ?? []),
    ]);
    const first = ((answers[0] ?? 0) << 8) | (answers[1] ?? 0);
    expect(decodeDns(answers.slice(2, 2 + first))).toMatchObject({ id: 1, code: 'NXDOMAIN' });
    expect(decodeDns(answers.slice(4 + first))).toMatchObject({ id: 2, code: 'NOERROR' });
  });
});

describe('look-ups', () => {
  it.each([
    ['an address', '10.9.8.7', '10.9.8.7', []],
    ['a name of /etc/hosts', 'DB', '10.1.2.3', []],
    [
      'a short name by the first search domain',
      'web',
      '10.96.0.5',
      ['web.default.svc.cluster.local'],
    ],
    [
      'a name with fewer dots than ndots by the search list first',
      'web.default.svc',
      '10.96.0.5',
      [
        'web.default.svc.default.svc.cluster.local',
        'web.default.svc.svc.cluster.local',
        'web.default.svc.cluster.local',
      ],
    ],
    [
      'a full name with a dot at its end',
      'web.default.svc.cluster.local.',
      '10.96.0.5',
      ['web.default.svc.cluster.local'],
    ],
    ['an alias', 'ext', '10.96.0.5', ['ext.default.svc.cluster.local']],
    [
      'an unknown one',
      'nosuch',
      'lookup nosuch on 10.0.0.53:53: no such host after 0 s',
      [
        'nosuch.default.svc.cluster.local',
        'nosuch.svc.cluster.local',
        'nosuch.cluster.local',
        'nosuch',
      ],
    ],
  ])('find %s', async (_, name, expected, questions) => {
    serve('10.0.0.53');
    expect(await lookup(name)).toBe(expected);
    expect(asked).toEqual(questions.map((question) => `10.0.0.53 ${question} A`));
  });

  it('give up after two attempts of five seconds', async () => {
    files['/etc/resolv.conf'] = 'nameserver 10.96.0.10\n';
    expect((await lookup('web')).replace(/2:\d{5}-/, '2:<port>-')).toBe(
      'lookup web on 10.96.0.10:53: read udp 10.0.0.2:<port>->10.96.0.10:53: i/o timeout after 10 s',
    );
  });

  it('go on to the next server when one does not answer or fails', async () => {
    files['/etc/resolv.conf'] =
      'nameserver 10.0.1.1\nnameserver 10.0.1.2\nnameserver 10.0.1.3\noptions timeout:1\n';
    serve('10.0.1.2', 'SERVFAIL');
    serve('10.0.1.3');
    expect(await lookup('a.b.c.d.e')).toBe('1.2.3.4');
    expect(asked).toEqual(['10.0.1.2 a.b.c.d.e A', '10.0.1.3 a.b.c.d.e A']);
  });

  it('say that the server misbehaves when all of them fail', async () => {
    serve('10.0.0.53', 'SERVFAIL');
    expect(await lookup('web.')).toBe('lookup web. on 10.0.0.53:53: server misbehaving after 0 s');
  });

  it('turn addresses into names', async () => {
    serve('10.0.0.53');
    expect([await resolver.reverse('10.1.2.3'), await resolver.reverse('10.96.0.5')]).toEqual([
      'db.local',
      'web.default.svc.cluster.local',
    ]);
  });
});
