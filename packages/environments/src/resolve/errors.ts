import { defineErrors, kind } from '../errors/define-errors.js'

const listed = (names: string[], last: 'and' | 'or') =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} ${last} ${names.at(-1)}`

export interface NamedDatabase {
  environment: string
  database: string
}

export const { errors: environmentErrors, kinds: environmentErrorKinds } = defineErrors({
  ENVIRONMENTS_MISCONFIGURED: kind<{ option: string; problem: string }>({
    title: 'The environments of the config contradict themselves',
    why: 'An option of `environments` or `select` cannot mean anything. Nothing is guessed: the guess might be production.',
    example: { option: 'environments.int.tier', problem: 'it is missing' },
    message: ({ option, problem }) => `The config's ${option} cannot be used: ${problem}.`,
    hint: ({ option }) => `Mend ${option}; docs/guide/environments.md has an example of each option.`,
  }),
  ENVIRONMENT_UNKNOWN: kind<{ said: string; name: string; known: string[] }>({
    title: 'There is no such environment',
    why: 'The command line, a variable or a rule names an environment that the config does not have.',
    example: { said: 'DATABASE_TARGET=stagging', name: 'stagging', known: ['test', 'staging', 'production'] },
    message: ({ said, name }) => `${said}: there is no environment "${name}".`,
    hint: ({ known }) =>
      `There are ${listed(known, 'and')}. Name one of them, or add it to environments in the config.`,
  }),
  ENVIRONMENT_FLAG_UNCLEAR: kind<{ variable: string }>({
    title: 'A switch is neither on nor off',
    why: 'A selection flag decides which database is used. A value that is neither yes nor no would have to be guessed.',
    example: { variable: 'USE_PROD_DATABASE' },
    message: ({ variable }) => `${variable} is neither on nor off.`,
    hint: ({ variable }) => `Set ${variable} to true or false, or unset it.`,
  }),
  ENVIRONMENT_CONTRADICTION: kind<{ first: string; second: string }>({
    title: 'Two settings name two environments',
    why: 'Only one can be meant, and which one cannot be told.',
    example: { first: 'USE_STG_DATABASE=true', second: 'ENVIRONMENT=production' },
    message: ({ first, second }) => `${first} and ${second} name two environments.`,
    hint: ({ first, second }) => `Unset ${nameOf(first)} or ${nameOf(second)}, or say --env <name>, which goes first.`,
  }),
  PRODUCTION_NOT_CHOSEN: kind<{ said: string; environment: string; ways: string[] }>({
    title: 'Production has to be chosen',
    why: 'A branch, a script, a platform or a default never leads to production: nobody has said that it shall be touched.',
    example: {
      said: "branch main matches 'main'",
      environment: 'production',
      ways: ['--env production', 'ENVIRONMENT=production'],
    },
    message: ({ said, environment }) => `${said} leads to ${environment}, which has to be chosen explicitly.`,
    hint: ({ environment, ways }) => `If ${environment} is meant, say ${listed(ways, 'or')}.`,
  }),
  ENVIRONMENT_WITHOUT_URL: kind<{ environment: string; database: string | undefined; ways: string[] }>({
    title: 'Nothing says where an environment is',
    why: 'The environment was chosen, but neither the variables that its config names nor the config itself hold a URL.',
    example: { environment: 'staging', database: undefined, ways: ['STAGING_DATABASE_URL'] },
    message: ({ environment, database }) =>
      `Nothing says where ${database ? `the database ${database} of ` : ''}${environment} is.`,
    hint: ({ environment, ways }) =>
      ways.length > 0
        ? `Set ${listed(ways, 'or')}, in the environment or in .env.`
        : `Name in the config the variable that holds its URL: environments: { ${environment}: { variable: '${environment.toUpperCase().replaceAll('-', '_')}_DATABASE_URL' } }.`,
  }),
  TEST_WITHOUT_URL: kind<{ ways: string[] }>({
    title: 'Test has a database while tests run only',
    why:
      'Without a URL the databases of tests are made when a run starts, and are gone when it ends. Outside of a run there is ' +
      'none to connect to.',
    example: { ways: ['TEST_DATABASE_URL'] },
    message: () => 'This is test, outside of a test run: there is no database to connect to.',
    hint: ({ ways }) =>
      `Start it as seedbed run -- <command>, which gives it a database of its own${ways.length > 0 ? `, or set ${listed(ways, 'or')}` : ''}.`,
  }),
  ENVIRONMENT_URL_INVALID: kind<{ environment: string; from: string; problem: string }>({
    title: 'A URL does not name a PostgreSQL database',
    why: 'It has to lead to one database on one server, and say so itself.',
    example: { environment: 'staging', from: 'STAGING_DATABASE_URL', problem: 'it names no database' },
    message: ({ environment, from, problem }) => `The URL of ${environment}, from ${from}, cannot be used: ${problem}.`,
    hint: ({ from }) => `Set ${from} to the form postgresql://user:password@host:5432/database.`,
  }),
  ENVIRONMENT_NAME_TOO_LONG: kind<{ environment: string; name: string }>({
    title: "A database's name is too long",
    why: 'PostgreSQL cuts a name after 63 bytes, and then two environments could have one database.',
    example: { environment: 'feature-a-very-long-branch', name: 'portfolio_data_feature-a-very-long-branch' },
    message: ({ environment, name }) => `The database of ${environment} would be called ${name}: more than 63 bytes.`,
    hint: () => 'Use a shorter name for the branch, or a shorter template in environments.*.name.',
  }),
  ENVIRONMENTS_SHARE_DATABASE: kind<{ first: NamedDatabase; second: NamedDatabase; place: string }>({
    title: 'Two environments have the same database',
    why: 'What may be done in the one may not be done in the other. Their URLs lead to one place.',
    example: {
      first: { environment: 'test', database: 'main' },
      second: { environment: 'production', database: 'main' },
      place: 'db.example.com:5432/shop',
    },
    message: ({ first, second, place }) =>
      `${describe(first)} and ${describe(second)} are the same database, ${place}.`,
    hint: ({ first, second }) => `Correct the URL of ${first.environment} or of ${second.environment}.`,
  }),
})

const describe = ({ environment, database }: NamedDatabase) =>
  database === 'main' ? environment : `${database} of ${environment}`

const nameOf = (said: string) => said.replace(/[= ].*/s, '')
