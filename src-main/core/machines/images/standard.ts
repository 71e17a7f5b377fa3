import { agnhostNetworkTools, fullNetworkTools } from './clients/index.ts';
import { curl } from './clients/curl.ts';
import { nginxImages } from './nginx/image.ts';
import { execute, print, untilSignal } from './program-io.ts';
import { agnhost } from './programs/agnhost.ts';
import { perl, stress, vishStress } from './programs/compute.ts';
import { mongo, mysql, postgres } from './programs/databases.ts';
import { apache, fixedPage, helloApp, httpEcho, python } from './programs/http-service.ts';
import { redisCli, redisServer } from './programs/redis.ts';
import type { Program } from '../process/types.ts';
import type { Image } from './types.ts';

const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const megabyte = 1_000_000;

function image(repository: string, tags: readonly string[], rest: Partial<Image>): Image {
  return {
    repository,
    tags,
    sizeBytes: 5 * megabyte,
    entrypoint: [],
    command: [],
    env: { PATH: path },
    workingDirectory: '',
    user: '',
    files: {},
    programs: {},
    base: 'debian',
    ...rest,
  };
}

const hub = (name: string): string => `docker.io/${name.includes('/') ? name : `library/${name}`}`;

/** Entry points that run whatever command they are given. */
const runCommand: Program = (context) => execute(context, context.argv.slice(1));

/** A larger shell that stands for the small one. */
const runShell: Program = (context) => execute(context, ['/bin/sh', ...context.argv.slice(1)]);

/** Does nothing until it is told to end. */
const pause: Program = async (context) => {
  await untilSignal(context, ['SIGTERM', 'SIGINT']);
  return 0;
};

/** A set-user-ID program of root's, which tells whether it became root. */
const nonewprivs: Program = async ({ files, process, stdout, user }) => {
  const held = /NoNewPrivs:\t1/.test(files.readText(`/proc/${process.pid}/status`));
  await print(stdout, `Effective uid: ${held ? user.uid : 0}\n`);
  return 0;
};

const fluentd: Program = async (context) => {
  const at = new Date(context.clock.now()).toISOString();
  const stamp = `${at.slice(0, 10)} ${at.slice(11, 19)} +0000`;
  await print(
    context.stdout,
    `${stamp} [info]: parsing config file is succeeded path="/etc/fluent/fluent.conf"\n${stamp} [info]: starting fluentd-1.2.6 pid=${context.process.pid} ruby="2.3.3"\n${stamp} [info]: #0 fluentd worker is now running worker=0\n`,
  );
  context.process.setMemory(60 * 1024 * 1024);
  await untilSignal(context, ['SIGTERM', 'SIGINT']);
  return 0;
};

const kiamolPage: Program = fixedPage(
  80,
  (context) => `<html>
  <body>
    <h1>
      Hello from Chapter 2!
    </h1>
    <p>
      This is
      <a
        href="https://www.manning.com/books/learn-kubernetes-in-a-month-of-lunches"
        >Learn Kubernetes in a Month of Lunches</a
      >.
    </p>
    <p>By <a href="https://blog.sixeyed.com">Elton Stoneman</a>.</p>
    <p>Served by ${context.env['HOSTNAME'] ?? ''}.</p>
  </body>
</html>
`,
);

const guestbookPage: Program = fixedPage(
  80,
  () =>
    '<html ng-app="redis">\n  <head>\n    <title>Guestbook</title>\n  </head>\n  <body ng-controller="RedisCtrl">\n    <h2>Guestbook</h2>\n  </body>\n</html>\n',
);

