import { join } from 'node:path';

/** Files of the program itself. */
export interface AppPaths {
  readonly root: string;
  /** The built page. */
  readonly page: string;
  readonly engineWorker: string;
  readonly cli: string;
  /** Prose of the API for `kubectl explain`; a build product. */
  readonly descriptions: string;
  readonly migrations: string;
  readonly content: string;
}

/** @param root folder of `package.json`; only entry files know where they lie, so they pass it down. */
export function appPaths(root: string): AppPaths {
  return {
    root,
    page: join(root, 'out', 'renderer'),
    engineWorker: join(root, 'out', 'main', 'engine-worker.js'),
    cli: join(root, 'out', 'main', 'cli.js'),
    descriptions: join(root, 'out', 'data', 'descriptions.json'),
    migrations: join(root, 'db', 'migrations'),
    content: join(root, 'content'),
  };
}
