/** Media types by file name ending, as nginx's mime.types has them. */
const types: Readonly<Record<string, string>> = {
  html: 'text/html',
  htm: 'text/html',
  css: 'text/css',
  xml: 'text/xml',
  gif: 'image/gif',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  js: 'application/javascript',
  txt: 'text/plain',
  json: 'application/json',
  png: 'image/png',
  svg: 'image/svg+xml',
  ico: 'image/x-icon',
  webp: 'image/webp',
  woff: 'font/woff',
  woff2: 'font/woff2',
  pdf: 'application/pdf',
  zip: 'application/zip',
  wasm: 'application/wasm',
  mp4: 'video/mp4',
  mp3: 'audio/mpeg',
};

/** @returns undefined for an unknown ending. */
export function mediaType(path: string): string | undefined {
  const ending = /\.([A-Za-z0-9]+)$/.exec(path)?.[1]?.toLowerCase();
  return ending === undefined ? undefined : types[ending];
}

/** The text of `/etc/nginx/mime.types`. */
export function mimeTypesFile(): string {
  const lines = Object.entries(types).map(([ending, type]) => `    ${type.padEnd(40)} ${ending};`);
  return `types {\n${lines.join('\n')}\n}\n`;
}
