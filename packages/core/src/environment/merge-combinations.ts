/** Combinations that have one outcome: each of the chosen values of each way with each of the others. */
export interface Merged<Outcome> {
  /** For each way the indices of its values. */
  chosen: Set<number>[]
  outcome: Outcome
}

/**
 * Goes through every combination of a value from each list, and puts together those that have the same outcome. Each combination is in
 * one of the results and in no other. The last lists are put together first: they are most often those that make no difference.
 *
 * @example mergeCombinations([['a', 'b'], ['x', 'y']], ([first]) => first === 'a') // two: 'a' with x and y, 'b' with x and y
 */
export function mergeCombinations<Value, Outcome>(
  lists: readonly (readonly Value[])[],
  outcomeOf: (combination: Value[]) => Outcome,
): Merged<Outcome>[] {
  const outcomes = new Map<string, Outcome>()
  const indices = lists.reduce<number[][]>(
    (combinations, list) => combinations.flatMap(each => list.map((_, index) => [...each, index])),
    [[]],
  )
  let rows: Row[] = indices.map(combination => {
    const outcome = outcomeOf(combination.map((index, list) => lists[list]![index]!))
    const key = JSON.stringify(outcome)
    outcomes.set(key, outcome)
    return { chosen: combination.map(index => [index]), key }
  })
  for (let before = Infinity; rows.length < before;) {
    before = rows.length
    for (let list = lists.length - 1; list >= 0; list--) rows = mergedAlong(rows, list)
  }
  return rows.map(({ chosen, key }) => ({ chosen: chosen.map(each => new Set(each)), outcome: outcomes.get(key)! }))
}

interface Row {
  /** For each list the indices of its values, in their order. */
  chosen: number[][]
  key: string
}

/** Rows that differ in one list alone are one row. */
function mergedAlong(rows: Row[], list: number): Row[] {
  const merged = new Map<string, Row>()
  for (const { chosen, key } of rows) {
    const others = JSON.stringify([chosen.with(list, []), key])
    const same = merged.get(others)
    const values = [...(same?.chosen[list] ?? []), ...chosen[list]!].sort((a, b) => a - b)
    merged.set(others, { chosen: chosen.with(list, values), key })
  }
  return [...merged.values()]
}
