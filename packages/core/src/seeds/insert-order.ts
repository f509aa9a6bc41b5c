/**
 * Puts tables into an order in which each stands after those that it refers to. Tables of one cycle stand together, to
 * be filled by one statement; any other stands alone, a self-reference too. Otherwise the given order is kept.
 *
 * Tarjan's algorithm (1972, "Depth-first search and linear graph algorithms"): it yields the strongly connected
 * components in just this order.
 *
 * @param references what a table refers to; those that are not among `tables` do not count
 * @example insertOrder(['book', 'author'], table => (table === 'book' ? ['author'] : [])) // [['author'], ['book']]
 */
export function insertOrder<Table>(tables: readonly Table[], references: (table: Table) => Iterable<Table>): Table[][] {
  const known = new Set(tables)
  const order: Table[][] = []
  const visits = new Map<Table, { index: number; low: number; open: boolean }>()
  const path: Table[] = []

  function visit(table: Table): { low: number } {
    const own = { index: visits.size, low: visits.size, open: true }
    visits.set(table, own)
    path.push(table)
    for (const target of references(table)) {
      if (!known.has(target)) continue
      const seen = visits.get(target)
      if (!seen) own.low = Math.min(own.low, visit(target).low)
      else if (seen.open) own.low = Math.min(own.low, seen.index)
    }
    if (own.low === own.index) {
      const component = path.splice(path.indexOf(table))
      for (const member of component) visits.get(member)!.open = false
      order.push(component)
    }
    return own
  }
  for (const table of tables) if (!visits.has(table)) visit(table)
  return order
}
