// Asks a real API server what it makes of every case in recordings.json (a dry run), and writes the answers into it.
// Usage: kubectl proxy --port=8001 & node record.mjs http://127.0.0.1:8001 NAMESPACE
import { readFileSync, writeFileSync } from 'node:fs';

const [base, namespace] = process.argv.slice(2);
const file = new URL('recordings.json', import.meta.url);
const cases = JSON.parse(readFileSync(file, 'utf8'));
for (const row of cases) {
  const response = await fetch(`${base}${row.path.replace('NS', namespace)}?dryRun=All`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(row.object),
  });
  const body = await response.json();
  const header = response.headers.get('warning') ?? '';
  const warnings = [...header.matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)].map((match) =>
    match[1].replace(/\\(.)/g, '$1'),
  );
  row.answer =
    body.kind === 'Status'
      ? {
          code: body.code,
          message: body.details?.causes ? undefined : body.message,
          causes: body.details?.causes,
        }
      : { code: response.status, spec: body.spec, type: body.type, data: body.data };
  if (warnings.length > 0) row.answer.warnings = warnings;
}
writeFileSync(file, `${JSON.stringify(cases, null, 1)}\n`);
