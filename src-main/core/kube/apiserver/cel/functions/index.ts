import type { Implementations } from '../language/interpreter.ts';
import { arithmetic } from './arithmetic.ts';
import { authorization } from './authorizer.ts';
import { conversions } from './conversions.ts';
import { namedFormats } from './formats.ts';
import { lists } from './lists.ts';
import { networks } from './networks.ts';
import { quantities } from './quantities.ts';
import { semver } from './semver.ts';
import { strings } from './strings.ts';
import { times } from './times.ts';
import { urls } from './urls.ts';

export { CelAuthorizer } from './authorizer.ts';

/** What the functions of expressions do, by the ids of their overloads. */
export const implementations: Implementations = {
  ...arithmetic,
  ...conversions,
  ...times,
  ...strings,
  ...lists,
  ...quantities,
  ...urls,
  ...networks,
  ...semver,
  ...namedFormats,
  ...authorization,
};
