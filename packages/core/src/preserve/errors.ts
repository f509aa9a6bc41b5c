import { defineErrors, kind } from '@seedbed/environments/errors'

export const { errors: preserveErrors, kinds: preserveErrorKinds } = defineErrors({
  PRESERVE_NO_TABLE: kind<{ environment: string; table: string; found: string[]; known: string[] }>({
    title: 'There is no table of this name whose rows could be preserved',
    why: 'A table is named as in SQL, with its schema where two schemas have one of this name.',
    example: { environment: 'test', table: 'user', found: [], known: ['public.users', 'public.orders'] },
    message: ({ environment, table, found }) =>
      found.length > 1
        ? `${environment} has ${found.join(' and ')}: say which.`
        : `${environment} has no table ${table}.`,
    hint: ({ known }) => `It has ${known.slice(0, 8).join(', ')}${known.length > 8 ? ', …' : ''}.`,
  }),
  PRESERVE_NO_KEY: kind<{ table: string }>({
    title: 'A row of a table without a primary key cannot be preserved',
    why: 'A mark says which row it is by its primary key. Without one, nothing tells it from another of the same content.',
    example: { table: 'public.events' },
    message: ({ table }) => `${table} has no primary key.`,
    hint: ({ table }) =>
      `Give it one in a migration: ALTER TABLE ${table} ADD PRIMARY KEY (…); or ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;`,
  }),
  PRESERVE_WRONG_KEY: kind<{ table: string; key: string[]; given: string[] }>({
    title: 'The key that was given is not the primary key of the table',
    why: 'Each column of the primary key needs its value, and no other column.',
    example: { table: 'public.prices', key: ['tenant_id', 'code'], given: ['tenant_id'] },
    message: ({ table, key, given }) =>
      `The primary key of ${table} is ${key.join(', ')}; given ${given.length === 0 ? 'is nothing' : `is ${given.join(', ')}`}.`,
    hint: ({ key }) =>
      key.length === 1
        ? 'Say the value behind the table: seedbed preserve users 42'
        : `Say --key ${key.map(column => `${column}=…`).join(',')}`,
  }),
  PRESERVE_NO_ROW: kind<{ table: string; what: string }>({
    title: 'There is no such row',
    why: 'What is to be preserved has to be there.',
    example: { table: 'public.users', what: 'id=42' },
    message: ({ table, what }) => `${table} has no row with ${what}.`,
    hint: () => 'Nothing was marked.',
  }),
  PRESERVE_BREAKS_SEEDS: kind<{ table: string; constraint: string; reason: string }>({
    title: 'What is preserved in the test database and the seeds cannot both be there in tests',
    why:
      'Tests see the preserved rows of the test database. A row of the seeds that has the same unique value as one of them gives way, and another ' +
      'row of the seeds refers to it; or a constraint allows only one of two. No template was built.',
    example: {
      table: 'public.orders',
      constraint: 'orders_user_id_fkey',
      reason: 'they refer to public.users (id=1), which gives way to a preserved row with the same unique value.',
    },
    message: ({ table, constraint, reason }) => `Rows of ${table} would break ${constraint}: ${reason}`,
    hint: () =>
      'Unmark the preserved row (seedbed preserve --list, then --off), give it another value, or change the seeds so that they do not meet.',
  }),
  PRESERVE_UNKNOWN_LABEL: kind<{ label: string; known: string[] }>({
    title: 'No row of the seeds has this label',
    why: '--label names a row of the seeds by its table and its label.',
    example: { label: 'users.adaa', known: ['users.ada', 'users.grace'] },
    message: ({ label }) => `The seeds have no row ${label}.`,
    hint: ({ known }) =>
      known.length === 0
        ? 'No row of the seeds has a label.'
        : `They have ${known.slice(0, 8).join(', ')}${known.length > 8 ? ', …' : ''}.`,
  }),
})
