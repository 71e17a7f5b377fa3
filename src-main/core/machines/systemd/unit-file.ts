import { type FileSystem, isPresent, joinPath } from '../filesystem/index.ts';

/** Where unit files are looked for, first match wins. */
export const unitDirectories = [
  '/etc/systemd/system',
  '/run/systemd/system',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
];

/** A unit as its file and drop-ins say. */
export interface UnitFile {
  readonly name: string;
  /** The main file; undefined for a unit of drop-ins only. */
  readonly path: string;
  readonly dropIns: readonly string[];
  readonly sections: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;
  /** The files' text, in order, for `systemctl cat`. */
  readonly texts: readonly { readonly path: string; readonly text: string }[];
}

/** @returns `masked`, or undefined when there is no such unit. */
export function loadUnit(files: FileSystem, name: string): UnitFile | 'masked' | undefined {
  const path = unitDirectories
    .map((directory) => joinPath(directory, name))
    .find((candidate) => isPresent(files, candidate));
  if (path === undefined) return undefined;
  if (isMasked(files, path)) return 'masked';
  const texts = [{ path, text: files.readText(path) }];
  const dropIns = new Map<string, string>();
  for (const directory of [...unitDirectories].reverse()) {
    const below = joinPath(directory, `${name}.d`);
    for (const file of list(files, below))
      if (file.endsWith('.conf')) dropIns.set(file, joinPath(below, file));
  }
  const ordered = [...dropIns].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, dropIn]) => dropIn);
  for (const dropIn of ordered) texts.push({ path: dropIn, text: files.readText(dropIn) });
  const sections = new Map<string, Map<string, string[]>>();
  for (const { text } of texts) parseInto(sections, text);
  return { name, path, dropIns: ordered, sections, texts };
}

/** Every unit that has a file, by name. */
export function unitNames(files: FileSystem): string[] {
  const names = new Set<string>();
  for (const directory of unitDirectories)
    for (const name of list(files, directory))
      if (/\.(service|target|timer|socket|mount)$/.test(name)) names.add(name);
  return [...names].sort();
}

function parseInto(sections: Map<string, Map<string, string[]>>, text: string): void {
  let section = new Map<string, string[]>();
  for (const line of text.replace(/\\\n\s*/g, ' ').split('\n')) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#') || trimmed.startsWith(';')) continue;
    const header = /^\[(.+)\]$/.exec(trimmed);
    if (header) {
      const name = header[1] ?? '';
      section = sections.get(name) ?? new Map<string, string[]>();
      sections.set(name, section);
      continue;
    }
    const at = trimmed.indexOf('=');
    if (at < 0) continue;
    const key = trimmed.slice(0, at).trim();
    const value = trimmed.slice(at + 1).trim();
    // An empty assignment starts a list anew.
    if (value === '') section.set(key, []);
    else section.set(key, [...(section.get(key) ?? []), value]);
  }
}

export function settings(unit: UnitFile, section: string, key: string): readonly string[] {
  return unit.sections.get(section)?.get(key) ?? [];
}

export function setting(unit: UnitFile, section: string, key: string): string | undefined {
  return settings(unit, section, key).at(-1);
}

/** Names in a dependency setting. */
export function dependencies(unit: UnitFile, key: string): string[] {
  return settings(unit, 'Unit', key).flatMap((value) => value.split(/\s+/));
}

/** `5`, `5s`, `1min 30s`, `100ms`, `infinity`, as milliseconds. */
export function duration(text: string | undefined, fallbackMs: number): number {
  if (text === undefined) return fallbackMs;
  if (text === 'infinity') return Infinity;
  let ms = 0;
  for (const [, number = '0', unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)\s*(ms|min|m|h|d|s)?/g))
    ms +=
      Number(number) *
      ({ ms: 1, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 }[unit] ?? 1000);
  return ms;
}

/** Splits a command or an Environment= value at blanks outside quotes. */
export function splitQuoted(text: string): string[] {
  const words: string[] = [];
  for (const match of text.matchAll(/(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|[^\s"']+)+/g)) {
    words.push(
      match[0].replace(
        /"((?:[^"\\]|\\.)*)"|'([^']*)'/g,
        (_, double?: string, single?: string) => double?.replace(/\\(.)/g, '$1') ?? single ?? '',
      ),
    );
  }
  return words;
}

/** An Exec line with its variables: `$X` alone is split into words, `${X}` stays one. */
export function commandLine(
  text: string,
  env: Readonly<Record<string, string>>,
): { argv: string[]; ignoreFailure: boolean } {
  const prefix = /^[-@:+!]*/.exec(text)?.[0] ?? '';
  const argv = splitQuoted(text.slice(prefix.length)).flatMap((word) => {
    const alone = /^\$(\w+)$/.exec(word);
    if (alone) return splitQuoted(env[alone[1] ?? ''] ?? '');
    return [
      word
        .replace(/\$\{(\w+)\}|\$(\w+)/g, (_, a?: string, b?: string) => env[a ?? b ?? ''] ?? '')
        .replace(/\$\$/g, '$')
        .replace(/%%/g, '%'),
    ];
  });
  return { argv, ignoreFailure: prefix.includes('-') };
}

/** Environment= and EnvironmentFile= of a service. @throws FileError a file without `-` is missing. */
export function environment(files: FileSystem, unit: UnitFile): Record<string, string> {
  const env: Record<string, string> = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LANG: 'C.UTF-8',
  };
  const assign = (word: string): void => {
    const at = word.indexOf('=');
    if (at > 0) env[word.slice(0, at)] = word.slice(at + 1);
  };
  for (const value of settings(unit, 'Service', 'Environment')) splitQuoted(value).forEach(assign);
  for (const value of settings(unit, 'Service', 'EnvironmentFile')) {
    const path = value.replace(/^-/, '');
    if (value.startsWith('-') && !files.exists(path)) continue;
    for (const line of files.readText(path).split('\n')) {
      const match = /^\s*([A-Za-z_]\w*)=(.*)$/.exec(line);
      if (match) env[match[1] ?? ''] = (match[2] ?? '').trim().replace(/^(["'])(.*)\1$/, '$2');
    }
  }
  return env;
}

export function isMasked(files: FileSystem, path: string): boolean {
  return (
    isPresent(files, path) &&
    files.lstat(path).kind === 'symlink' &&
    files.readlink(path) === '/dev/null'
  );
}

function list(files: FileSystem, path: string): readonly string[] {
  return files.exists(path) ? files.readdir(path) : [];
}
