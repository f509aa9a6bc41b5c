import config from '../presets/one-server.ts'
import { selections } from './selections.ts'

const production = { DB_HOST: 'db.bookshop.example', DB_USER: 'live', DB_PASSWORD: 'p@ss/word' }

selections(config, [
  ['nothing is said', {}, '[DEV] localhost:5432/development_bookshop (default)'],
  ['a variable', { variables: { ENVIRONMENT: 'test' } }, '[TEST] localhost:5432/test_bookshop (ENVIRONMENT=test)'],
  [
    'a Windows shell leaves a blank behind',
    { variables: { ENVIRONMENT: 'Test ' } },
    '[TEST] localhost:5432/test_bookshop (ENVIRONMENT=Test)',
  ],
  [
    'production, explicitly',
    { variables: { ENVIRONMENT: 'production', ...production } },
    '[PROD] db.bookshop.example:5432/production_bookshop (ENVIRONMENT=production)',
  ],
  ['production has no defaults', { variables: { ENVIRONMENT: 'production' } }, 'ENVIRONMENT_WITHOUT_URL'],
  [
    'all three on one server',
    { variables: { ENVIRONMENT: 'development', ...production } },
    '[DEV] db.bookshop.example:5432/development_bookshop (ENVIRONMENT=development)',
  ],
  [
    'under a runner it is test, whatever ENVIRONMENT says',
    { variables: { ENVIRONMENT: 'production', JEST_WORKER_ID: '1', ...production } },
    '[TEST] db.bookshop.example:5432/test_bookshop (under Jest) ! ENVIRONMENT=production is not followed: tests run in test',
  ],
  [
    'the command line goes first',
    { flag: 'test', variables: { ENVIRONMENT: 'development' } },
    '[TEST] localhost:5432/test_bookshop (--env test) ! ENVIRONMENT=development is not followed: --env test goes first',
  ],
  ['an unknown name', { variables: { ENVIRONMENT: 'testing' } }, 'ENVIRONMENT_UNKNOWN'],
  ['a blank says nothing', { variables: { ENVIRONMENT: ' ' } }, '[DEV] localhost:5432/development_bookshop (default)'],
  [
    'the process goes before .env, and .env before the defaults',
    {
      variables: { DB_HOST: 'from-process' },
      envFile: { DB_HOST: 'from-file', DB_PORT: '6000', ENVIRONMENT: 'test' },
    },
    '[TEST] from-process:6000/test_bookshop (ENVIRONMENT=test)',
  ],
])
