import { defineErrors, kind } from '@seedbed/environments/errors'

export const { errors: prepareErrors, kinds: prepareErrorKinds } = defineErrors({
  CACHE_NOTHING_TO_KEEP: kind<{ server: string }>({
    title: 'There is no folder that a CI could cache',
    why: 'A cache holds the cluster of the PostgreSQL from npm. On a server of yours, or in a container, templates and worker databases stay where they are; and what the key would have to name, such as the version, only the server could say.',
    example: { server: 'postgresql://app@localhost:5432/test' },
    message: ({ server }) => `This project is tested on ${server}, which has no folder to cache, and so no cache key.`,
    hint: () =>
      'Leave the cache out: npx seedbed prepare makes the template and the worker databases on that server, once for all machines. For the PostgreSQL from npm, unset TEST_DATABASE_URL and leave environments.test.url and server out of the config.',
  }),
  DATABASE_NOT_CREATED: kind<{ environment: string; name: string; role: string; reason: string }>({
    title: 'A database could not be created',
    why: 'An environment whose database is not there gets one from `seedbed prepare`, if its role may create databases.',
    example: {
      environment: 'staging',
      name: 'shop_staging',
      role: 'app',
      reason: 'permission denied to create database',
    },
    message: ({ environment, name, reason }) => `"${name}" of ${environment} was not created: ${reason}.`,
    hint: ({ environment, name, role }) =>
      `As the server's administrator: ALTER ROLE "${role}" CREATEDB; or CREATE DATABASE "${name}" OWNER "${role}"; and then seedbed env claim ${environment}.`,
  }),
  STEP_FAILED: kind<{ environment: string; name: string; run: string; failure: string; output: string }>({
    title: 'A step of the project failed',
    why: "It ran by the shell in the config's folder, with DATABASE_URL, PG* and ENVIRONMENT of the environment, and did not end with exit code 0.",
    example: {
      environment: 'staging',
      name: 'embeddings',
      run: 'node scripts/embed.js',
      failure: 'ended with exit code 1',
      output: 'no model was found',
    },
    message: ({ environment, name, run, failure, output }) =>
      `The step ${name} on ${environment} (${run}) ${failure}.${output === '' ? '' : `\n\n  ${output.replaceAll('\n', '\n  ')}`}`,
    hint: () =>
      'Mend it and prepare again: what is done is not done twice, and this step runs again with those behind it. It cannot ask questions: there is no terminal behind it.',
  }),
  PREPARE_LOSES_PRESERVED: kind<{ environment: string }>({
    title: 'Preserved rows would go with the schema',
    why:
      'The schema is not one that the pending migrations lead to: a migration was edited after it had run, is not in the project, or something was ' +
      'changed by hand. It would have to be dropped and made anew, and rows that are preserved with it.',
    example: { environment: 'test' },
    message: ({ environment }) =>
      `${environment} was not made anew: it has preserved rows, and its schema cannot be brought up to date by migrations alone.`,
    hint: ({ environment }) =>
      `seedbed preserve --list --env ${environment} shows them. seedbed reset ${environment} --bare lets them go; then prepare again.`,
  }),
  PRODUCTION_SKIPPED: kind<{ environment: string; failed: string }>({
    title: 'Production was left alone, since another environment is not ready',
    why: 'Where all environments are prepared, production comes last, and only after the others have had the same migrations.',
    example: { environment: 'production', failed: 'staging' },
    message: ({ environment, failed }) => `${environment} was left alone: ${failed} is not ready.`,
    hint: ({ failed }) => `Make ${failed} ready first.`,
  }),
  BASELINE_OF_TOOL: kind<{ environment: string; migrations: string }>({
    title: 'The migration tool keeps its own notes',
    why: '--baseline writes into the notes of plain SQL files, of Prisma and of drizzle-kit. Those of other tools are theirs.',
    example: { environment: 'staging', migrations: 'knexfile.js (12 migrations of knex)' },
    message: ({ environment, migrations }) =>
      `${environment} was not changed: which migrations it has had, is noted by the tool itself: ${migrations}.`,
    hint: () => 'Use what the tool has for that, then prepare without --baseline.',
  }),
})
