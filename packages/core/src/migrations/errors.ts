import { defineErrors, kind } from '@seedbed/environments/errors'
import { filePlace, sqlErrorKinds } from './sql-errors.js'

/** How to name the migrations in the config, for what Seedbed does not know or cannot decide. */
const commandExample = "migrations: { command: 'npm run migrate', dependsOn: ['src/migrations'] }"

export const { errors: migrationErrors, kinds: migrationErrorKinds } = defineErrors({
  ...sqlErrorKinds,
  MIGRATIONS_NOT_FOUND: kind<{ path: string; project: string; near: string | undefined }>({
    title: 'The migrations that the config names are not there',
    why: 'The option `migrations`, or a path of its `dependsOn`, names a file or folder that does not exist.',
    example: { path: './migration', project: '/app', near: 'migrations' },
    message: ({ path, project }) => `The config names ${path}, which does not exist in ${project}.`,
    hint: ({ near }) => (near ? `Did you mean ${near}?` : "Paths start from the config's folder."),
  }),
  MIGRATIONS_AMBIGUOUS: kind<{ project: string; candidates: string[] }>({
    title: 'There are two candidates for the migrations',
    why:
      'Without the option `migrations` Seedbed takes what it finds. With two it does not guess which one makes the ' +
      'schema.',
    example: { project: '/app', candidates: ['migrations', 'schema.sql'] },
    message: ({ project, candidates }) =>
      `${project} holds ${candidates.join(' and ')}: it is not clear which one makes the schema.`,
    hint: ({ candidates }) =>
      `Say it in seedbed.config: ${candidates.map(each => `migrations: './${each}'`).join(' or ')}.`,
  }),
  MIGRATIONS_UNKNOWN: kind<{ path: string; problem: string }>({
    title: 'It is not clear how to run the migrations',
    why:
      'Something is there that looks like migrations, but none of the kinds that Seedbed runs itself. To go on without ' +
      'them would give tests an empty database.',
    example: { path: 'migrations', problem: 'holds modules, but it does not say which tool runs them' },
    message: ({ path, problem }) => `${path} ${problem}.`,
    hint: ({ path, problem }) =>
      problem.includes('Prisma')
        ? `Make migrations with \`npx prisma migrate dev\`, or push the schema: migrations: { command: 'npx prisma db push', dependsOn: ['${path}'] }.`
        : problem.includes('where there are no migrations')
          ? `Make migrations with \`npx drizzle-kit generate\`, or push the schema: migrations: { command: 'npx drizzle-kit push --force', dependsOn: ['${path}', 'src/schema.ts'] }.`
          : `Name the folder itself, or the tool's command: ${commandExample}.`,
  }),
  MIGRATIONS_EMPTY: kind<{ path: string; expected: string }>({
    title: 'The migrations that the config names are empty',
    why: 'The path exists, but nothing in it could be run. Tests would get an empty database.',
    example: { path: 'prisma/migrations', expected: 'folders with a migration.sql' },
    message: ({ path, expected }) => `${path} holds no ${expected}.`,
    hint: () => 'Name another path in the option `migrations`, or leave the option out if there are no migrations.',
  }),
  MIGRATIONS_BROKEN: kind<{ path: string; problem: string }>({
    title: "A migration tool's own files are not in order",
    why:
      'Seedbed reads what the tool has written to find out what runs in which order. It does not guess where something ' +
      'is missing.',
    example: { path: 'drizzle/meta/_journal.json', problem: 'names 0003_orders, but 0003_orders.sql cannot be read' },
    message: ({ path, problem }) => `${path} ${problem}.`,
    hint: () => `Mend it with the tool, or run the tool itself: ${commandExample}.`,
  }),
  MIGRATION_TOOL_MISSING: kind<{ file: string; tool: string; packages: string }>({
    title: 'A migration tool is not installed',
    why: "The tool is the project's own: Seedbed brings none, so that tests use the version that production uses.",
    example: { file: 'knexfile.js', tool: 'knex', packages: 'knex pg' },
    message: ({ file, tool }) => `${file} needs the package ${tool}, which cannot be found from its folder.`,
    hint: ({ packages }) => `npm install --save-dev ${packages}`,
  }),
  MIGRATION_MODULE_FAILED: kind<{
    file: string
    line?: number | undefined
    column?: number | undefined
    message: string
    output: string
  }>({
    title: 'A migration threw an error',
    why: 'A migration or seed written as a module failed with an error that does not come from the server.',
    example: {
      file: 'migrations/002_orders.js',
      line: 4,
      column: 9,
      message: "Cannot find module './towns.json'",
      output: '',
    },
    message: ({ message, output, ...at }) => `${filePlace(at)}: ${message}${shownOutput(output)}`,
    hint: () => 'Mend it and run again. A template that was not finished is thrown away.',
  }),
  MIGRATION_COMMAND_FAILED: kind<{ command: string; failure: string; output: string }>({
    title: 'The migration command failed',
    why:
      "The command ran in the config's folder with DATABASE_URL and PG* of the new database, and did not end with exit " +
      'code 0.',
    example: {
      command: 'npm run migrate',
      failure: 'ended with exit code 1',
      output: 'relation "users" does not exist',
    },
    message: ({ command, failure, output }) => `${command} ${failure}.${shownOutput(output)}`,
    hint: () =>
      'The output above is the end of what it wrote. It cannot ask questions: there is no terminal behind it.',
  }),
  MIGRATION_COMMAND_IDLE: kind<{ command: string; output: string }>({
    title: 'The migration command has made nothing',
    why:
      'It ended with exit code 0, but the new database is as empty as before. Most likely it migrated another database: ' +
      'one named in a .env file or in a config, and not in DATABASE_URL.',
    example: { command: 'npm run migrate', output: 'No pending migrations.' },
    message: ({ command, output }) =>
      `${command} ended well, but has made nothing in the new database.${shownOutput(output)}`,
    hint: () =>
      'Let it connect to process.env.DATABASE_URL (or PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE), which must win ' +
      'over a .env file.',
  }),
  MIGRATION_UNFINISHED: kind<{ environment: string; name: string; again: string }>({
    title: 'A migration has not come to its end',
    why:
      'It runs outside a transaction, and was interrupted or failed: a part of it may be there. Nothing else is run on top of ' +
      'that before somebody has looked.',
    example: {
      environment: 'staging',
      name: '007_index.sql',
      again: "delete from seedbed.migrations where name = '007_index.sql';",
    },
    message: ({ environment, name }) => `${name} was begun on ${environment}, and has not come to its end.`,
    hint: ({ name, again }) =>
      `Look what it has left, undo that, and let it run again: ${again} Then prepare again. (${name} is not run twice by itself.)`,
  }),
  MIGRATIONS_UNRECORDED: kind<{ environment: string; path: string; tables: string[] }>({
    title: 'Nothing says which migrations a database has had',
    why:
      'It holds tables, but no note of a migration: it was made by hand, by another tool, or restored without the notes. To run ' +
      'them all would be to guess.',
    example: { environment: 'staging', path: 'migrations', tables: ['public.users', 'public.orders'] },
    message: ({ environment, path, tables }) =>
      `${environment} has tables (${tables.join(', ')}, …), and nothing in it says which migrations of ${path} it has had.`,
    hint: ({ environment }) =>
      `If another tool migrates it, say so: ${commandExample}. If it has had all of them up to one: seedbed prepare ${environment} --baseline NAME. To begin anew: --fresh.`,
  }),
  MIGRATION_UNKNOWN: kind<{ name: string; path: string; known: string[] }>({
    title: 'There is no migration of this name',
    why: 'What a database has had is noted by the names of the files, or of the folders of Prisma and drizzle-kit.',
    example: { name: '12.sql', path: 'migrations', known: ['001_users.sql', '012_orders.sql'] },
    message: ({ name, path }) => `${path} has no migration ${name}.`,
    hint: ({ known }) => `The last of them are ${known.slice(-3).join(', ')}.`,
  }),
  MIGRATIONS_RECORDED: kind<{ environment: string; name: string }>({
    title: 'It is known which migrations the database has had',
    why: 'A baseline is for a database of which nothing is known. Where notes are there, they count.',
    example: { environment: 'staging', name: '012_orders.sql' },
    message: ({ environment, name }) => `${environment} has notes of its migrations already, up to ${name}.`,
    hint: () => 'Leave --baseline out.',
  }),
  SCHEMA_FILE_CHANGED: kind<{ environment: string; file: string }>({
    title: 'A schema that stands in one file has changed',
    why: 'The file makes the whole schema on an empty database. What it would have to change in one that holds data, it does not say.',
    example: { environment: 'staging', file: 'schema.sql' },
    message: ({ environment, file }) => `${file} has changed since ${environment} was made from it.`,
    hint: ({ environment }) =>
      `seedbed prepare ${environment} --fresh makes the schema anew, without its data. To keep the data, write migrations.`,
  }),
})

function shownOutput(output: string): string {
  return output === '' ? '' : `\n\n  ${output.replaceAll('\n', '\n  ')}`
}
