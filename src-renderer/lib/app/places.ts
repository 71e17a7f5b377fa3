/** The nine places of the rail, in its order; also the first part of every address. */
export const places = [
  'today',
  'learn',
  'review',
  'practice',
  'exam',
  'cluster',
  'progress',
  'library',
  'settings',
] as const;

export type Place = (typeof places)[number];
