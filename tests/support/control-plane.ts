import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom, silentLogger, type Logger } from '#core/base';
import {
  createClient,
  createInformers,
  startControllers,
  type ApiServer,
  type KubeClient,
  type SendHttps,
  type Transport,
} from '#core/kube';
import { ClockDriver } from '#node/clock';
import { type ApiListener, serveApi } from '#node/https';
import { startApiServer } from './api-server.ts';

/** An API server with its controllers, no machines, on a port of this computer. */
export interface ControlPlane {
  readonly server: ApiServer;
  readonly driver: ClockDriver;
  /** All rights. */
  readonly client: KubeClient;
  readonly admin: Transport;
  readonly listener: ApiListener;
  /** PEM, of the cluster's authority and of the signer of tokens. */
  readonly keys: { readonly ca: string; readonly caKey: string; readonly tokenKey: string };
  /** Path of a kubeconfig. */
  readonly kubeconfig: string;
  stop(): Promise<void>;
}

export async function startControlPlane(
  options: { controllers?: boolean; logger?: Logger; sendHttps?: SendHttps } = {},
): Promise<ControlPlane> {
  const driver = new ClockDriver(Date.now());
  const { clock } = driver;
  const logger = options.logger ?? silentLogger;
  const random = seededRandom('control-plane');
  const { server, ca, caKey, tokenKey, user, serving, admin } = await startApiServer({
    clock,
    random,
    logger,
    ...(options.sendHttps ? { sendHttps: options.sendHttps } : {}),
  });
  const clientFor = (userAgent: string) => createClient(admin, { userAgent, clock, logger });
  const client = clientFor('test');
  const informers = createInformers(clientFor('kube-controller-manager'), clock, {
    random,
    logger,
  });
  const controllers =
    options.controllers === false
      ? undefined
      : startControllers({
          clientFor,
          informers,
          clock,
          random,
          logger,
          enabled: () => true,
          flags: { rootCa: ca },
        });
  const listener = await serveApi({
    transport: { send: (request) => server.handle(request) },
    certificate: serving.certificate,
    privateKey: serving.privateKey,
    port: 0,
    logger,
  });
  const folder = mkdtempSync(join(tmpdir(), 'kijabi-control-plane-'));
  const kubeconfig = join(folder, 'kubeconfig');
  const data = (pem: string) => Buffer.from(pem).toString('base64');
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: 'c',
          cluster: {
            server: `https://127.0.0.1:${listener.port}`,
            'certificate-authority-data': data(ca),
          },
        },
      ],
      users: [
        {
          name: 'u',
          user: {
            'client-certificate-data': data(user.certificate),
            'client-key-data': data(user.privateKey),
          },
        },
      ],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    }),
    { mode: 0o600 },
  );
  return {
    server,
    driver,
    client,
    admin,
    kubeconfig,
    keys: { ca, caKey, tokenKey },
    listener,
    stop: async () => {
      controllers?.dispose();
      informers.dispose();
      await listener.close();
      server.dispose();
      driver.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
