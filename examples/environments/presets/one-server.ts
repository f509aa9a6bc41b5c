import { defineEnvironments } from '@seedbed/environments'

const parts = { prefix: 'DB_', defaults: { host: 'localhost', user: 'bookshop', password: 'bookshop' } }

/** Three databases on one server, chosen by ENVIRONMENT; development where it is unset. */
export default defineEnvironments({
  project: 'bookshop',
  environments: {
    production: { parts: { prefix: 'DB_' }, name: '{environment}_bookshop' },
    development: { parts, name: '{environment}_bookshop' },
    test: { parts, name: '{environment}_bookshop' },
  },
})
