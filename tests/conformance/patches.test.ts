import { afterAll, describe, expect, test } from 'vitest';
import { compared, comparedSteps, prepare } from './patches/compare.ts';
import { leftOver, stepLists } from './patches/definition-steps.ts';
import { sequenceOf } from './patches/sequences.ts';
import { ourSide, realSide } from './patches/side.ts';
import { subjects } from './patches/subjects.ts';

// Seeded sequences of patches and applies go to a real kube-apiserver, beside which no controllers run, and to ours; status,
// message, causes, warnings and objects incl. managed fields have to be the same. PATCHES_KIND, PATCHES_FROM and PATCHES_COUNT choose the sequences.
const kubeconfig = process.env['REAL_KUBECONFIG_ORACLE'];

if (!kubeconfig)
  test('patches as a real server takes them: NOT RUN, REAL_KUBECONFIG_ORACLE is not set', () => {
    console.warn('NOT RUN: comparing patches with a real server needs REAL_KUBECONFIG_ORACLE.');
  });
else
  describe('patches and applies leave what a real server leaves', async () => {
    const real = realSide(kubeconfig);
    const ours = await ourSide();
    const remove = await prepare(real, ours);
    afterAll(async () => {
      await remove();
      await real.close();
      await ours.close();
    });
    const kind = process.env['PATCHES_KIND'];
    const from = Number(process.env['PATCHES_FROM'] ?? 0);
    const count = Number(process.env['PATCHES_COUNT'] ?? 20);
    for (const subject of subjects.filter((each) => !kind || each.kind === kind))
      test(`${subject.kind}`, { timeout: 600_000 }, async () => {
        const found: string[] = [];
        let steps = 0;
        let equal = 0;
        for (let seed = from; seed < from + count; seed++) {
          const result = await compared(real, ours, sequenceOf(subject, String(seed)));
          steps += result.steps;
          equal += result.equal;
          found.push(...result.differences);
        }
        console.info(`${subject.kind}: ${equal} of ${steps} steps equal`);
        expect(found.join('\n\n')).toBe('');
      });
    for (const [name, steps] of Object.entries(stepLists).filter(
      ([each]) => !kind || each === kind,
    ))
      test(name, { timeout: 600_000 }, async () => {
        const result = await comparedSteps(real, ours, name, steps, leftOver);
        console.info(`${name}: ${result.equal} of ${result.steps} steps equal`);
        expect(result.differences.join('\n\n')).toBe('');
      });
  });
