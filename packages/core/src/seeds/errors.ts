import { defineErrors, kind } from '@seedbed/environments/errors'
import { rowErrorKinds } from './row-error-kinds.js'

const at = 'seeds/users.json:3:14'

export const { errors: seedErrors, kinds: seedErrorKinds } = defineErrors({
  SEEDS_NOT_FOUND: kind<{ path: string; problem: string; by: 'seeds' | 'loadSeed' }>({
    title: 'Seeds that are asked for are not there',
    why: '`seeds` in the config is a file or folder, or a list of them, counted from the config’s folder. A run without them would test against an empty database, so it stops. `loadSeed` counts a path from there, too.',
    example: { path: 'seed', problem: 'does not exist', by: 'seeds' },
    message: d => `${d.by}: ${d.path} ${d.problem}.`,
    hint: d =>
      d.by === 'seeds'
        ? 'Correct `seeds` in seedbed.config, or remove it: a folder `seeds/` is found by itself.'
        : 'Correct the path, or count it from the test file: loadSeed(db, new URL(file, import.meta.url)).',
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
  SEED_NOT_A_SEED: kind<{ file: string; found: string }>({
    title: 'A seed in code does not export a seed',
    why: 'A `.ts` or `.js` file among the seeds has to export what `defineSeed` returns as its default, and its function returns nothing or labelled rows.',
    example: { file: 'seeds/users.ts', found: 'nothing' },
    message: d =>
      `${d.file} exports ${d.found} as its default; a seed made by defineSeed is expected, whose function returns { table: { label: row } } or nothing.`,
    hint: () =>
      "Write: import { defineSeed } from '@seedbed/core'\n       export default defineSeed(async ({ insert }) => ({ users: { ada: await insert('users', { name: 'Ada' }) } }))\nHelper modules belong into a folder below the seeds.",
  }),
  SEED_FAILED: kind<{ at: string; reason: string }>({
    title: 'A seed in code failed',
    why: 'The file could not be loaded, or its function threw. Nothing of the seeds stays.',
    example: { at: 'seeds/users.ts', reason: "Cannot read properties of undefined (reading 'id') (line 7)" },
    message: d => `${d.at}: the seed failed: ${d.reason}`,
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
  ...rowErrorKinds,
})
