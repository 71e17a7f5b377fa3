import type { CommandSpec } from '../command.ts';
import { ExitError } from '../errors.ts';
import type { Session } from '../session.ts';

/** Programs on the PATH whose names begin with `kubectl`. @see k8s.io/kubectl/pkg/cmd/plugin */
function listPlugins(session: Session): string[] {
  const { files, env } = session.io;
  const found: string[] = [];
  for (const folder of new Set((env['PATH'] ?? '').split(':').map((each) => each.trim()))) {
    if (folder === '') continue;
    if (!files.exists(folder) || files.stat(folder).kind !== 'directory') {
      session.err(
        `Unable to read directory "${folder}" from your PATH: open ${folder}: no such file or directory. Skipping...\n`,
      );
      continue;
    }
    const path = (name: string): string => `${folder === '/' ? '' : folder}/${name}`;
    for (const name of files.readdir(folder))
      if (name.startsWith('kubectl-') && files.stat(path(name)).kind !== 'directory')
        found.push(path(name));
  }
  return found;
}

export const pluginCommand: CommandSpec = {
  name: 'plugin',
  short: 'Provides utilities for interacting with plugins',
  use: 'kubectl plugin [flags] [options]',
  commands: [
    {
      name: 'list',
      short: "List all visible plugin executables on a user's PATH",
      use: 'kubectl plugin list [flags] [options]',
      flags: ['name-only:bool'],
      run: (session) => {
        const found = listPlugins(session);
        if (found.length === 0)
          throw new ExitError('error: unable to find any kubectl plugins in your PATH');
        session.out('The following compatible plugins are available:\n\n');
        for (const path of found)
          session.out(
            `${session.flags.bool('name-only') ? (path.split('/').at(-1) ?? path) : path}\n`,
          );
        return Promise.resolve(0);
      },
    },
  ],
};

export const alphaCommand: CommandSpec = {
  name: 'alpha',
  short: 'Commands for features in alpha',
  run: (session) => {
    session.err('No alpha commands are available in this version of kubectl\n');
    return Promise.resolve(0);
  },
};
