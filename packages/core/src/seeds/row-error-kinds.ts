import { kind } from '@seedbed/environments/errors'
import { didYouMean } from './nearest.js'

const at = 'seeds/users.json:3:14'

/** What can be wrong with a row: its table, its columns, its values, its keys. */
export const rowErrorKinds = {
  SEED_UNKNOWN_TABLE: kind<{ at: string; table: string; near: string | undefined }>({
    title: 'A seed has rows for a table that does not exist',
    why: 'The name is looked for as it is written, capitals included, along the search path; after a dot, in the schema before it. The migrations have run by then.',
    example: { at, table: 'user', near: 'users' },
    message: d => `${d.at}: there is no table "${d.table}".${didYouMean(d.near)}`,
    hint: d =>
      d.near === undefined
        ? 'Correct the name, or write the schema in front of it ("sales.orders"), or add the migration that creates it.'
        : `Write "${d.near}", or add the migration that creates "${d.table}".`,
  }),
  SEED_NOT_A_TABLE: kind<{ at: string; table: string; kind: string }>({
    title: 'A seed has rows for something that is not a table',
    why: 'Seeds fill tables. A view shows what its tables hold; a foreign table lies on another server, which a seed must not write to.',
    example: { at, table: 'active_users', kind: 'view' },
    message: d => `${d.at}: "${d.table}" is a ${d.kind}, not a table.`,
    hint: () => 'Give the rows to the table behind it, or write to it in an .sql seed.',
  }),
  SEED_UNKNOWN_COLUMN: kind<{ at: string; table: string; column: string; near: string | undefined; columns: string[] }>(
    {
      title: 'A row has a value for a column that does not exist',
      why: 'The name is compared as it is written, capitals included.',
      example: { at, table: 'users', column: 'emial', near: 'email', columns: ['id', 'name', 'email'] },
      message: d => `${d.at}: the table ${d.table} has no column "${d.column}".${didYouMean(d.near)}`,
      hint: d =>
        d.near === undefined
          ? `Its columns are ${d.columns.join(', ')}.`
          : `Write "${d.near}". The columns are ${d.columns.join(', ')}.`,
    },
  ),
  SEED_UNKNOWN_FIELD: kind<{
    at: string
    table: string
    column: string
    type: string
    field: string
    near: string | undefined
    fields: string[]
  }>({
    title: 'A value of a composite type has a field that the type does not have',
    why: 'The server passes over fields that it does not know, so a misspelt one would be lost in silence.',
    example: {
      at,
      table: 'users',
      column: 'home',
      type: 'address',
      field: 'stret',
      near: 'street',
      fields: ['street', 'town'],
    },
    message: d =>
      `${d.at}: the type ${d.type} of ${d.table}.${d.column} has no field "${d.field}".${didYouMean(d.near)}`,
    hint: d => `The fields are ${d.fields.join(', ')}.`,
  }),
  SEED_GENERATED_COLUMN: kind<{ at: string; table: string; column: string }>({
    title: 'A row has a value for a generated column',
    why: 'PostgreSQL computes a column that is GENERATED ALWAYS AS (…) and takes no other value.',
    example: { at, table: 'users', column: 'full_name' },
    message: d => `${d.at}: ${d.table}.${d.column} is a generated column, and takes no value.`,
    hint: () => 'Leave it out. A label or a query shows what it becomes.',
  }),
  SEED_BAD_VALUE: kind<{
    at: string
    table: string
    column: string
    type: string | undefined
    value: string
    reason: string
  }>({
    title: 'A column’s type does not take a value',
    why: 'A value is read by the input function of the column’s type, as a literal in SQL would be.',
    example: {
      at,
      table: 'users',
      column: 'born',
      type: 'date',
      value: '"1815-13-10"',
      reason: 'date/time field value out of range: "1815-13-10"',
    },
    message: d =>
      `${d.at}: ${d.table}.${d.column}${d.type ? ` (${d.type})` : ''} does not take ${d.value}: ${d.reason}`,
    hint: () =>
      'Write the value as PostgreSQL would read it in a literal: "2024-01-31", "\\\\x6869" for bytea, [1, 2] for an array, "[1,5)" for a range.',
  }),
  SEED_NULL_VALUE: kind<{ at: string; table: string; column: string; given: boolean; reason: string }>({
    title: 'A row has no value for a column that must have one',
    why: 'The column is NOT NULL. A column that a row leaves out takes its default, and null where it has none.',
    example: {
      at,
      table: 'users',
      column: 'email',
      given: false,
      reason: 'null value in column "email" violates not-null constraint',
    },
    message: d =>
      d.given
        ? `${d.at}: ${d.table}.${d.column} is NOT NULL, and the row gives it null.`
        : `${d.at}: ${d.table}.${d.column} is NOT NULL and has no default, and the row leaves it out.`,
    hint: d => (d.given ? 'Give it a value, or leave it out if it has a default.' : 'Give it a value.'),
  }),
  SEED_CHECK_VIOLATED: kind<{ at: string; table: string; constraint: string; reason: string }>({
    title: 'A row breaks a check',
    why: 'A CHECK constraint, or the bounds of a partitioned table, do not let the row in.',
    example: {
      at,
      table: 'orders',
      constraint: 'orders_total_check',
      reason: 'new row for relation "orders" violates check constraint "orders_total_check"',
    },
    message: d => `${d.at}: ${d.reason}`,
    hint: d =>
      d.constraint ? `Look at the constraint ${d.constraint} of ${d.table}.` : `Look at the partitions of ${d.table}.`,
  }),
  SEED_DUPLICATE_KEY: kind<{
    at: string
    table: string
    key: string
    constraint: string
    first: string | undefined
    /** A column of the key that a sequence fills because the row leaves it out. */
    counted: string | undefined
    reason: string
  }>({
    title: 'Two rows have the same key',
    why: 'A primary key, a unique index or an exclusion constraint lets only one of them in.',
    example: {
      at,
      table: 'users',
      key: 'id = 1',
      constraint: 'users_pkey',
      first: 'seeds/users.json:2:14',
      counted: undefined,
      reason: 'duplicate key value violates unique constraint "users_pkey". Key (id)=(1) already exists.',
    },
    message: d =>
      `${d.at}: ${d.table} has a row with the same key already, ${d.first ? `at ${d.first}` : d.counted ? 'given or counted elsewhere' : 'which was there before this seed'}${d.key ? ` (${d.key})` : ''}. ${d.reason}`,
    hint: d =>
      d.counted
        ? `The row leaves ${d.counted} to its sequence, which has come to a value that another row gives. Give it to all rows of the table, or to none.`
        : 'Change the key of one of them, or remove it.',
  }),
  SEED_MISSING_REFERENCE: kind<{
    at: string
    table: string
    reference: string
    target: string
    key: string
    constraint: string
  }>({
    title: 'A row refers to a row that does not exist',
    why: 'Rows may stand in any order, in one file or in several JSON seeds that follow each other. What a foreign key refers to must be among them, or come from a migration or an earlier seed.',
    example: {
      at: 'seeds/posts.json:4:22',
      table: 'posts',
      reference: 'author_id = 7',
      target: 'users',
      key: 'id = 7',
      constraint: 'posts_author_id_fkey',
    },
    message: d =>
      `${d.at}: ${d.table} refers to a row that is not there: ${d.reference}, but ${d.target} has no row with ${d.key}.`,
    hint: d => `Add the row to ${d.target}, or correct the reference (foreign key ${d.constraint}).`,
  }),
  SEED_ROW_REFUSED: kind<{ at: string; table: string; reason: string; context: string | undefined; first?: boolean }>({
    title: 'The database refuses a row',
    why: 'A trigger, a row-level security policy, a generated column or a missing right does not let the row in. Seeds are loaded as the application’s role, and triggers fire as for any INSERT.',
    example: {
      at,
      table: 'orders',
      reason: 'the order has no lines',
      context: 'PL/pgSQL function check_order() line 3 at RAISE',
    },
    message: d =>
      `${d.at}: ${d.first ? `the rows of ${d.table}, of which this is the first, are refused` : `the row for ${d.table} is refused`}: ${d.reason}${d.context ? `\n${d.context}` : ''}`,
    hint: d => `Look at the triggers and policies of ${d.table}, or correct the row.`,
  }),
  SEED_COMMIT_REFUSED: kind<{ reason: string }>({
    title: 'What is checked when all seeds are in does not hold',
    why: 'Constraints that are INITIALLY DEFERRED, and constraint triggers, are checked when the transaction of all the seeds ends.',
    example: { reason: 'an order needs at least one line' },
    message: d => `All seeds are in, but a constraint that is checked at the end refuses them: ${d.reason}`,
    hint: () =>
      'No single row of a JSON seed could be found that breaks it. Look at the deferred constraints and constraint triggers.',
  }),
}
