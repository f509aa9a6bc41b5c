import { defineErrors, kind } from '../errors/define-errors.js'

const claimWith = (environment: string) => `seedbed env claim ${environment}`

export interface Refused {
  environment: string
  /** The database's name on its server. */
  name: string
}

const example: Refused = { environment: 'test', name: 'shop_test' }

export const { errors: guardErrors, kinds: guardErrorKinds } = defineErrors({
  GUARD_PROTECTED: kind<{ environment: string; operation: string }>({
    title: 'A protected environment is not destroyed',
    why: 'Production, and whatever the config protects, is never reset, dropped, truncated or overwritten. No flag, option or variable changes that.',
    example: { environment: 'production', operation: 'reset' },
    message: ({ environment, operation }) => `${environment} is protected: there is no ${operation} of it.`,
    hint: () => 'Choose another environment with --env. There is no way to permit this one.',
  }),
  GUARD_ONLY_TEST: kind<{ environment: string; runner: string }>({
    title: 'A test run works in test only',
    why: 'What runs under a test runner may change nothing but the environment that is there for it.',
    example: { environment: 'staging', runner: 'Vitest' },
    message: ({ environment, runner }) => `This runs under ${runner}, which may not touch ${environment}.`,
    hint: ({ environment }) => `Work on ${environment} with the seedbed command, outside of a test.`,
  }),
  GUARD_ENVIRONMENT_DIFFERS: kind<{ environment: string; problem: string }>({
    title: 'An environment is not the one of the config',
    why: 'What may be done is decided by the config. The environment that was handed over says otherwise, or is not in it.',
    example: { environment: 'production', problem: 'the config says that it is production' },
    message: ({ environment, problem }) =>
      `The environment ${environment} was not resolved from this config: ${problem}.`,
    hint: () => 'Hand over what resolveEnvironment has returned for this config, unchanged.',
  }),
  GUARD_CONNECTION_FAILED: kind<{ environment: string; place: string; reason: string }>({
    title: 'The database could not be looked at',
    why: 'Before anything is done the guard looks at the database itself. It could not, so nothing was done.',
    example: { environment: 'test', place: 'localhost:5432/shop_test', reason: 'connect ECONNREFUSED 127.0.0.1:5432' },
    message: ({ environment, place, reason }) => `${environment} at ${place} could not be looked at: ${reason}.`,
    hint: () => 'Start the server, or correct the URL. seedbed doctor says more.',
  }),
  GUARD_DATABASE_MISSING: kind<Refused & { place: string }>({
    title: 'The database is not there',
    why: 'The server answers, and has no database of this name.',
    example: { ...example, place: 'localhost:5432/shop_test' },
    message: ({ environment, name, place }) => `There is no database "${name}" of ${environment} at ${place}.`,
    hint: ({ environment }) => `seedbed prepare ${environment} makes it. If it has another name, correct the URL.`,
  }),
  GUARD_POOLER: kind<{ environment: string; place: string }>({
    title: 'A pooler shares the session with others',
    why: 'The guard looks at one session and hands over that very one. In transaction mode a pooler may put another in its place at any moment.',
    example: { environment: 'staging', place: 'pooler.example.com:6432/shop' },
    message: ({ environment, place }) => `${environment} at ${place} is behind a pooler that shares sessions.`,
    hint: () => 'Give the direct URL of the server, and name the pooler as pooled.',
  }),
  GUARD_IDENTITY_HIDDEN: kind<{ environment: string; role: string }>({
    title: 'The server does not say which one it is',
    why: 'The role may not ask for the identifier of the server. Without it a copy cannot be told from what it is a copy of.',
    example: { environment: 'staging', role: 'app' },
    message: ({ environment, role }) =>
      `The server of ${environment} does not tell the role "${role}" which one it is.`,
    hint: ({ role }) =>
      `As its administrator: GRANT EXECUTE ON FUNCTION pg_catalog.pg_control_system(), pg_catalog.pg_control_checkpoint() TO "${role}";`,
  }),
  GUARD_OTHER_DATABASE: kind<Refused & { found: string }>({
    title: 'The URL leads to another database',
    why: 'A pooler or a proxy may map names. What is named is not what would be touched.',
    example: { ...example, found: 'shop' },
    message: ({ environment, name, found }) =>
      `The URL of ${environment} names the database "${name}" and leads to "${found}".`,
    hint: () => 'Give the direct URL of the server.',
  }),
  GUARD_REPLICA: kind<Refused>({
    title: 'The server is a replica',
    why: 'It follows another server, and is what that one is.',
    example,
    message: ({ environment, name }) => `"${name}" of ${environment} is on a replica.`,
    hint: ({ environment }) => `Correct the URL of ${environment}: it has to lead to a server of its own.`,
  }),
  GUARD_BUSY: kind<Refused>({
    title: 'Somebody else works on the database',
    why: 'A database gets its marker while nobody works on it, and nobody works on it meanwhile.',
    example,
    message: ({ environment, name }) =>
      `"${name}" of ${environment} is being claimed, or is to be claimed while another command works on it.`,
    hint: () => 'Wait for the other command to end.',
  }),
  GUARD_REMEMBERED: kind<Refused & { protected: string }>({
    title: 'This is a protected database under another name',
    why: 'A command has met this very database, on this very server, as a protected one. The marker in it is missing or says the same.',
    example: { ...example, protected: 'production' },
    message: ({ environment, name, protected: other }) => `"${name}" of ${environment} is the database of ${other}.`,
    hint: ({ environment }) => `Correct the URL of ${environment}.`,
  }),
  GUARD_MARKER_MISSING: kind<Refused>({
    title: 'Nothing in the database says whose it is',
    why: 'Every database that Seedbed works on has a marker in it. This one was not made by Seedbed, or has lost its marker.',
    example,
    message: ({ environment, name }) => `"${name}" has no marker: nothing in it says that it is ${environment}.`,
    hint: ({ environment }) =>
      `Look what is in it. If it is ${environment}: ${claimWith(environment)}, which shows it and asks.`,
  }),
  GUARD_MARKER_STRANGE: kind<Refused & { problem: string }>({
    title: 'The marker is not as Seedbed makes it',
    why: 'A view, a rule or row security may show anything. What cannot be relied on says nothing.',
    example: { ...example, problem: 'it is a view' },
    message: ({ environment, name, problem }) =>
      `The marker seedbed.marker in "${name}" of ${environment} cannot be relied on: ${problem}.`,
    hint: ({ environment }) =>
      `Find out who has changed it. DROP SCHEMA seedbed by hand, then ${claimWith(environment)}.`,
  }),
  GUARD_MARKER_UNWRITABLE: kind<Refused & { reason: string }>({
    title: 'The marker could not be written',
    why: 'The role may not make the schema seedbed in the database, or not write into it.',
    example: { ...example, reason: 'permission denied for database shop_test' },
    message: ({ environment, name, reason }) =>
      `The marker of ${environment} could not be written into "${name}": ${reason}.`,
    hint: () => 'Do it as the owner of the database, or GRANT CREATE ON DATABASE to the role.',
  }),
  GUARD_MARKER_OF_ANOTHER: kind<Refused & { marked: string }>({
    title: 'The database belongs to something else',
    why: 'The marker in it names another environment, tier, database or project.',
    example: { ...example, marked: 'production (production), main of shop' },
    message: ({ environment, name, marked }) => `"${name}" is not of ${environment}: its marker says ${marked}.`,
    hint: ({ environment }) => `Correct the URL of ${environment}, or its name in the config.`,
  }),
  GUARD_MARKER_COPIED: kind<Refused & { marked: string }>({
    title: 'The marker came along in a copy',
    why: 'It was made for another database, and came here when that one was restored, cloned or renamed.',
    example: { environment: 'staging', name: 'shop_staging', marked: 'production (production), main of shop' },
    message: ({ environment, name, marked }) =>
      `"${name}" of ${environment} was copied from another database: ${marked}. Its marker came along.`,
    hint: ({ environment }) =>
      `Look what is in it. If it is to be ${environment}: ${claimWith(environment)}, which shows it and asks.`,
  }),
  GUARD_DATABASE_EXISTS: kind<Refused>({
    title: 'The database is there already',
    why: 'Only what was not there before is known to hold nothing.',
    example,
    message: ({ environment, name }) => `There is a database "${name}" already: it is not made for ${environment}.`,
    hint: ({ environment }) => `If it is ${environment}: ${claimWith(environment)}, which shows it and asks.`,
  }),
  GUARD_CLAIM_DECLINED: kind<Refused>({
    title: 'A claim was not confirmed',
    why: 'A database is claimed after somebody has seen what is in it, and has said yes.',
    example,
    message: ({ environment, name }) => `"${name}" was not claimed for ${environment}: it was not confirmed.`,
    hint: () => 'Nothing was changed.',
  }),
  GUARD_CLAIM_OF_PROTECTED: kind<Refused & { protected: string; problem: string }>({
    title: 'What is protected is not claimed for anything else',
    why:
      'The database is that of a protected environment, or a physical copy of it, which cannot be told from it by looking at the copy alone. ' +
      'It is claimed only while the protected one is reached at its own URL, and is another running server.',
    example: { ...example, protected: 'production', problem: 'it runs on the very same server' },
    message: ({ environment, name, protected: other, problem }) =>
      `"${name}" is not claimed for ${environment}: it is the database of ${other}, or a copy, and ${problem}.`,
    hint: ({ environment, protected: other }) =>
      `Correct the URL of ${environment}. If it is a promoted replica, let the URL of ${other} lead to the server that ${other} runs on.`,
  }),
  GUARD_TEMPLATE_REFUSED: kind<{ operation: string; name: string; problem: string }>({
    title: 'A database of an environment is no template',
    why: 'Templates and their clones are made and dropped by themselves. What an environment works with never is.',
    example: { operation: 'drop', name: 'shop_staging', problem: 'the config says that it is staging' },
    message: ({ operation, name, problem }) => `There is no ${operation} of "${name}" as a template: ${problem}.`,
    hint: () => 'Give the registry of templates another name, or correct the URL of the environment.',
  }),
  GUARD_NOT_GUARDED: kind<{ operation: string; problem: string }>({
    title: 'A session has not come through the guard',
    why: 'What destroys data takes a session that the guard has opened for that very operation, and no other.',
    example: { operation: 'reset', problem: 'the guard has not opened it' },
    message: ({ operation, problem }) => `This session may not be used to ${operation}: ${problem}.`,
    hint: ({ operation }) =>
      `Open it with openGuarded(target, '${operation}', options), and use it before it is closed.`,
  }),
  GUARD_MEMORY_UNREADABLE: kind<{ file: string; reason: string }>({
    title: 'What is known of protected databases cannot be read',
    why: 'Commands remember the servers of protected databases in the project, so that they are known without a connection.',
    example: { file: '/srv/shop/.seedbed/identities/production.main.json', reason: 'Unexpected end of JSON input' },
    message: ({ file, reason }) => `${file} cannot be used: ${reason}.`,
    hint: () => 'Remove the file, then run seedbed status --env with the protected environment, which writes it anew.',
  }),
})
