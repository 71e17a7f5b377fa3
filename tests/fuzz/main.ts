import { parseArgs } from 'node:util';
import { fuzz } from './fuzz.ts';

// `npm run fuzz [-- --requests 200000 --seed a]`: random requests against an API server in this process. Exit code 1 when
// something was found; the seed finds it again.
const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '200000' },
    seed: { type: 'string', default: 'fuzz' },
  },
});
const report = await fuzz(values.seed, Number(values.requests));
for (const finding of report.findings) console.log(`FOUND ${finding}`);
console.log(
  `seed ${values.seed}: ${report.requests} requests in ${report.seconds.toFixed(1)} s, ${report.acknowledged} acknowledged writes, ${report.events} watch events, ${report.findings.length} findings`,
);
console.log(JSON.stringify(report.byStatus));
process.exit(report.findings.length > 0 ? 1 : 0);
