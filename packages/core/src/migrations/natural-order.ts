/**
 * Compares names as people count: numbers in them by value, so that 2_users.sql comes before 10_orders.sql. The rest
 * goes by character code, the same on every machine and whatever its language.
 *
 * @example ['10_b.sql', '2_a.sql'].sort(naturalOrder) // ['2_a.sql', '10_b.sql']
 */
export function naturalOrder(a: string, b: string): number {
  const left = a.split(/(\d+)/)
  const right = b.split(/(\d+)/)
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const [x, y] = [left[index]!, right[index]!]
    if (x === y) continue
    // the odd parts are the numbers, perhaps longer than a double holds; 01 and 1 are the same number, and go on
    if (index % 2 === 0) return x < y ? -1 : 1
    if (BigInt(x) !== BigInt(y)) return BigInt(x) < BigInt(y) ? -1 : 1
  }
  if (left.length !== right.length) return left.length - right.length
  return a < b ? -1 : a > b ? 1 : 0
}
