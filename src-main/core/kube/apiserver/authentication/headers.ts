/** The values of a header that may have come several times: ApiRequest joins them with commas. */
export function headerValues(value: string | undefined): string[] {
  return (value ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
}

/** A key of extra data in a header's name: percent-encoded; a malformed one stands as it is. */
export function unescapeKey(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}
