import { defineErrors, kind } from '@seedbed/environments/errors'

export const { errors: workerErrors, kinds: workerErrorKinds } = defineErrors({
  DB_OUTSIDE_RUN: kind({
    title: '`db` or `seeds` was used where no Seedbed run is under way',
    why: '`db` and `seeds` belong to a test worker. They have a database only inside a test file of a run whose config has the Seedbed plugin or preset; in a script, a global setup or another runner there is none, and Seedbed will not guess one.',
    example: { what: 'db' },
    message: d => `\`${d.what}\` was used, but this process is not a worker of a Seedbed run.`,
    hint: () =>
      "Add the plugin to the runner's config (Vitest: plugins: [seedbed()] from '@seedbed/vitest/plugin'), and use it only in test files and the setup files of that runner.",
  }),
  DB_OUTSIDE_FILE: kind({
    title: '`db` was used outside of any test file',
    why: 'Rows are rolled back with the scope in which they were written: a file, a `describe` or a test. Between two files there is no scope, so a statement there could not be undone.',
    example: { statement: 'insert into users …' },
    message: d => `\`db\` was asked to run a statement outside of any test file: ${d.statement}`,
    hint: () =>
      'Move it into beforeAll, beforeEach or a test. At the top level of a file nothing may touch the database yet.',
  }),
  DB_AFTER_TEST: kind({
    title: "A test's `db` was used after the test had ended",
    why: 'The `db` that a test gets from its fixture belongs to that test. A statement that comes later was most likely not awaited; run now, it would land in the next test.',
    example: { statement: 'update users …', scope: 'test "renames"' },
    message: d => `The ${d.scope} had already ended when its \`db\` was to run: ${d.statement}`,
    hint: () => 'Await every promise of the test: look for a missing await, a floating promise or a timer.',
  }),
  DB_CONCURRENT: kind({
    title: '`db` was used while concurrent tests run',
    why: 'All tests of a worker share one transaction, so tests that overlap in time would see each other’s rows. The plain `db` import cannot know which of them a statement belongs to.',
    example: { running: 'test "renames"', statement: 'select …' },
    message: d =>
      `\`db\` was used while the concurrent ${d.running} is running, and cannot know which test this belongs to: ${d.statement}`,
    hint: () =>
      'Take db from the test’s own fixture, test.concurrent("…", async ({ db }) => …): a concurrent test gets a session and a transaction of its own. Or make the test sequential.',
  }),
  CONCURRENT_TEST_RUNS: kind({
    title: 'A concurrent test does not end',
    why: 'Jest before 30.2 runs concurrent tests beside the others of their file. The others wait for them, since all share one transaction; this one has waited in vain.',
    example: { running: 'imports', scope: 'test "renames"' },
    message: d => `The concurrent test "${d.running}" has run for 20 s, and ${d.scope} cannot begin beside it.`,
    hint: () => 'Look for what it waits for, or make it sequential: test instead of test.concurrent.',
  }),
  TRANSACTION_ENDED: kind({
    title: 'Something was committed in the worker’s database',
    why: 'Every client of a worker’s `DATABASE_URL` shares one transaction, which is rolled back; their own COMMITs end no more than a savepoint. A statement has found a way out of it nevertheless, which no statement should. What it committed cannot be rolled back, so the database is given up: no test runs in it any more, and the next run starts on a fresh clone.',
    example: { database: 'seedbed_shop_1f2e' },
    message: d =>
      `A statement has ended the transaction of worker database ${d.database}. What it committed cannot be rolled back, so nothing more runs there.`,
    hint: () =>
      'The error of that statement stands above. Please report it; until then, test that code on a database of its own.',
  }),
  CONNECTION_CHANGED: kind({
    title: 'A connection variable was changed inside the worker',
    why: 'Before any test module is loaded, Seedbed points DATABASE_URL and PG* at the worker’s database. Something has changed them since; most often `dotenv` with `override: true`, or a setup file that assigns them. Whatever connects now would reach another database, so the test is stopped first.',
    example: { variable: 'DATABASE_URL', value: 'postgresql://me@db.example.com/shop' },
    message: d => `${d.variable} was changed after Seedbed had set it; it is now ${d.value}.`,
    hint: () =>
      'Remove what sets it in tests: dotenv’s override, an assignment in a setup file, or a test that does not restore process.env.',
  }),
  KEPT_WITH_TEST: kind({
    title: 'Rows that a test starts from were kept with another test',
    why: 'With SEEDBED_KEEP=failed, or `keep` in the config, the database of a failed test is kept as the test saw it, and the worker goes on in another one. What `beforeAll` had run for the file or the `describe` went with it. A test of the same file or `describe` would start without that, so it does not run.',
    example: { test: 'renames', scope: 'describe "users"' },
    message: d => `What ${d.scope} had written before its tests was kept with test "${d.test}", which has failed.`,
    hint: () =>
      'Mend that test, or look at what was kept, and run this one again. To have both run with SEEDBED_KEEP, write those rows in beforeEach, or in a seed.',
  }),
  ISOLATION_UNKNOWN: kind({
    title: 'There is no such isolation',
    why: '`isolation()` takes the name of one of three.',
    example: { found: 'commit', known: ['transaction', 'restore', 'database'] },
    message: d => `isolation('${d.found}') was called, and there is no such isolation.`,
    hint: d => `Those that there are: ${d.known.join(', ')}.`,
  }),
  ISOLATION_TOO_LATE: kind({
    title: '`isolation()` was called while tests run',
    why: 'The isolation of a test decides which database its hooks and the hooks around it use, so it has to be known before any of them runs.',
    example: { isolation: 'restore' },
    message: d => `isolation('${d.isolation}') was called in a test or hook, or outside of a test file.`,
    hint: d =>
      `Call it at the top of the file or of a describe, or for one test: isolation('${d.isolation}', test)('…', async () => { … }).`,
  }),
  ISOLATION_MIXED: kind({
    title: 'A test would not see what was written around it',
    why: 'A file, a `describe` and a test may each have an isolation of its own, and each isolation has its own database: what `beforeAll` has written under one is not there under another. A test that starts without it would run on other data than it expects, so it does not run.',
    example: { inner: 'test "pays"', isolation: 'restore', outer: 'file "orders.test.ts"', around: 'transaction' },
    message: d =>
      `${capital(d.inner)} has isolation '${d.isolation}', and would not see what ${d.outer} has run before it under isolation '${d.around}'.`,
    hint: d =>
      `Give both the same one, isolation('${d.isolation}') at the top of the file or describe; or write those rows in beforeEach, or in a seed.`,
  }),
  DDL_BEFORE_TESTS: kind({
    title: 'What a file or describe has changed cannot be put back to',
    why: 'Under isolation `restore` each test is put back to the seed and the rows that `beforeAll` has written. Only rows, sequences and large objects can be put back; `beforeAll` has changed the schema, or something else that cannot.',
    example: { scope: 'file "orders.test.ts"', reasons: ['CREATE TABLE public.note'] },
    message: d =>
      `Before its tests ${d.scope} has run what cannot be put back under isolation 'restore': ${d.reasons.join('; ')}.`,
    hint: () =>
      "Choose isolation('database') for it, where each test gets a copy of the database as it is then; or move the change into a migration.",
  }),
  COMMITTED_ROWS_LOST: kind({
    title: 'Rows that a test starts from went with another test',
    why: 'Under isolation `restore` a test that has changed the schema, or that was kept because it failed, leaves a database that nobody can use any more, and its worker goes on in another one. What `beforeAll` had committed for the file or the `describe` is not there. A test of the same file or `describe` would start without that, so it does not run.',
    example: { scope: 'describe "users"', cause: 'test "adds a column"' },
    message: d => `What ${d.scope} had committed before its tests went with the database of ${d.cause}.`,
    hint: () =>
      "Give the test that changes the schema a database of its own: isolation('database', test)('…', async () => { … }). Or write those rows in beforeEach, or in a seed.",
  }),
  NO_WORKER_DATABASE: kind({
    title: 'The run has no database for this worker',
    why: 'The run prepares one database per worker that the runner said it would start. A worker with a higher number has appeared.',
    example: { slot: 9, count: 8 },
    message: d => `Worker ${d.slot} has no database: the run prepared ${d.count}.`,
    hint: () =>
      'This is a bug in Seedbed or a runner version that it was not tested with. Set maxWorkers explicitly, and report it.',
  }),
  PROJECT_WITHOUT_SETUP: kind({
    title: 'A project of the runner does not have Seedbed’s set-up',
    why: 'With several projects in one run, a project inherits what the root config says only if it says so (Vitest), or not at all (Jest). Without Seedbed its tests would run on whatever DATABASE_URL says, so the run is stopped before the first test.',
    example: { project: 'api', file: '/home/ada/shop/vitest.config.ts', line: 'plugins: [seedbed()]' },
    message: d => `The project "${d.project}" does not have Seedbed, so its tests would have no database of their own.`,
    hint: d => `Add ${d.line} to that project, or to its own config (${d.file}).`,
  }),
  GLOBAL_SETUP_REPLACED: kind({
    title: 'Jest has not run Seedbed’s global set-up',
    why: 'Jest has room for one `globalSetup`, and one of your own stands in the place of the preset’s, which makes the databases ready. Or a project was added whose tests the set-up does not know.',
    example: { folder: '/home/ada/shop' },
    message: d => `No databases were made ready for ${d.folder}: the config has a globalSetup of its own.`,
    hint: () =>
      'Call Seedbed’s from yours, with the same parameters: const { default: seedbed } = await import("@seedbed/jest/global-setup"); await seedbed(globalConfig, projectConfig)',
  }),
  ENVIRONMENT_REPLACED: kind({
    title: 'A test file does not run in Seedbed’s Jest environment',
    why: 'Only the environment sees tests begin and end. A `testEnvironment` of your own stands in the place of the preset’s, or a test file names one with @jest-environment. Its tests would run without a database of their own, so they do not run.',
    example: {},
    message: () =>
      'This file’s tests run in another environment than Seedbed’s, so they would have no database of their own.',
    hint: () =>
      'Remove testEnvironment from the config, or @jest-environment from the file, and name the environment that Seedbed’s shall extend: testEnvironmentOptions: { environment: "jsdom" }, or in the file @jest-environment @seedbed/jest/environment and @jest-environment-options {"environment": "jsdom"}.',
  }),
  RUNNER_TAKEN: kind({
    title: 'The config has a test runner of its own',
    why: 'Vitest has room for one runner, and only a runner sees a `describe` begin and end, which Seedbed needs to roll back what its beforeAll wrote.',
    example: { runner: './my-runner.ts' },
    message: d => `test.runner is ${d.runner}, and Vitest has room for one runner, which Seedbed needs.`,
    hint: () => 'Remove test.runner from the config, or run those tests in a project without Seedbed.',
  }),
  RUN_NOT_READY: kind<{ reason: string; again: 'save' | 'start' }>({
    title: 'The run has no databases for its tests',
    why: 'In watch mode a template could not be built from a seed or migration. Until that is mended no test runs, for it would run on other data than its seed.',
    example: { reason: 'seeds/users.json:3:7: the table users has no column "nmae".', again: 'save' },
    message: d => d.reason,
    hint: d =>
      d.again === 'save'
        ? 'Mend it; the tests run again as soon as the file is saved.'
        : 'Mend what it has said when it failed, and start the runner again.',
  }),
})

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)
