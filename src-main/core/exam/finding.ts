/** What an assertion found: texts of names, values and signs only, so that they need no translation. */
export interface Finding {
  readonly holds: boolean;
  readonly expected: string;
  readonly actual: string;
}

/** Makes a finding. */
export function finding(holds: boolean, expected: string, actual: string): Finding {
  return { holds, expected, actual };
}
