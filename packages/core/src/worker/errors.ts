import { defineErrors, kind } from '../errors/define-errors.js'

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
    example: { statement: 'update users …', test: 'renames' },
    message: d => `The test "${d.test}" had already ended when its \`db\` was asked to run: ${d.statement}`,
    hint: () => 'Await every promise of the test: look for a missing await, a floating promise or a timer.',
  }),
  DB_CONCURRENT: kind({
    title: '`db` was used while concurrent tests run',
    why: 'All tests of a worker share one transaction, so tests that overlap in time would see each other’s rows. The plain `db` import cannot know which of them a statement belongs to.',
    example: { test: 'renames', statement: 'select …' },
    message: d =>
      `\`db\` was used while the concurrent test "${d.test}" is running, and cannot know which test this belongs to: ${d.statement}`,
    hint: () =>
      'Take db from the test’s own fixture, test.concurrent("…", async ({ db }) => …): a concurrent test gets a session and a transaction of its own. Or make the test sequential.',
  }),
  DB_QUERY_OBJECT: kind({
    title: '`db` was given a query object',
    why: 'Objects that run themselves on a connection, such as those of pg-cursor and pg-query-stream, keep a portal open across round trips. The session behind `db` is shared by everything in the test and sends statements without waiting for each other, so it cannot be lent to one of them.',
    example: { kind: 'Cursor' },
    message: d => `\`db\` was given a query object (${d.kind}), and can run only text with parameters.`,
    hint: () => 'Pass the SQL as text; use DECLARE … CURSOR and FETCH where a cursor itself is what you test.',
  }),
  TRANSACTION_ENDED: kind({
    title: 'A statement ended the transaction that the worker lives in',
    why: 'Every test of a worker runs inside one transaction, which is rolled back. `BEGIN`, `COMMIT` and `ROLLBACK` as statements of their own are understood and become savepoints; hidden in the middle of a longer text, or inside a procedure that commits, they end the real transaction. What was committed can then not be rolled back, so the database is given up: nothing more runs in it, and the next run starts on a fresh clone.',
    example: { database: 'seedbed_shop_1f2e', statement: 'insert into a …; commit', scope: 'test "renames"' },
    message: d =>
      `In ${d.scope} a statement ended the transaction of worker database ${d.database}: ${d.statement}. What it committed cannot be rolled back, so nothing more will run there.`,
    hint: () =>
      'Send BEGIN, COMMIT and ROLLBACK as statements of their own. Code that has to commit inside a longer text or a procedure needs a database of its own, which this version cannot give yet.',
  }),
  TRANSACTION_UNSUPPORTED: kind({
    title: 'A transaction option that `db` cannot give',
    why: "The `db` of a test stands inside one transaction whose isolation level was fixed by its first statement. A plain BEGIN becomes a savepoint; an isolation level, READ ONLY, AND CHAIN or PREPARE TRANSACTION cannot be had there, and to ignore it silently would test something else than production's behaviour.",
    example: { statement: 'BEGIN ISOLATION LEVEL SERIALIZABLE' },
    message: d => `\`db\` cannot run this inside the worker's transaction: ${d.statement}`,
    hint: () => 'Use a plain BEGIN (START TRANSACTION) … COMMIT or ROLLBACK, or test this part without options.',
  }),
  SESSION_LOST: kind({
    title: "The worker's connection to its database was lost",
    why: 'The server closed the connection or went away: it was restarted, stopped, or ended the session (a time-out set on the role or database, an administrator). Rows written by this file are gone with it. The next file starts on a new connection.',
    example: { database: 'seedbed_shop_1f2e', reason: 'terminating connection due to administrator command' },
    message: d => `The connection to worker database ${d.database} was lost: ${d.reason}`,
    hint: () => "Look at the server's log if this was not on purpose; run the file again.",
  }),
  DATABASE_UNREACHABLE: kind({
    title: 'The worker cannot connect to its database',
    why: 'The run prepared a database for this worker, but connecting to it failed: the server has stopped meanwhile, or has no connections left.',
    example: { database: 'seedbed_shop_1f2e', reason: 'connect ECONNREFUSED' },
    message: d => `Cannot connect to worker database ${d.database}: ${d.reason}`,
    hint: () =>
      'If the server says "too many clients", lower the number of workers or raise max_connections; otherwise look at the server’s log.',
  }),
  CONNECTION_CHANGED: kind({
    title: 'A connection variable was changed inside the worker',
    why: 'Before any test module is loaded, Seedbed points DATABASE_URL and PG* at the worker’s database. Something has changed them since; most often `dotenv` with `override: true`, or a setup file that assigns them. Whatever connects now would reach another database, so the test is stopped first.',
    example: { variable: 'DATABASE_URL', value: 'postgresql://me@db.example.com/shop' },
    message: d => `${d.variable} was changed after Seedbed had set it; it is now ${d.value}.`,
    hint: () =>
      'Remove what sets it in tests: dotenv’s override, an assignment in a setup file, or a test that does not restore process.env.',
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
    why: 'With several projects in one run, a project inherits the plugins of the root only if it says so. Without them its tests would run on whatever DATABASE_URL says, so the run is stopped before the first test.',
    example: { project: 'api', file: '/home/ada/shop/vitest.config.ts' },
    message: d =>
      `The project "${d.project}" does not have the plugin, so its tests would have no database of their own.`,
    hint: d => `Add extends: true to that project, or plugins: [seedbed()] to its own config (${d.file}).`,
  }),
  RUNNER_TAKEN: kind({
    title: 'The config has a test runner of its own',
    why: 'Vitest has room for one runner, and only a runner sees a `describe` begin and end, which Seedbed needs to roll back what its beforeAll wrote.',
    example: { runner: './my-runner.ts' },
    message: d => `test.runner is ${d.runner}, and Vitest has room for one runner, which Seedbed needs.`,
    hint: () => 'Remove test.runner from the config, or run those tests in a project without Seedbed.',
  }),
  RUN_NOT_READY: kind({
    title: 'The run has no databases for its tests',
    why: 'In watch mode a seed or migration was changed, and a template could not be built from it. Until that is mended no test runs, for it would run on other data than its seed.',
    example: { reason: 'seeds/users.json:3:7: the table users has no column "nmae".' },
    message: d => d.reason,
    hint: () => 'Mend it; the tests run again as soon as the file is saved.',
  }),
})
