import { type Clock, type Logger, seededRandom, SimClock } from '#core/base';
import type { ApiRequest, ApiResponse } from '#core/kube';
import { startApiServer } from '#tests/api-server';

/** An API server in this process, with all its admission, and its administrator's way in. */
export interface FuzzedServer {
  readonly clock: SimClock;
  /** Errors the server logged: there must be none. */
  readonly logged: string[];
  send(request: ApiRequest): Promise<ApiResponse>;
  stop(): void;
}

export async function startFuzzedServer(seed: string): Promise<FuzzedServer> {
  const clock = new SimClock(Date.parse('2026-01-01T10:00:00Z'));
  const logged: string[] = [];
  const logger: Logger = {
    log: (level, message, fields) => {
      if (level === 'error') logged.push(`${message} ${JSON.stringify(fields ?? {})}`);
    },
  };
  const random = seededRandom(`${seed} server`);
  const { server, admin } = await startApiServer({ clock, random, logger });
  return { clock, logged, send: (request) => admin.send(request), stop: () => server.dispose() };
}

/** Runs what is due and lets promises settle, until `done`. @returns false when it takes too long. */
export async function drive(
  clock: SimClock,
  done: () => boolean,
  limitMs = 20_000,
): Promise<boolean> {
  const start = performance.now();
  while (!done()) {
    await new Promise((resolve) => setImmediate(resolve));
    for (let steps = 0; steps < 200 && clock.step(clock.now() + 5); steps++);
    if (performance.now() - start > limitMs) return false;
  }
  return true;
}

/** Runs whatever waits for its turn now. */
export async function settle(clock: Clock & SimClock): Promise<void> {
  for (let round = 0; round < 20; round++) {
    await new Promise((resolve) => setImmediate(resolve));
    let moved = false;
    for (let steps = 0; steps < 500 && clock.step(clock.now()); steps++) moved = true;
    if (!moved && round > 3) return;
  }
}