const node: Program = async (context) => {
  const [, first = '', code = ''] = context.argv;
  if (first === '--version' || first === '-v') {
    await print(context.stdout, 'v22.11.0\n');
    return 0;
  }
  const printed = /^\s*console\.log\((["'`])(.*)\1\)\s*;?\s*$/.exec(
    first === '-e' ? code : '',
  )?.[2];
  if (printed !== undefined) {
    await print(context.stdout, `${printed}\n`);
    return 0;
  }
  if (first === '') return 0;
  await print(
    context.stderr,
    `node:internal/modules/cjs/loader:1228\n  throw err;\n  ^\n\nError: Cannot find module '${first}'\n`,
  );
  return 1;
};

const shell = { command: ['sh'] };
const bash = { command: ['bash'] };
const range = (from: number, to: number, prefix = ''): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `${prefix}${from + index}`);

const databases: readonly Image[] = [
  ...['8.0', '8.4', '9.0', '5.7', '5.6'].map((version) =>
    image(
      hub('mysql'),
      [
        version,
        ...(version === '9.0' ? ['latest', '9'] : version === '8.0' ? ['8', '8.0.36'] : []),
      ],
      {
        sizeBytes: 180 * megabyte,
        entrypoint: ['docker-entrypoint.sh'],
        command: ['mysqld'],
        exposedPorts: ['3306/tcp', '33060/tcp'],
        programs: {
          '/usr/local/bin/docker-entrypoint.sh': mysql(
            version.split('.').length === 2 ? `${version}.4` : version,
          ),
        },
      },
    ),
  ),
  ...range(12, 18).map((version) =>
    image(
      hub('postgres'),
      [version, `${version}-alpine`, ...(version === '18' ? ['latest', 'alpine'] : [])],
      {
        sizeBytes: 150 * megabyte,
        entrypoint: ['docker-entrypoint.sh'],
        command: ['postgres'],
        stopSignal: 'SIGINT',
        exposedPorts: ['5432/tcp'],
        programs: { '/usr/local/bin/docker-entrypoint.sh': postgres(`${version}.2`) },
      },
    ),
  ),
  image(hub('mongo'), ['latest', '8', '8.0', '7', '7.0', '6', '6.0', '5', '5.0', '4.4', '4'], {
    sizeBytes: 280 * megabyte,
    entrypoint: ['docker-entrypoint.sh'],
    command: ['mongod'],
    exposedPorts: ['27017/tcp'],
    programs: { '/usr/local/bin/docker-entrypoint.sh': mongo },
  }),
  ...(
    [
      [
        ['7.4.1', '7.4', '7', 'latest', '7.2', '7.0', '6', '6.2', '5', '5.0', '5.0.4', '6.0'],
        'debian',
      ],
      [
        ['alpine', '7-alpine', '7.4-alpine', '7.2-alpine', '6-alpine', '6.2-alpine', '5-alpine'],
        'alpine',
      ],
    ] as const
  ).map(([tags, base]) =>
    image(hub('redis'), tags, {
      sizeBytes: (base === 'alpine' ? 17 : 45) * megabyte,
      entrypoint: ['docker-entrypoint.sh'],
      command: ['redis-server'],
      workingDirectory: '/data',
      exposedPorts: ['6379/tcp'],
      base,
      programs: {
        '/usr/local/bin/docker-entrypoint.sh': runCommand,
        '/usr/local/bin/redis-server': redisServer,
        '/usr/local/bin/redis-cli': redisCli,
      },
    }),
  ),
];

const webServers: readonly Image[] = [
  ...nginxImages,
  ...(['debian', 'alpine'] as const).map((base) =>
    image(
      hub('httpd'),
      base === 'alpine'
        ? ['alpine', '2.4-alpine', '2-alpine']
        : ['latest', '2', '2.4', '2.4.65', '2.4.62', '2.4.39', '2.4.41', '2.4.46', '2.4.58'],
      {
        sizeBytes: (base === 'alpine' ? 22 : 57) * megabyte,
        command: ['httpd-foreground'],
        workingDirectory: '/usr/local/apache2',
        env: {
          PATH: `/usr/local/apache2/bin:${path}`,
          HTTPD_PREFIX: '/usr/local/apache2',
          HTTPD_VERSION: '2.4.65',
        },
        stopSignal: 'SIGTERM',
        exposedPorts: ['80/tcp'],
        base,
        files: {
          '/usr/local/apache2/htdocs/index.html': '<html><body><h1>It works!</h1></body></html>\n',
        },
        programs: {
          '/usr/local/bin/httpd-foreground': apache,
          '/usr/local/apache2/bin/httpd': apache,
        },
      },
    ),
  ),
  image(hub('hashicorp/http-echo'), ['latest', '1.0', '1.0.0', '0.2.3'], {
    sizeBytes: 3 * megabyte,
    entrypoint: ['/http-echo'],
    base: 'none',
    user: '65532',
    programs: { '/http-echo': httpEcho },
  }),
  ...['1.0', '2.0'].flatMap((version) =>
    [
      'gcr.io/google-samples/hello-app',
      'us-docker.pkg.dev/google-samples/containers/gke/hello-app',
    ].map((repository) =>
      image(repository, [version], {
        sizeBytes: 12 * megabyte,
        command: ['./hello-app'],
        workingDirectory: '/',
        env: { PATH: path, PORT: '8080' },
        base: 'none',
        programs: { '/hello-app': helloApp(`${version}.0`) },
      }),
    ),
  ),
  image(hub('kiamol/ch02-hello-kiamol'), ['latest'], {
    sizeBytes: 10 * megabyte,
    command: ['/web'],
    base: 'alpine',
    exposedPorts: ['80/tcp'],
    programs: { '/web': kiamolPage },
  }),
  ...[
    'gcr.io/google_samples/gb-frontend',
    'gcr.io/google-samples/gb-frontend',
    'us-docker.pkg.dev/google-samples/containers/gke/gb-frontend',
  ].map((repository) =>
    image(repository, ['v3', 'v4', 'v5', 'latest'], {
      sizeBytes: 160 * megabyte,
      command: ['apache2-foreground'],
      exposedPorts: ['80/tcp'],
      programs: { '/usr/local/bin/apache2-foreground': guestbookPage },
    }),
  ),
];

const bases: readonly Image[] = [
  image(
    hub('busybox'),
    [
      'latest',
      '1',
      '1.28',
      '1.28.4',
      '1.29',
      '1.30',
      '1.31',
      '1.31.1',
      '1.32',
      '1.33',
      '1.34',
      '1.35',
      '1.35.0',
      '1.36',
      '1.36.1',
      '1.37',
      '1.37.0',
      'stable',
      'musl',
      'glibc',
      'uclibc',
      '1.36-musl',
    ],
    {
      sizeBytes: 2_156_519,
      ...shell,
      base: 'busybox',
    },
  ),
  image(
    hub('alpine'),
    ['latest', '3', '3.12', ...range(13, 22, '3.'), '3.18.4', '3.19.1', '3.20.3', 'edge'],
    {
      sizeBytes: 3_626_897,
      command: ['/bin/sh'],
      base: 'alpine',
    },
  ),
  image(
    hub('debian'),
    [
      'latest',
      'bookworm',
      'bookworm-slim',
      '12',
      '12-slim',
      'stable',
      'stable-slim',
      'bullseye',
      'bullseye-slim',
      '11',
      '13',
      'trixie',
      'trixie-slim',
    ],
    {
      sizeBytes: 48 * megabyte,
      ...bash,
    },
  ),
  image(hub('ubuntu'), ['latest', '18.04', '20.04', '22.04', '24.04', 'focal', 'jammy', 'noble'], {
    sizeBytes: 29 * megabyte,
    command: ['/bin/bash'],
  }),
  image(
    hub('curlimages/curl'),
    ['latest', '7.88.1', '8.1.2', '8.5.0', '8.9.1', '8.10.1', '8.11.0'],
    {
      sizeBytes: 9 * megabyte,
      entrypoint: ['/entrypoint.sh'],
      command: ['curl'],
      user: 'curl_user',
      base: 'alpine',
      files: {
        '/etc/passwd':
          'root:x:0:0:root:/root:/bin/sh\ncurl_user:x:100:101:Linux User,,,:/home/curl_user:/bin/sh\n',
      },
      programs: {
        '/entrypoint.sh': (context) => {
          const command = context.argv.slice(1);
          const known =
            /^[a-z/]/.test(command[0] ?? '') && !/^(https?:|[\w.-]+[:/])/.test(command[0] ?? '');
          return execute(context, known ? command : ['curl', ...command]);
        },
        '/usr/bin/curl': curl,
      },
    },
  ),
  image(hub('nicolaka/netshoot'), ['latest', 'v0.11', 'v0.12', 'v0.13'], {
    sizeBytes: 180 * megabyte,
    command: ['zsh'],
    base: 'alpine',
    programs: {
      ...fullNetworkTools,
      '/bin/zsh': runShell,
    },
  }),
];

/** What lies beside agnhost for its servers; tests ask for it and move it away. */
const localhostCertificate = `-----BEGIN CERTIFICATE-----
MIIBnjCCAUSgAwIBAgIUSMxojF340iQ+kK02yE1Y1AeeHtswCgYIKoZIzj0EAwIw
EjEQMA4GA1UECgwHQWNtZSBDbzAgFw0yNjExMjExODQ5MzRaGA8yMDg0MDUyMDE4
NDkzNFowEjEQMA4GA1UECgwHQWNtZSBDbzBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABMub2kaIvkB56F7JzMf+yM3dX5ATmihrid9+Dp6LrDpCv1OuZOaoNcyoeYI1
pixbpf1BPEfiJx8WTcyR7VFa9c+jdjB0MB0GA1UdDgQWBBRpULrb4hSqsyaD5RUJ
TnIOVkNUVTAfBgNVHSMEGDAWgBRpULrb4hSqsyaD5RUJTnIOVkNUVTAPBgNVHRMB
Af8EBTADAQH/MCEGA1UdEQQaMBiHBH8AAAGHEAAAAAAAAAAAAAAAAAAAAAEwCgYI
KoZIzj0EAwIDSAAwRQIgPDFvpMsrU+IU2L+W2JmyRjMKIRBbYrmg2wDLipvWPsAC
IQCwasz+x3VR1qRpC+30daW7JeSAzcENwIwVpozKn28ezA==
-----END CERTIFICATE-----
`;

const tools: readonly Image[] = [
  ...['registry.k8s.io/e2e-test-images/agnhost', 'k8s.gcr.io/e2e-test-images/agnhost'].map(
    (repository) =>
      image(repository, [...range(20, 63, '2.'), '2.63.0'], {
        sizeBytes: 50 * megabyte,
        entrypoint: ['/agnhost'],
        command: ['pause'],
        exposedPorts: ['80/tcp', '5000/tcp', '8080/tcp', '8081/tcp', '9376/tcp'],
        base: 'alpine',
        files: {
          '/uploads/.keep': '',
          '/localhost.crt': localhostCertificate,
          '/etc/passwd':
            'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/sbin/nologin\nuser-defined-in-image:x:1000:1000::/home/user-defined-in-image:/bin/sh\n',
          '/etc/group':
            'root:x:0:root\nnobody:x:65534:\nuser-defined-in-image:x:1000:\ngroup-defined-in-image:x:50000:user-defined-in-image\n',
        },
        // The second name is for tests that take another entry point than the image's.
        programs: {
          ...agnhostNetworkTools,
          '/bin/bash': runShell,
          '/agnhost': agnhost,
          '/agnhost-2': agnhost,
        },
      }),
  ),
  image('registry.k8s.io/e2e-test-images/busybox', ['1.29-4', '1.36.1-1', '1.37.0-1'], {
    sizeBytes: 2_156_519,
    ...shell,
    base: 'busybox',
  }),
  image('registry.k8s.io/e2e-test-images/nonewprivs', ['1.3', '1.4'], {
    sizeBytes: 7 * megabyte,
    command: ['nnp'],
    base: 'alpine',
    programs: { '/usr/local/bin/nnp': nonewprivs },
  }),
  image('registry.k8s.io/e2e-test-images/glibc-dns-testing', ['2.0.0'], {
    sizeBytes: 60 * megabyte,
    ...bash,
    programs: fullNetworkTools,
  }),
  image('registry.k8s.io/e2e-test-images/nonroot', ['1.4', '1.5'], {
    sizeBytes: 42 * megabyte,
    ...bash,
    user: '1234',
  }),
  ...['nautilus', 'kitten'].map((name) =>
    image(`registry.k8s.io/e2e-test-images/${name}`, ['1.5', '1.7', '1.8', '1.9.0'], {
      sizeBytes: 50 * megabyte,
      entrypoint: ['/agnhost'],
      command: ['test-webserver'],
      exposedPorts: ['80/tcp'],
      base: 'alpine',
      files: { '/data.json': `{\n  "image": "${name}.jpg"\n}\n`, [`/${name}.jpg`]: '' },
      programs: { '/agnhost': agnhost },
    }),
  ),
  ...['registry.k8s.io/pause', 'k8s.gcr.io/pause'].map((repository) =>
    image(
      repository,
      ['3.1', '3.2', '3.5', '3.6', '3.7', '3.8', '3.9', '3.10', '3.10.1', '3.10.2', 'latest'],
      {
        sizeBytes: 320_448,
        entrypoint: ['/pause'],
        user: '65535:65535',
        base: 'none',
        programs: { '/pause': pause },
      },
    ),
  ),
  image('registry.k8s.io/e2e-test-images/perl', ['5.26'], {
    sizeBytes: 336 * megabyte,
    command: ['perl', '-de0'],
    programs: { '/usr/local/bin/perl': perl },
  }),
  image(hub('perl'), ['5.34.0', '5.34', '5.34.1', '5.36', '5.38', '5.40', 'latest', '5'], {
    sizeBytes: 336 * megabyte,
    command: ['perl', '-de0'],
    workingDirectory: '/usr/src/app',
    programs: { '/usr/local/bin/perl': perl },
  }),
  ...(['debian', 'alpine'] as const).map((base) =>
    image(
      hub('python'),
      base === 'alpine'
        ? ['alpine', '3-alpine', '3.11-alpine', '3.12-alpine', '3.9-alpine']
        : [
            'latest',
            '3',
            '3.8',
            '3.9',
            '3.10',
            '3.11',
            '3.12',
            '3.13',
            'slim',
            '3-slim',
            '3.9-slim',
            '3.11-slim',
            '3.12-slim',
          ],
      {
        sizeBytes: (base === 'alpine' ? 18 : 360) * megabyte,
        command: ['python3'],
        base,
        programs: { '/usr/local/bin/python3': python, '/usr/local/bin/python': python },
      },
    ),
  ),
  image(
    hub('node'),
    ['latest', '18', '20', '22', 'lts', '18-alpine', '20-alpine', '22-alpine', 'alpine', '20-slim'],
    {
      sizeBytes: 380 * megabyte,
      entrypoint: ['docker-entrypoint.sh'],
      command: ['node'],
      programs: { '/usr/local/bin/docker-entrypoint.sh': runCommand, '/usr/local/bin/node': node },
    },
  ),
  image('quay.io/fluentd_elasticsearch/fluentd', ['v2.5.2', 'v3.4.0', 'v5.0.1', 'latest'], {
    sizeBytes: 55 * megabyte,
    entrypoint: ['/entrypoint.sh'],
    programs: { '/entrypoint.sh': fluentd },
  }),
  ...['fluent/fluentd', 'fluentd'].map((name) =>
    image(hub(name), ['latest', 'v1.16', 'v1.16-1', 'v1.17'], {
      sizeBytes: 25 * megabyte,
      entrypoint: ['/entrypoint.sh'],
      base: 'alpine',
      programs: { '/entrypoint.sh': fluentd },
    }),
  ),
  image(hub('polinux/stress'), ['latest', '1.0.4'], {
    sizeBytes: 4 * megabyte,
    command: ['/usr/local/bin/stress'],
    base: 'alpine',
    programs: { '/usr/local/bin/stress': stress },
  }),
  image(hub('vish/stress'), ['latest'], {
    sizeBytes: 2 * megabyte,
    entrypoint: ['/stress'],
    base: 'none',
    programs: { '/stress': vishStress },
  }),
];

/** Every image of the catalogue that is not part of a cluster itself. */
export const standardImages: readonly Image[] = [...bases, ...webServers, ...databases, ...tools];
