import { expect, test } from 'vitest';
import { kubectlPlane } from '#tests/kubectl-plane';

const { run } = kubectlPlane([
  'create ns kept',
  'create cm one --from-literal=a=b',
  'create cm two --from-literal=a=b',
]);

const words = (...given: readonly string[]) => run(['__complete', ...given]);
test.each([
  [['desc'], ['describe']],
  [['roll'], ['rollout']],
  [
    ['rollout', 're'],
    ['restart', 'resume'],
  ],
  [['get', 'configm'], ['configmaps']],
  [['get', 'cm', 'o'], ['one']],
  [['get', 'cm/t'], ['cm/two']],
  [['-n', 'ke'], ['kept']],
  [['get', 'pods', '--namespace', 'ke'], ['kept']],
  [['-n', 'kept', 'get', 'cm', ''], []],
  [['get', 'pods', '-o', 'ya'], ['yaml']],
  [
    ['get', 'pods', '--output=js'],
    ['json', 'jsonpath='],
  ],
  [['create', 'deployment', '--repl'], ['--replicas=']],
  [['get', 'nothing', ''], []],
])('%j is completed', async (given, offered) => {
  expect(await words(...given)).toEqual({
    stdout: [...offered, ':4', ''].join('\n'),
    stderr: '',
    code: 0,
  });
});

test('the script for bash leads to the same answers', async () => {
  const { stdout, code } = await run('completion bash');
  expect(code).toBe(0);
  expect(stdout).toContain('kubectl __complete');
  expect(stdout).toContain('complete -o default -F __start_kubectl kubectl\n');
});

test.each([
  ['completion', 'Shell not specified.'],
  ['completion tcsh', 'Unsupported shell type "tcsh".'],
  ['completion bash more', 'Too many arguments. Expected only the shell type.'],
])('%s is refused', async (line, message) => {
  expect(await run(line)).toEqual({
    stdout: '',
    stderr: `error: ${message}\nSee 'kubectl completion -h' for help and examples\n`,
    code: 1,
  });
});
