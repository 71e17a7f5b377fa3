import { type GrpcHealth, grpcHealthService } from '../../network/index.ts';
import type { ProgramContext } from '../../process/types.ts';
import { clockText, dateText, print } from '../program-io.ts';
import { flagValue, serveHttp, textAnswer } from './http-service.ts';

/**
 * `agnhost grpc-health-checking`: healthy for so many seconds, or as long as nobody says otherwise over HTTP.
 * @see test/images/agnhost/grpc-health-checking
 */
export async function grpcHealthChecking(context: ProgramContext): Promise<number> {
  const { argv, clock, net, stderr } = context;
  const number = (flag: string, absent: number): number => Number(flagValue(argv, flag) ?? absent);
  const own = flagValue(argv, '--service') ?? '';
  const delaySeconds = number('--delay-unhealthy-sec', -1);
  const [port, httpPort] = [number('--port', 5000), number('--http-port', 8080)];
  const startedMs = clock.now();
  const seconds = (): number => (clock.now() - startedMs) / 1000;
  const log = (text: string): void => {
    const now = clock.now();
    void print(stderr, `${dateText(now).replaceAll('-', '/')} ${clockText(now)} ${text}\n`);
  };
  let forcedUnhealthy = false;
  const health: GrpcHealth = {
    check: (service) => {
      log(`Serving the Check request for health check, started at ${startedText(startedMs)}`);
      if (service !== own) return undefined;
      return forcedUnhealthy || (delaySeconds >= 0 && seconds() >= delaySeconds)
        ? 'NOT_SERVING'
        : 'SERVING';
    },
  };
  log(`Http server starting to listen on :${httpPort}`);
  net.listen(port, { kind: 'object', service: grpcHealthService, object: health });
  log(`gRPC server starting to listen on :${port}`);
  // Go's runtime ends with 2 when nobody handles the signal.
  return serveHttp(
    context,
    httpPort,
    ({ url }) => {
      const path = url.split('?')[0] ?? '';
      if (path !== '/make-serving' && path !== '/make-not-serving')
        return textAnswer(404, '404 page not found\n');
      forcedUnhealthy = path === '/make-not-serving';
      log(forcedUnhealthy ? 'Mark as unhealthy' : 'Mark as healthy');
      return textAnswer(200, `${seconds()}s`);
    },
    { exitCode: 2 },
  );
}

const startedText = (ms: number): string => `${dateText(ms)} ${clockText(ms)} +0000 UTC m=+0.000`;
