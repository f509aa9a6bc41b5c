import { defineErrors, kind } from '../errors/define-errors.js'

export const { errors: applicationErrors, kinds: applicationErrorKinds } = defineErrors({
  ENVIRONMENTS_NOT_READ: kind<{ file: string; problem: string }>({
    title: 'The environments cannot be read',
    why: '`seedbed.config.*` says which databases there are. Without it nothing can be chosen, and nothing is guessed.',
    example: { file: '/app/seedbed.config.ts', problem: "Cannot find module 'jiti'" },
    message: ({ file, problem }) => `The environments in ${file} cannot be read: ${problem}.`,
    hint: () =>
      'An application that ships without its development packages keeps its environments in a module that needs none: a .js ' +
      'or .json file. A .ts config needs Node 22.18, or jiti.',
  }),
  PRODUCTION_WITHOUT_CONSENT: kind<{ environment: string; terminal: boolean; variables: string[] }>({
    title: 'Production needs consent',
    why:
      'To choose production is not yet to be let in. At a terminal somebody has to type "yes"; where there is none, the ' +
      'config names a variable or a platform that only the production machine has.',
    example: { environment: 'production', terminal: true, variables: [] },
    message: ({ environment }) => `${environment} was chosen, and nobody has consented to it.`,
    hint: ({ environment, terminal, variables }) =>
      terminal
        ? `Start it as seedbed run --env ${environment} -- <command>, which asks. Only that command gets the consent.`
        : variables.length > 0
          ? `If this is the production machine, set ${variables.join(' or ')} there.`
          : "If this is the production machine, name in the config what shows it: consent: { variable: 'PRODUCTION_MODE' }, and set that there to true.",
  }),
  NOT_IN_TEST_MODE: kind<{ reason: string }>({
    title: 'This connection is not for tests',
    why: '`testMode: false` says that a connection never leads to test, whatever the environment is.',
    example: { reason: 'ENVIRONMENT=test' },
    message: ({ reason }) => `The environment is test (${reason}), and this connection is not in test mode.`,
    hint: () => 'Say databaseUrl({ testMode: true }) where test is meant, or choose another environment.',
  }),
  TEST_NOT_CHOSEN: kind<{ reason: string }>({
    title: 'Test was not chosen',
    why: 'An application goes to test in a test run, in test mode, or if somebody says so: never by a branch or by default.',
    example: { reason: 'default' },
    message: ({ reason }) => `This leads to test by ${reason}: nobody has said that it is a test.`,
    hint: () => 'Set ENVIRONMENT=test, say databaseUrl({ testMode: true }), or start it with seedbed run -- <command>.',
  }),
  DIALECT_WITHOUT_SOCKET: kind<{ dialect: string }>({
    title: 'The driver knows no unix sockets',
    why: 'The database is reached through the folder of a unix socket, and a JDBC URL cannot name one.',
    example: { dialect: 'jdbc:postgresql' },
    message: ({ dialect }) => `A ${dialect} URL cannot lead to a unix socket.`,
    hint: () => 'Give the environment a URL with a host name: the server has to listen on TCP.',
  }),
  DATABASE_NOT_HERE: kind<{ environment: string; database: string; known: string[] }>({
    title: 'The environment has no such database',
    why: "In a test run there is the first of the config's databases; elsewhere those that `databases` names.",
    example: { environment: 'test', database: 'analytics', known: ['main'] },
    message: ({ environment, database }) => `${environment} has no database "${database}" here.`,
    hint: ({ known }) => (known.length > 0 ? `It has ${known.join(', ')}.` : 'Start it with seedbed run -- <command>.'),
  }),
})
