import { customFixtures, fixtures } from './fixtures.ts';
import { documents, negotiation } from './negotiation.ts';
import { odd } from './odd.ts';
import { everyKind, paging, selectors, versions, watches } from './reads.ts';
import { collectRows, type WireRow } from './row.ts';

/** The rows in the order they are sent; after `setup` rows the server gets a moment. */
export const wireRows = (): readonly WireRow[] =>
  collectRows((rows) => {
    fixtures(rows);
    customFixtures(rows);
    paging(rows);
    versions(rows);
    watches(rows);
    selectors(rows);
    everyKind(rows);
    negotiation(rows);
    odd(rows);
    documents(rows);
  });
