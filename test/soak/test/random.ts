/** Numbers from 0 to below 1 that a seed decides, so that what has failed can be repeated. */
export interface Random {
  (): number
  /** Whether something with this probability happens. */
  chance(probability: number): boolean
  oneOf<Item>(items: readonly Item[]): Item
}

/** Mulberry32, in the public domain: enough to choose victims and moments by. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return Object.assign(next, {
    chance: (probability: number) => next() < probability,
    oneOf: <Item>(items: readonly Item[]) => items[Math.floor(next() * items.length)]!,
  })
}
