import { join } from 'node:path';
import { schemaSql } from '#node/sqlite';

/** `db/schema.sql`, the schema that all of `db/migrations` make together: its path from the root, its text. */
export function generateSchemaSql(root: string): readonly [path: string, text: string] {
  return ['db/schema.sql', schemaSql(join(root, 'db/migrations'))];
}
