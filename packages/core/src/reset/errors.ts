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
})
