import { defineErrors, kind } from '../errors/define-errors.js'

const at = 'seeds/users.json:3:14'

/** A sentence that names the likely meaning, or nothing. */
const didYouMean = (near: string | undefined) => (near === undefined ? '' : ` Did you mean "${near}"?`)

export const { errors: seedErrors, kinds: seedErrorKinds } = defineErrors({
  SEEDS_NOT_FOUND: kind<{ path: string; problem: string }>({
    title: 'Seeds that the config names are not there',
    why: '`seeds` in the config is a file or folder, or a list of them, counted from the config’s folder. A run without them would test against an empty database, so it stops.',
    example: { path: 'seed', problem: 'does not exist' },
    message: d => `seeds: ${d.path} ${d.problem}.`,
    hint: () => 'Correct `seeds` in seedbed.config, or remove it: a folder `seeds/` is found by itself.',
  }),
  SEED_UNKNOWN_KIND: kind<{ file: string }>({
    title: 'A file is not of a kind that seeds come in',
    why: 'Seeds are `.json`, `.sql`, and `.ts` or `.js` (with `m` or `c` too). What a file is, is told by its ending.',
    example: { file: 'seeds/users.yaml' },
    message: d => `${d.file} is neither .json, .sql, .ts nor .js.`,
    hint: () =>
      'Write the rows as JSON, or read the file in a seed in code: export default defineSeed(async ({ insert }) => …).',
  }),
  SEED_BROKEN_JSON: kind<{ at: string; problem: string }>({
    title: 'A seed is not JSON',
    why: 'Seeds are strict JSON (RFC 8259) in UTF-8: no comments, no comma after the last entry, names and strings in double quotes.',
    example: { at, problem: 'a comma is missing here' },
    message: d => `${d.at}: ${d.problem}.`,
    hint: () => 'Correct the file. An editor shows the place if it takes the file for JSON without comments.',
  }),
  SEED_WRONG_SHAPE: kind<{ at: string; wanted: string; found: string }>({
    title: 'A JSON seed does not have the shape of one',
    why: 'A seed is an object of tables. A table is a list of rows, or an object of rows by label. A row is an object of values by column.',
    example: {
      at,
      wanted: '"users" to be a list of rows, [row, …], or rows by label, { "label": row }',
      found: 'a string',
    },
    message: d => `${d.at}: expected ${d.wanted}, found ${d.found}.`,
    hint: () =>
      'Write { "users": [ { "id": 1, "name": "Ada" } ] }, or with labels { "users": { "ada": { "id": 1, "name": "Ada" } } }.',
  }),
  SEED_DUPLICATE_NAME: kind<{ at: string; what: 'table' | 'label' | 'column'; name: string; first: string }>({
    title: 'A name stands twice in one object of a seed',
    why: 'Most JSON parsers keep the last of two entries with the same name and drop the first in silence. Rows would be missing and nobody would know.',
    example: { at, what: 'table', name: 'users', first: 'seeds/users.json:2:3' },
    message: d => `${d.at}: the ${d.what} "${d.name}" stands here for the second time; the first is at ${d.first}.`,
    hint: d =>
      d.what === 'table'
        ? 'Put the rows of a table into one list, or into two files.'
        : 'Remove or rename one of them.',
  }),
  SEED_DUPLICATE_LABEL: kind<{ at: string; table: string; label: string; first: string }>({
    title: 'Two rows of a table have the same label',
    why: 'Labels of a table are shared by all its seeds: `seeds.users.ada` is one row.',
    example: { at: 'seeds/more-users.json:3:5', table: 'users', label: 'ada', first: at },
    message: d =>
      `${d.at}: the label "${d.label}" of ${d.table} is given for the second time; the first is at ${d.first}.`,
    hint: () => 'Rename one of them.',
  }),
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
      `${d.at}: ${d.table} has a row with the same key already, ${d.first ? `at ${d.first}` : d.counted ? 'given or counted elsewhere' : 'from a migration or an earlier seed'}${d.key ? ` (${d.key})` : ''}. ${d.reason}`,
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
  SEED_NOT_A_SEED: kind<{ file: string; found: string }>({
    title: 'A seed in code does not export a seed',
    why: 'A `.ts` or `.js` file among the seeds has to export what `defineSeed` returns as its default, and its function returns nothing or labelled rows.',
    example: { file: 'seeds/users.ts', found: 'nothing' },
    message: d =>
      `${d.file} exports ${d.found} as its default; a seed made by defineSeed is expected, whose function returns { table: { label: row } } or nothing.`,
    hint: () =>
      "Write: import { defineSeed } from '@seedbed/core'\n       export default defineSeed(async ({ insert }) => ({ users: { ada: await insert('users', { name: 'Ada' }) } }))\nHelper modules belong into a folder below the seeds.",
  }),
  SEED_FAILED: kind<{ file: string; reason: string }>({
    title: 'A seed in code failed',
    why: 'The file could not be loaded, or its function threw. Nothing of the seeds stays.',
    example: { file: 'seeds/users.ts', reason: "Cannot read properties of undefined (reading 'id') (line 7)" },
    message: d => `${d.file} failed: ${d.reason}`,
    hint: () => 'The error comes from the file itself, or from what it imports.',
  }),
  SEED_ENDED_TRANSACTION: kind<{ file: string }>({
    title: 'A seed ended the transaction of the seeds',
    why: 'All seeds are loaded in one transaction, so that either all of them are in or none. COMMIT or ROLLBACK inside a seed would leave a part.',
    example: { file: 'seeds/users.ts' },
    message: d => `${d.file} has ended the transaction in which the seeds are loaded.`,
    hint: () => 'Remove BEGIN, COMMIT and ROLLBACK from it; savepoints are allowed.',
  }),
  SEED_LABEL_WITHOUT_ROW: kind<{ file: string; table: string; label: string; keys: string[] }>({
    title: 'A seed in code labels something that is not a row of the table',
    why: 'A labelled row is read again when all seeds are in. So it has to be what `insert` returned for this table, or have its primary key.',
    example: { file: 'seeds/users.ts', table: 'users', label: 'ada', keys: ['id'] },
    message: d => `${d.file}: the label "${d.label}" of ${d.table} is not a row of that table.`,
    hint: d =>
      d.keys.length > 0
        ? `Return what insert('${d.table}', …) answered, or an object with ${d.keys.join(', ')}.`
        : `Return the very object that insert('${d.table}', …) answered: the table has no primary key to find it by.`,
  }),
  SEED_ROW_LOST: kind<{ at: string; table: string; label: string | undefined; keyed: boolean; inserted: boolean }>({
    title: 'A row that was just loaded cannot be found',
    why: 'A labelled row is read again when all seeds are in, by its primary key, or by its place in a table that has none. A trigger or a later seed may have removed it, changed its key, or put it into another table.',
    example: { at, table: 'users', label: 'ada', keyed: true, inserted: true },
    message: d =>
      `${d.at}: the row${d.label === undefined ? '' : ` with label "${d.label}"`} is not in ${d.table} ${d.inserted ? 'any more' : 'after its insertion: a trigger has kept it out or put it elsewhere'}.`,
    hint: d =>
      d.keyed
        ? 'Remove the label, or give the row its whole primary key in the seed, or look at what deletes it.'
        : `Remove the label, or give ${d.table} a primary key, by which a row is found after it was changed.`,
  }),
  SEED_SQL_IN_TEST: kind<{ file: string }>({
    title: '`loadSeed` was given an SQL file',
    why: '`loadSeed` adds rows atomically to what a test has; an SQL file may do anything, and a test can run it by itself.',
    example: { file: 'tests/orders.sql' },
    message: d => `loadSeed loads .json, .ts and .js; ${d.file} is SQL.`,
    hint: d => `Run it: await db.query(await readFile('${d.file}', 'utf8')).`,
  }),
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
