import { defineEnvironments } from '@seedbed/environments'

/** INT for tests and by default, STG for development on a laptop, PROD behind a flag and a typed "yes". */
export default defineEnvironments({
  project: 'tickets',
  environments: {
    test: {
      aliases: ['int'],
      badge: { label: 'INT', colour: 'green' },
      variable: 'INT_DATABASE_URL',
      ci: { variable: 'DATABASE_URL' },
    },
    staging: { aliases: ['stg'], badge: { label: 'STG', colour: 'yellow' }, variable: 'STG_DATABASE_URL' },
    production: { aliases: ['prod'], badge: { label: 'PROD', colour: 'red' }, variable: 'PROD_DATABASE_URL' },
  },
  select: {
    flags: { staging: 'USE_STG_DATABASE', production: 'USE_PROD_DATABASE' },
    scripts: { start: 'staging', dev: 'staging' },
    default: 'test',
  },
  consent: { variable: 'PRODUCTION_MODE' },
})
