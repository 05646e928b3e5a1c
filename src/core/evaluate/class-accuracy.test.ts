import { expect, it } from 'vitest';
import { accuracyObstacle } from './class-accuracy';

it('asks a classifier for the classes that it was trained on alone', () => {
  expect(accuracyObstacle(['cat', 'dog'], ['cat', 'dog'])).toBeNull();
  expect(accuracyObstacle(['cat', 'dog'], ['dog', 'cat'])).toBe('other classes');
  expect(accuracyObstacle(['cat', 'dog'], ['cat', 'dog', 'eel'])).toBe('other classes');
  expect(accuracyObstacle(['cat', 'dog', 'eel'], ['cat', 'dog'])).toBe('other classes');
  expect(accuracyObstacle(null, ['cat', 'dog'])).toBe('no classes');
  expect(accuracyObstacle(['cat'], ['cat'])).toBe('no classifier');
  expect(accuracyObstacle(['cat', 'dog'], null)).toBe('no classifier');
});
