/**
 * Measures several ways of doing the same in turns: every round runs each way once, in an order that moves on from
 * round to round, so that what slows the machine down for a while hits all of them.
 *
 * @param {Record<string, (round: number) => Promise<unknown>>} ways a way answers with what it measured
 * @param {{ rounds: number, warmUps?: number }} options rounds that count, and rounds before them that do not
 * @returns {Promise<Record<string, any[]>>} of each way its measurements, one a round
 */
export async function inTurns(ways, { rounds, warmUps = 1 }) {
  const names = Object.keys(ways)
  const measured = Object.fromEntries(names.map(name => [name, []]))
  for (let round = -warmUps; round < rounds; round++) {
    const first = Math.abs(round) % names.length
    for (const name of [...names.slice(first), ...names.slice(0, first)]) {
      const result = await ways[name](round)
      if (round >= 0) measured[name].push(result)
    }
  }
  return measured
}

/** The median, and the two quartiles as the spread. */
export function summary(numbers) {
  return {
    median: quantile(numbers, 0.5),
    spread: [quantile(numbers, 0.25), quantile(numbers, 0.75)],
    rounds: numbers.length,
  }
}

/**
 * How many times as long `some` took as `others`: the median of the rounds' ratios. A round compares two moments that lie close
 * together; two medians may each come from another minute.
 */
export function ratios(some, others) {
  return summary(some.map((value, round) => value / others[round]))
}

export const median = numbers => quantile(numbers, 0.5)

/** @param {number} part 0.25 for the lower quartile */
export function quantile(numbers, part) {
  const sorted = numbers.toSorted((a, b) => a - b)
  const place = (sorted.length - 1) * part
  const below = sorted[Math.floor(place)]
  return below + (sorted[Math.ceil(place)] - below) * (place % 1)
}
