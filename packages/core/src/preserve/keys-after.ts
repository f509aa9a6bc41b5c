import type { RowKey } from '../seeds/insert-rows.js'
import type { LabelledRow } from '../seeds/labelled-rows.js'
import type { GaveWay } from './add-preserved-rows.js'

/**
 * Where the row of a label is, when preserved rows are there: of a row that gave way, it is the preserved one with the same unique value.
 *
 * @example keysAfter([{ root: 16400, was: { id: '1', … }, now: { id: '10', … } }])(ada) // ['10']
 */
export function keysAfter(gaveWay: readonly GaveWay[]): (row: LabelledRow) => RowKey {
  return ({ table, key }) => {
    const names = table.primaryKey.length > 0 ? table.primaryKey : ['tableoid', 'ctid']
    const moved = gaveWay.find(
      ({ root, was }) => root === table.root && names.every((name, index) => was[name] === key?.[index]),
    )
    return moved ? names.map(name => moved.now[name]!) : key
  }
}
