import { BytePipe, readText, seededRandom, silentLogger } from '#core/base';
import type { Pki } from '#core/kube';
import { createCatalogue, createNetwork } from '#core/machines';
import { TestTime } from '#tests/sim';
import { EtcdData, type OpenLog } from '../../../../../src-main/core/lab/etcd-data.ts';
import { createLabMachine } from '../../../../../src-main/core/lab/lab-machine.ts';
import { etcd } from '../../../../../src-main/core/lab/programs/etcd.ts';
import { etcdctl } from '../../../../../src-main/core/lab/programs/etcdctl.ts';
import { etcdutl } from '../../../../../src-main/core/lab/programs/etcdutl.ts';

/** Certificates are words: `issuer/name`. A key's word is `key/name`. */
const pki = {
  keyMatches: (certificate: string, key: string) =>
    Promise.resolve(certificate.split('/')[1] === key.split('/')[1]),
  verifyCertificate: (certificate: string, roots: string) =>
    Promise.resolve(
      roots === `ca/${certificate.split('/')[0]}`
        ? undefined
        : 'x509: certificate signed by unknown authority',
    ),
} as unknown as Pki;

const folder = '/srv';

/** A machine with etcd behind TLS on 127.0.0.1:23790, and the files of its clients in /srv. */
export async function etcdMachine(openLog: OpenLog = () => undefined) {
  const time = new TestTime();
  const { clock } = time;
  const random = seededRandom('etcd');
  const network = createNetwork({
    clock,
    random,
    verifyTls: () => Promise.resolve(undefined),
  });
  const data = new EtcdData(clock, openLog);
  const { machine } = createLabMachine({
    spec: {
      hostname: 'controlplane',
      role: 'control-plane',
      address: '172.30.1.2',
      cpuMilli: 2000,
      memoryBytes: 4_294_967_296,
      diskBytes: 42_949_672_960,
    },
    network,
    clock,
    random,
    logger: silentLogger,
    catalogue: createCatalogue([]),
    preloaded: [],
    programs: {
      '/usr/local/bin/etcd': etcd(data, pki),
      '/usr/local/bin/etcdctl': etcdctl(pki),
      '/usr/local/bin/etcdutl': etcdutl(data),
    },
  });
  for (const [name, text] of Object.entries({
    'ca.crt': 'ca/main',
    'ca.key': 'key/main',
    'other.crt': 'ca/other',
    'server.crt': 'main/server',
    'server.key': 'key/server',
    'client.crt': 'main/client',
    'client.key': 'key/client',
    'bad.crt': 'other/bad',
    'bad.key': 'key/bad',
    txn1: 'mod("t1") = "0"\n\nput t1 "hello world"\nget t1\n\nget t1\ndel t1\n\n',
    txn2: 'value("t1") > "a"\nversion("t1") = "1"\n\nput t1 changed\nput t2 v2\n\n\n\n',
    txnbad: 'bogus\n\n\n\n',
  }))
    machine.files.writeFile(`${folder}/${name}`, text);
  machine.files.mkdir(`${folder}/out`);
  const start = (dataDir: string) =>
    machine.spawn(
      [
        ...['/usr/local/bin/etcd', '--name=controlplane', `--data-dir=${dataDir}`],
        ...['--listen-client-urls=https://127.0.0.1:23790'],
        ...['--advertise-client-urls=https://127.0.0.1:23790'],
        ...['--listen-peer-urls=http://127.0.0.1:23800'],
        ...['--initial-advertise-peer-urls=http://127.0.0.1:23800'],
        ...['--initial-cluster=controlplane=http://127.0.0.1:23800'],
        ...[`--cert-file=${folder}/server.crt`, `--key-file=${folder}/server.key`],
        ...[`--trusted-ca-file=${folder}/ca.crt`, '--client-cert-auth=true'],
      ],
      { stdin: new BytePipe(), stdout: new BytePipe(), stderr: new BytePipe() },
    );
  const run = async (command: string) => {
    const [stdin, stdout, stderr] = [new BytePipe(), new BytePipe(), new BytePipe()];
    stdin.end();
    const texts = Promise.all([readText(stdout), readText(stderr)]);
    const child = machine.spawn(['/bin/bash', '-c', command], {
      stdin,
      stdout,
      stderr,
      cwd: folder,
      env: {
        PATH: '/usr/local/bin:/usr/bin:/bin',
        ETCDCTL_ENDPOINTS: 'https://127.0.0.1:23790',
        ETCDCTL_CACERT: `${folder}/ca.crt`,
        ETCDCTL_CERT: `${folder}/client.crt`,
        ETCDCTL_KEY: `${folder}/client.key`,
      },
    });
    let code: number | undefined;
    void child.exit.then((value) => {
      code = value;
    });
    for (let waited = 0; code === undefined && waited < 90_000; waited += 100)
      await time.advance(100);
    stdout.end();
    stderr.end();
    const [out, err] = await texts;
    return { code: code ?? 137, stdout: out, stderr: err };
  };
  await machine.boot();
  const server = start(`${folder}/data`);
  await time.advance(100);
  return { time, machine, data, run, start, server };
}
