import { expect, test } from 'vitest'
import { mergeCombinations } from '../../src/environment/merge-combinations.js'

test('what makes no difference is put together', () => {
  const merged = mergeCombinations(
    [
      ['a', 'b', 'c'],
      ['x', 'y'],
      ['1', '2'],
    ],
    ([first]) => first === 'a',
  )
  expect(merged).toEqual([
    { chosen: [new Set([0]), new Set([0, 1]), new Set([0, 1])], outcome: true },
    { chosen: [new Set([1, 2]), new Set([0, 1]), new Set([0, 1])], outcome: false },
  ])
})

test('whatever the outcomes: each combination stands in one place, under its own outcome', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const lists = Array.from({ length: (seed % 4) + 1 }, (_, list) =>
      Array.from({ length: ((seed >> list) % 3) + 1 }, (_, index) => index),
    )
    const outcomeOf = (combination: number[]) =>
      Math.floor(Math.abs(Math.sin(combination.reduce((sum, each) => sum * 3 + each + 1, seed)) * 1_000)) % 3
    const seen = new Set<string>()
    for (const { chosen, outcome } of mergeCombinations(lists, outcomeOf)) {
      const combinations = chosen.reduce<number[][]>(
        (before, values) => before.flatMap(each => [...values].map(value => [...each, value])),
        [[]],
      )
      for (const combination of combinations) {
        expect(outcome).toBe(outcomeOf(combination))
        expect(seen.has(combination.join())).toBe(false)
        seen.add(combination.join())
      }
    }
    expect(seen.size).toBe(lists.reduce((product, { length }) => product * length, 1))
  }
})
