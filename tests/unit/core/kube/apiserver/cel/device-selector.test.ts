import { expect, test } from 'vitest';
import {
  checkDeviceSelector,
  compileDeviceSelector,
} from '../../../../../../src-main/core/kube/apiserver/cel/index.ts';

const device = {
  driver: 'gpu.example.com',
  attributes: {
    model: { string: 'a100' },
    index: { int: 3 },
    fast: { bool: true },
    release: { version: '1.2.0' },
    'other.example.com/zone': { string: 'z' },
  },
  capacity: { memory: { value: '40Gi' } },
};
const own = 'device.attributes["gpu.example.com"]';

test.each([
  ['the driver', 'device.driver == "gpu.example.com"', true],
  ['a name without a domain is the driver’s', `${own}.model == "a100"`, true],
  ['a name with a domain', 'device.attributes["other.example.com"].zone == "z"', true],
  ['numbers are whole', `${own}.index > 2`, true],
  ['an attribute is the answer', `${own}.fast`, true],
  ['versions are compared', `${own}.release.isLessThan(semver("1.10.0"))`, true],
  [
    'amounts are compared',
    'device.capacity["gpu.example.com"].memory.compareTo(quantity("41Gi")) >= 0',
    false,
  ],
  ['presence behind an index', `has(${own}.model) && !has(${own}.none)`, true],
  ['a domain that nothing has is empty', 'has(device.attributes["none.example.com"].a)', false],
  ['whether a domain is there', '"none.example.com" in device.attributes', false],
  ['names for parts', `cel.bind(a, ${own}, a.fast && a.index == 3)`, true],
  ['a device that is not shared', 'device.allowMultipleAllocations', false],
])('%s', (_why, expression, selected) => {
  expect(compileDeviceSelector(expression)(device)).toBe(selected);
});

test.each([
  ['an attribute that is not there', `${own}.none`, 'no such key: none'],
  [
    'an attribute that is no bool',
    `${own}.index`,
    "CEL result of type int could not be converted to bool: type conversion error from 'int' to 'bool'",
  ],
])('%s cannot be told', (_why, expression, problem) => {
  expect(() => compileDeviceSelector(expression)(device)).toThrow(problem);
});

test.each([
  ['device.driver', 'must evaluate to bool or the unknown type, not string'],
  [
    'device.foo',
    "compilation failed: ERROR: <input>:1:7: undefined field 'foo'\n | device.foo\n | ......^",
  ],
  [
    'device.driver == 1',
    "compilation failed: ERROR: <input>:1:15: found no matching overload for '_==_' applied to '(string, int)'\n | device.driver == 1\n | ..............^",
  ],
  [
    'has(device)',
    'compilation failed: ERROR: <input>:1:5: invalid argument to has() macro\n | has(device)\n | ....^',
  ],
])('%s is refused', (expression, problem) => {
  expect(checkDeviceSelector(expression)).toEqual({ problem });
});

// Answers of a real v1.36.3.
const all = 'device.attributes';
test.each([
  [`${all}.all(d, ${all}.all(e, ${all}[d].all(i, true)))`, undefined],
  [`${all}.all(d, ${all}[d].all(i, ${all}[d].all(j, i + j == "x")))`, undefined],
  [`device.driver.matches("a+") && ${own}.b.contains(device.driver)`, undefined],
  [`${all}.all(d, ${all}.all(e, ${all}[d].all(i, ${all}[e].all(j, true))))`, 'too complex'],
  [`${all}.all(d, ${all}.all(e, ${all}.all(f, d.contains(e))))`, 'too complex'],
])('%s costs at worst what is %s', (expression, answer) => {
  expect(checkDeviceSelector(expression)).toBe(answer);
});
