import { defineErrors, kind } from '@seedbed/environments/errors'

export const { errors: resetErrors, kinds: resetErrorKinds } = defineErrors({
  RESET_FAILED: kind<{ environment: string; name: string; reason: string }>({
    title: 'A database could not be reset',
    why: 'A reset is one transaction. The server has refused a part of it, so that nothing was changed.',
    example: { environment: 'staging', name: 'shop_staging', reason: 'must be owner of table users' },
    message: ({ environment, name, reason }) => `"${name}" of ${environment} was not reset: ${reason}.`,
    hint: ({ reason }) =>
      reason.includes('must be owner')
        ? 'Let the URL name the role that owns the objects, or make it a member of that role: GRANT owner TO role.'
        : reason.includes('max_locks_per_transaction')
          ? 'Every object is locked until the end. Raise max_locks_per_transaction in the server’s configuration, and restart it.'
          : 'Mend what the server names, and run it again.',
  }),
  RESET_UNCONFIRMED: kind<{ environment: string; terminal: boolean }>({
    title: 'A reset was not confirmed',
    why: 'Only test is reset without a question. Every other environment keeps its data until somebody says that it may go.',
    example: { environment: 'staging', terminal: false },
    message: ({ environment, terminal }) =>
      `${environment} was not reset: ${terminal ? 'it was not confirmed' : 'there is no terminal at which somebody could be asked'}.`,
    hint: ({ terminal }) => (terminal ? 'Nothing was changed.' : 'Say --yes, or run it at a terminal.'),
  }),
  RESET_SCHEMA_DIFFERS: kind<{ environment: string; name: string; differences: string[] }>({
    title: 'The database does not have the schema that the seeds are for',
    why: 'The rows of the seeds are those of a database that has had all migrations of the project. Into another one they do not fit.',
    example: { environment: 'staging', name: 'shop_staging', differences: ['it has not had 012_orders.sql'] },
    message: ({ environment, name, differences }) =>
      `"${name}" of ${environment} was not reset: ${differences.join('; ')}.`,
    hint: ({ environment }) => `seedbed prepare ${environment} brings its schema up to date.`,
  }),
  RESET_SCHEMA_CHANGES: kind<{ times: number }>({
    title: 'The schema changed each time the tables were to be locked',
    why:
      'A reset locks the tables that it has found, and then looks whether they are still those that are there. Somebody else has created, ' +
      'altered or dropped something in between, again and again.',
    example: { times: 10 },
    message: ({ times }) => `The schema of the database has changed ${times} times while its tables were to be locked.`,
    hint: () => 'Nothing was changed. Run it again when nobody migrates the database.',
  }),
  RESET_NO_SUCH_TABLE: kind<{ environment: string; names: string[]; known: string[] }>({
    title: 'There is no table of this name to reset',
    why: '--tables, --except and --schema name tables and schemas of the database. A name that fits nothing is most likely misspelt.',
    example: { environment: 'staging', names: ['user'], known: ['public.users', 'public.orders'] },
    message: ({ environment, names }) => `${environment} has no ${names.join(', ')}.`,
    hint: ({ known }) => `It has ${known.slice(0, 8).join(', ')}${known.length > 8 ? ', …' : ''}.`,
  }),
  RESET_CONFLICT: kind<{ table: string; same: Record<string, string>; more: number }>({
    title: 'A row that stays meets a row of the seeds',
    why: 'Both have the same key, or the same value where only one may have it, and the rule that was chosen is to refuse that.',
    example: { table: 'public.users', same: { email: 'ada@example.com' }, more: 0 },
    message: ({ table, same, more }) =>
      `${table} has a row that stays and a row of the seeds with ${Object.entries(same)
        .map(([column, value]) => `${column} = ${value}`)
        .join(', ')}${more > 0 ? `; and ${more} more` : ''}.`,
    hint: () =>
      '--conflicts keep leaves the row of the seeds out; --conflicts seed lets the other one go; seedbed preserve --off unmarks it.',
  }),
  RESET_BREAKS_CONSTRAINT: kind<{ table: string; constraint: string; reason: string; gaveWay: string[] }>({
    title: 'What stays and what the seeds bring cannot both be there',
    why:
      'A row that stays has taken the place of a row of the seeds, and another row refers to the one that is not there, or a constraint allows ' +
      'only one of two. The reset is one transaction: nothing was changed.',
    example: {
      table: 'public.orders',
      constraint: 'orders_user_id_fkey',
      reason: 'Key (user_id)=(1) is not present in table "users".',
      gaveWay: ['public.users (email=ada@example.com)'],
    },
    message: ({ table, constraint, reason, gaveWay }) =>
      `Rows of ${table} would break ${constraint}: ${reason}${gaveWay.length > 0 ? ` What gave way: ${gaveWay.join(', ')}.` : ''}`,
    hint: () =>
      'Unmark the row that stays (seedbed preserve --off), change the seeds so that they do not meet, or choose --conflicts seed.',
  }),
})
