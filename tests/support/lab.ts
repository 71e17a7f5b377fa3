import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClusterSpec, EngineEventName, EngineEvents } from '#core/app';
import { type Logger, silentLogger } from '#core/base';
import { EngineService } from '#node/engine';
import { createPki } from '#node/pki';

/** An engine in this thread, over a folder of its own or what another engine left behind. */
export interface TestEngine {
  readonly engine: EngineService;
  readonly folder: string;
  /** Everything it told, newest last. */
  readonly events: {
    readonly name: EngineEventName;
    readonly payload: EngineEvents[EngineEventName];
  }[];
  stop(): Promise<void>;
}

export async function startEngine(
  logger: Logger = silentLogger,
  folder = mkdtempSync(join(tmpdir(), 'kijabi-engine-')),
): Promise<TestEngine> {
  const events: TestEngine['events'] = [];
  const engine = new EngineService({
    dataFolder: folder,
    pki: await createPki(),
    logger,
    emit: (name, payload) => void events.push({ name, payload }),
  });
  return {
    engine,
    folder,
    events,
    stop: async () => {
      await engine.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A cluster in memory, of the default topology unless said. */
export function clusterSpec(overrides: Partial<ClusterSpec> = {}): ClusterSpec {
  return {
    clusterId: 'test',
    name: 'test',
    topology: 'base+1cp+2w',
    purpose: 'playground',
    seed: 'test',
    persistent: false,
    ...overrides,
  };
}
