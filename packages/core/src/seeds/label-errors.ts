import { defineErrors, kind } from '@seedbed/environments/errors'
import { didYouMean } from './nearest.js'

/** Apart from the other errors of seeds, for a test's process imports these alone. */
export const { errors: labelErrors, kinds: labelErrorKinds } = defineErrors({
  SEED_UNKNOWN_LABEL: kind<{
    table: string | undefined
    name: string
    near: string | undefined
    names: readonly string[]
  }>({
    title: 'A test asks for a labelled row that no seed has',
    why: '`seeds` holds the rows to which a seed gives a label, by table and label.',
    example: { table: 'users', name: 'adda', near: 'ada', names: ['ada', 'grace'] },
    message: d =>
      d.table === undefined
        ? `seeds.${d.name}: no seed labels a row of a table "${d.name}".${didYouMean(d.near)}`
        : `seeds.${d.table}.${d.name}: no seed has a row of ${d.table} with the label "${d.name}".${didYouMean(d.near)}`,
    hint: d =>
      d.names.length === 0
        ? 'No seed has labels. Write rows with labels as { "users": { "ada": { "name": "Ada" } } }.'
        : `There ${d.names.length === 1 ? 'is' : 'are'} ${d.names.slice(0, 20).join(', ')}${d.names.length > 20 ? ` and ${d.names.length - 20} more` : ''}.`,
  }),
})
