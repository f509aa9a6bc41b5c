import config from '../presets/three-tiers.ts'
import { selections } from './selections.ts'

const urls = {
  INT_DATABASE_URL: 'postgresql://int:a@localhost/tickets_int',
  STG_DATABASE_URL: 'postgresql://stg:b@localhost/tickets_stg',
  PROD_DATABASE_URL: 'postgresql://live:c@db.tickets.example/tickets',
}

selections(config, [
  ['with no flag it is INT', { variables: urls }, '[INT] localhost:5432/tickets_int (default)'],
  [
    "the project's start script goes to STG",
    { variables: { ...urls, npm_lifecycle_event: 'start' } },
    '[STG] localhost:5432/tickets_stg (npm run start)',
  ],
  [
    'STG by its flag',
    { variables: { ...urls, USE_STG_DATABASE: 'true' } },
    '[STG] localhost:5432/tickets_stg (USE_STG_DATABASE=true)',
  ],
  [
    'PROD by its flag',
    { variables: { ...urls, USE_PROD_DATABASE: 'true' } },
    '[PROD] db.tickets.example:5432/tickets (USE_PROD_DATABASE=true)',
  ],
  [
    'a flag that is off',
    { variables: { ...urls, USE_PROD_DATABASE: 'false' } },
    '[INT] localhost:5432/tickets_int (default)',
  ],
  ['a flag that is neither', { variables: { ...urls, USE_PROD_DATABASE: 'maybe' } }, 'ENVIRONMENT_FLAG_UNCLEAR'],
  [
    'two flags',
    { variables: { ...urls, USE_STG_DATABASE: 'true', USE_PROD_DATABASE: 'true' } },
    'ENVIRONMENT_CONTRADICTION',
  ],
  [
    'a flag and a name that disagree',
    { variables: { ...urls, USE_STG_DATABASE: 'true', ENVIRONMENT: 'prod' } },
    'ENVIRONMENT_CONTRADICTION',
  ],
  [
    'a flag and a name that agree',
    { variables: { ...urls, USE_STG_DATABASE: 'true', ENVIRONMENT: 'STG' } },
    '[STG] localhost:5432/tickets_stg (USE_STG_DATABASE=true)',
  ],
  [
    "in CI the CI's database",
    { variables: { ...urls, CI: 'true', DATABASE_URL: 'postgresql://ci:ci@localhost:15432/ci' } },
    '[INT] localhost:15432/ci (default)',
  ],
  [
    'the same variable in .env is not of the CI',
    { variables: { ...urls, CI: 'true' }, envFile: { DATABASE_URL: urls.PROD_DATABASE_URL } },
    '[INT] localhost:5432/tickets_int (default)',
  ],
  [
    'nor if dotenv has copied it into the process',
    {
      variables: { ...urls, CI: 'true', DATABASE_URL: urls.PROD_DATABASE_URL },
      envFile: { DATABASE_URL: urls.PROD_DATABASE_URL },
    },
    '[INT] localhost:5432/tickets_int (default)',
  ],
  [
    "the CI's database is production",
    { variables: { ...urls, CI: 'true', DATABASE_URL: urls.PROD_DATABASE_URL } },
    'ENVIRONMENTS_SHARE_DATABASE',
  ],
  ['INT has no URL', { variables: {} }, 'TEST_WITHOUT_URL'],
  ['STG has no URL', { variables: { USE_STG_DATABASE: 'true' } }, 'ENVIRONMENT_WITHOUT_URL'],
  [
    'under a runner no flag counts',
    { variables: { ...urls, USE_PROD_DATABASE: 'true', VITEST: 'true' } },
    '[INT] localhost:5432/tickets_int (under Vitest) ! USE_PROD_DATABASE=true is not followed: tests run in test',
  ],
])
