import { describe, expect, test } from 'vitest';
import {
  type CommandCard,
  facesOf,
  isTypedAnswer,
  judgeCommand,
  judgeManifest,
  parsePath,
  parseReference,
  type ObjectExpectation,
} from '#core/study';
import { basicCard } from '#tests/study';

describe('typed answers', () => {
  test.each([
    { typed: 'kubectl get pods', right: true, why: 'to the letter' },
    { typed: '  kubectl   get  pods ', right: true, why: 'white space does not matter' },
    { typed: 'Kubectl Get Pods.', right: true, why: 'nor case, nor a full stop' },
    { typed: '"kubectl get pods"', right: true, why: 'nor quotation marks' },
    { typed: 'kubectl get po', right: true, why: 'the alternative' },
    { typed: 'kubectl get pod s', right: false, why: 'a word torn apart' },
    { typed: 'kubectl get', right: false, why: 'only the beginning' },
    { typed: '', right: false, why: 'nothing' },
    { typed: '.*', right: false, why: 'no pattern is ever run' },
  ])('$typed is $right: $why', ({ typed, right }) => {
    expect(isTypedAnswer(typed, ['kubectl get pods', 'kubectl get po'])).toBe(right);
  });
});

test('references name objects of a namespace and of the cluster', () => {
  expect(parseReference('apps/v1/Deployment/default/web')).toEqual({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    namespace: 'default',
    name: 'web',
  });
  expect(parseReference('v1/Node/-/node01').namespace).toBeUndefined();
  expect(() => parseReference('v1/Pod')).toThrow('is not like apps/v1/Deployment/default/web');
});

test('paths read fields, items by a key, indices and keys with dots', () => {
  expect(parsePath('a.b[0].c[name=x].labels["k8s.io/y"]')).toEqual([
    'a',
    'b',
    0,
    'c',
    { key: 'name', value: 'x' },
    'labels',
    'k8s.io/y',
  ]);
  expect(() => parsePath('a[')).toThrow('is wrong at "["');
});

const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', labels: { 'app.io/name': 'web' } },
  spec: { replicas: 2, template: { spec: { containers: [{ name: 'nginx', image: 'nginx' }] } } },
};
const reference = 'apps/v1/Deployment/default/web';
const card = (expect: CommandCard['expect']): CommandCard => ({
  ...basicCard('scale'),
  kind: 'command',
  back: { ko: '', en: 'Well done.' },
  front: { ko: '', en: '' },
  host: 'controlplane',
  answer: 'kubectl scale …',
  expect,
});

describe('what a command brought about', () => {
  const outcome = { exitCode: 0, stdout: 'deployment scaled', stderr: '', objects: [deployment] };
  const judge = (expectation: ObjectExpectation, changes = {}) =>
    judgeCommand(card({ objects: [expectation] }), { ...outcome, ...changes }, 'en');

  test.each([
    { what: 'a field', expectation: { fields: { 'spec.replicas': 2 } } },
    {
      what: 'an item of a list',
      expectation: {
        fields: { 'spec.template.spec.containers[name=nginx].image': 'nginx' },
      },
    },
    { what: 'a key with dots', expectation: { has: ['metadata.labels["app.io/name"]'] } },
    { what: 'what must not be there', expectation: { lacks: ['spec.paused'] } },
  ])('is right by $what', ({ expectation }) => {
    expect(judge({ object: reference, ...expectation })).toEqual({
      correct: true,
      explanation: 'Well done.',
    });
  });

  test('is right however the command ended, when the outcome is', () => {
    expect(
      judge({ object: reference, fields: { 'spec.replicas': 2 } }, { exitCode: 1 }).correct,
    ).toBe(true);
  });

  test('a wrong value is named with what was expected and what is', () => {
    expect(judge({ object: reference, fields: { 'spec.replicas': 5 } })).toEqual({
      correct: false,
      explanation: 'spec.replicas of apps/v1/Deployment/default/web is not what was asked for.',
      expected: '5',
      actual: '2',
    });
  });

  test('a failed command explains itself', () => {
    const said = 'Error from server (NotFound): deployments.apps "webb" not found';
    expect(
      judge(
        { object: reference, fields: { 'spec.replicas': 5 } },
        { exitCode: 1, stderr: `${said}\n` },
      ).explanation,
    ).toBe(said);
  });

  test('an object that must go must be gone', () => {
    expect(judge({ object: reference, absent: true }).explanation).toBe(
      `${reference} still exists.`,
    );
    expect(judge({ object: reference, absent: true }, { objects: [null] }).correct).toBe(true);
    expect(judge({ object: reference }, { objects: [null] }).explanation).toBe(
      `${reference} does not exist.`,
    );
  });

  test('output must hold every text', () => {
    const wanted = card({ output: ['scaled', 'NODE'] });
    expect(judgeCommand(wanted, { ...outcome, objects: [] }, 'ko')).toEqual({
      correct: false,
      explanation: '출력에 있어야 할 내용이 없어요.',
      expected: 'NODE',
      actual: 'deployment scaled',
    });
  });
});

test('a refused manifest is explained in the words of the API server', () => {
  const message = 'strict decoding error: unknown field "metadata.lables"';
  expect(judgeManifest({ accepted: false, message }, [], 'en')).toEqual({
    correct: false,
    explanation: message,
  });
});

test('a manifest for another object is not the one asked for', () => {
  const renamed = { ...deployment, metadata: { name: 'wep' } };
  expect(
    judgeManifest({ accepted: true, objects: [renamed] }, [{ object: reference }], 'en')
      .explanation,
  ).toBe(`${reference} does not exist.`);
});

test('a cloze hides its answers in front and shows them behind', () => {
  const cloze = {
    ...basicCard('cloze'),
    kind: 'cloze' as const,
    text: { ko: '파드는 {{IP}}를 받아요', en: 'a Pod gets an {{IP}} of its {{own}}' },
    back: { ko: '', en: 'One.' },
  };
  expect(facesOf(cloze, 'en')).toEqual({
    front: 'a Pod gets an […] of its […]',
    back: 'a Pod gets an **IP** of its **own**\n\nOne.',
  });
});
