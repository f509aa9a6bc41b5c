import config from '../presets/branches.ts'
import { selections } from './selections.ts'

const live = { PORTFOLIO_DB_HOST: 'db.portfolio.example' }

selections(config, [
  [
    'the branch',
    { branch: 'test-mean-reversion' },
    "[DEV] localhost:5432/portfolio_data_test-mean-reversion localhost:5432/market_data_test-mean-reversion (branch test-mean-reversion matches '*')",
  ],
  [
    'the branch goes before ENVIRONMENT; the command line before both',
    { branch: 'pairs', flag: 'momentum', variables: { ENVIRONMENT: 'pairs' } },
    '[DEV] localhost:5432/portfolio_data_momentum localhost:5432/market_data_momentum (--env momentum) ! ENVIRONMENT=pairs is not followed: --env momentum goes first',
  ],
  [
    'a slash in its name',
    { branch: 'feature/Mean reversion' },
    "[DEV] localhost:5432/portfolio_data_feature-mean-reversion localhost:5432/market_data_feature-mean-reversion (branch feature/Mean reversion matches '*')",
  ],
  [
    'no branch: ENVIRONMENT',
    { variables: { ENVIRONMENT: 'pairs' } },
    '[DEV] localhost:5432/portfolio_data_pairs localhost:5432/market_data_pairs (ENVIRONMENT=pairs)',
  ],
  ['the main branch is not enough for production', { branch: 'main', variables: live }, 'PRODUCTION_NOT_CHOSEN'],
  ['nor is a release', { branch: 'release/2.0', variables: live }, 'PRODUCTION_NOT_CHOSEN'],
  ['nor is nothing at all', { variables: live }, 'PRODUCTION_NOT_CHOSEN'],
  ['nor is a branch of that name', { branch: 'Production', variables: live }, 'PRODUCTION_NOT_CHOSEN'],
  [
    'production, explicitly: names without a suffix',
    { branch: 'main', variables: { ...live, ENVIRONMENT: 'production' } },
    "[PROD] db.portfolio.example:5432/portfolio_data db.portfolio.example:5432/market_data (branch main matches 'main')",
  ],
  [
    'production from another branch, by the command line',
    { branch: 'pairs', flag: 'production', variables: live },
    '[PROD] db.portfolio.example:5432/portfolio_data db.portfolio.example:5432/market_data (--env production)',
  ],
  [
    'a branch whose databases would have too long a name',
    { branch: 'a-strategy-whose-name-tells-the-whole-of-its-idea-in-one-line' },
    'ENVIRONMENT_NAME_TOO_LONG',
  ],
])
