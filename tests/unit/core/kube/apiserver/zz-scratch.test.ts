import { test } from 'vitest';
import fs from 'node:fs';
import { testServer } from './server.ts';
import { cases as cases2 } from "/tmp/cases2.mjs";
import { cases } from '/tmp/cases.mjs';
import { strategyFor } from '../../../../../src-main/core/kube/apis/kinds/registry.ts';
test('x', async () => {
  const { send, server } = testServer([], { strategyFor });
  await server.bootstrap();
  for (const [list, file] of [[cases, 'mine'], [cases2, 'mine2']]) {
  const out = [];
  for (const [m, p, b, ct, h] of list) {
    const a = await send(m, p, b ?? undefined, { 'content-type': ct || 'application/json', ...h });
    out.push({
      status: a.status,
      type: a.headers['content-type'],
      warning: a.headers['warning'],
      text: a.text,
    });
  }
  fs.writeFileSync('/tmp/' + file + '.json', JSON.stringify(out));
  }
});
