import { defineEnvironments } from '@seedbed/environments'

/**
 * Production and its mirror for tests. An application's connection says `databaseUrl({ testMode: true })` or `false`; production
 * has to be named, as everywhere.
 */
export default defineEnvironments({
  project: 'screening',
  environments: {
    production: { parts: { prefix: 'DB_' } },
    test: {
      parts: {
        prefix: 'TEST_DB_',
        defaults: { host: 'localhost', port: 5433, user: 'screening_test', password: 'test', name: 'screening_test' },
      },
    },
  },
  select: { default: 'production' },
})
