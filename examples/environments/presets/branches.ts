import { defineEnvironments } from '@seedbed/environments'

const server = { prefix: 'PORTFOLIO_DB_', defaults: { host: 'localhost', user: 'portfolio', password: 'portfolio' } }

/**
 * An environment for each branch of another repository, each with two databases whose names end in the branch's; only
 * production's have none. The branch goes before ENVIRONMENT.
 */
export default defineEnvironments({
  project: 'portfolio',
  databases: ['portfolio_data', 'market_data'],
  environments: {
    production: { parts: { prefix: 'PORTFOLIO_DB_' }, name: '{database}' },
    test: { parts: server, name: '{database}_{environment}' },
    '*': { tier: 'development', parts: server, name: '{database}_{environment}' },
  },
  select: {
    order: ['branch', 'variable'],
    repository: '../strategies',
    branches: { main: 'production', 'release/*': 'production', '*': '{branch}' },
    default: 'production',
  },
})
