import { InvalidArgumentError, Option, type Command } from 'commander'
import type { Rows } from '@seedbed/core'
import type { PreserveAsked } from './preserve-command.js'
import type { ResetAsked } from './reset-command.js'

interface Options {
  env?: string
  yes?: boolean
  json?: boolean
}

/** The commands that make databases ready, and bring them back. */
export function addPrepareCommands(program: Command, ended: (code: number) => void): void {
  program
    .command('prepare')
    .description('create, migrate and seed what an environment lacks; for test, what the next run needs')
    .argument('[environment]', 'default: the one that is chosen here, test where nothing says otherwise')
    .option('--env <name>', 'the same')
    .option('--all', 'every environment that has a URL, and test')
    .option('--fresh', 'empty it first: asked for but in test, never done to what is protected')
    .option('--baseline <migration>', 'it has tables and no notes: note that it has had all migrations up to this one')
    .option(
      '--workers <number>',
      "for test: how many workers' databases (default: one a core, the most that a runner takes by itself)",
      countOf,
    )
    .option('--yes', 'answer --fresh with yes; not production')
    .option('--json', 'print what was done as JSON')
    .addHelpText('after', aboutPrepare)
    .action(
      async (
        name: string | undefined,
        options: Options & { all?: boolean; fresh?: boolean; baseline?: string; workers?: number },
        command: Command,
      ) => {
        const env = environmentOf(name, options, command)
        if (options.all && env !== undefined) command.error('error: either --all or one environment')
        const { prepareCommand } = await import('./prepare-command.js')
        ended(await prepareCommand(process.cwd(), { ...options, env }))
      },
    )
  program
    .command('reset')
    .description('back to the seed, keeping preserved rows; never what is protected')
    .argument('[environment]', 'default: the one that is chosen here, test where nothing says otherwise')
    .option('--env <name>', 'the same')
    .option('--dry-run', 'say what would go, per table, and what would stay')
    .option('--tables <names>', 'only these, with commas between them', namesOf)
    .option('--except <names>', 'all but these', namesOf)
    .option('--schema <name>', 'only those of this schema')
    .addOption(
      new Option(
        '--conflicts <rule>',
        'a preserved row and one of the seeds with the same key or unique value: which stays',
      )
        .choices(['keep', 'seed', 'refuse'])
        .default('keep'),
    )
    .option('--triggers', 'let user triggers and rules act on what is deleted and inserted')
    .addOption(
      new Option('--bare', 'empty it and make the schema anew, without seeds, steps and preserved rows').conflicts([
        ...['dryRun', 'tables', 'except', 'schema', 'triggers'],
      ]),
    )
    .option('--yes', 'do not ask')
    .option('--json', 'print what was done as JSON')
    .addHelpText('after', aboutReset)
    .action(async (name: string | undefined, options: Options & ResetAsked, command: Command) => {
      const { resetCommand } = await import('./reset-command.js')
      ended(await resetCommand(process.cwd(), { ...options, env: environmentOf(name, options, command) }))
    })
  program
    .command('preserve')
    .description('mark rows that a reset keeps, with all that they refer to')
    .argument('[table]', 'users, or public.users')
    .argument('[value]', 'of its primary key, if that is one column')
    .option('--key <columns>', 'the primary key, for instance tenant_id=1,code=x', keyOf)
    .option('--label <name>', 'a row of the seeds: users.ada')
    .option('--where <condition>', 'in SQL, for instance "created_at < \'2026-01-01\'"')
    .option('--reason <text>', 'why, for whoever reads the list')
    .option('--off', 'take the mark away')
    .option('--list', 'list what is marked, what is kept because of it, and marks whose row is gone')
    .option('--env <name>', 'the environment (default: the one that is chosen here)')
    .option('--json', 'print it as JSON')
    .addHelpText('after', aboutPreserve)
    .action(async (table: string | undefined, value: string | undefined, options: PreserveAsked, command: Command) => {
      const { preserveCommand } = await import('./preserve-command.js')
      ended(await preserveCommand(process.cwd(), rowsOf(table, value, options, command), options))
    })
  const cache = program.command('cache').description('what a CI has to know to cache what prepare makes')
  cache
    .command('key')
    .description('print a key that changes whenever the cache would be of no use; starts no server')
    .option('--json', 'print what it is made of, too, as JSON')
    .addHelpText('after', aboutCacheKey)
    .action(async (options: { json?: boolean }) => {
      const { cacheKeyCommand } = await import('./prepare-command.js')
      await cacheKeyCommand(process.cwd(), options)
    })
}

function environmentOf(name: string | undefined, { env }: Options, command: Command): string | undefined {
  if (name !== undefined && env !== undefined && name !== env) command.error(`error: ${name} and --env ${env} are two`)
  return name ?? env
}

/** Which rows are meant; undefined for the list. */
function rowsOf(
  table: string | undefined,
  value: string | undefined,
  { key, label, where, list }: PreserveAsked,
  command: Command,
): Rows | undefined {
  const ways = [value, key, label, where, list].filter(way => way !== undefined)
  if (ways.length !== 1) command.error('error: say one of a value, --key, --label, --where and --list')
  if (list) return undefined
  if (label !== undefined) return { label }
  if (table === undefined) command.error('error: say the table')
  if (key) return { table, key }
  return where === undefined ? { table, value: value! } : { table, where }
}

const namesOf = (text: string) => text.split(',').map(name => name.trim())

function keyOf(text: string): Record<string, string> {
  const parts = text.split(',').map(part => /^\s*([^=]+?)\s*=(.*)$/s.exec(part))
  if (parts.some(part => !part))
    throw new InvalidArgumentError('It has to be column=value, with commas between several.')
  return Object.fromEntries(parts.map(part => [part![1]!, part![2]!]))
}

function countOf(text: string): number {
  const count = Number(text)
  if (!/^\d+$/.test(text) || count < 1) throw new InvalidArgumentError('It has to be a whole number from 1.')
  return count
}

const aboutPrepare = `
A database that is not there is created and marked; migrations that it has not had run, and are noted; what is new gets the seeds and
the steps of the config. What is ready is left alone. In test nobody keeps anything: a database of it that is not as its seeds leave
it is emptied first. Production gets its pending migrations, after a typed "yes" or where the config's consent says so: it is never
emptied and never seeded.

For test, a run that follows initialises, builds and clones nothing: neither here nor on a machine where a CI has restored the
folder that is named in the end. With a server of your own (TEST_DATABASE_URL), the template and the databases wait there.
The guide has recipes for GitHub Actions and GitLab: https://github.com/seedbed/seedbed/blob/main/docs/guide/ci.md

Examples:
  seedbed prepare
  seedbed prepare staging
  seedbed prepare --all
  seedbed prepare development --fresh
  seedbed prepare production --baseline 012_orders.sql

Exit code: 0 if all of it is ready, 1 if something is not, 130 after Ctrl-C, 2 for wrong usage.`

const aboutReset = `
Every row goes but those that are preserved, with all that they refer to; the rows of the migrations and of the seeds come back, with
their sequences. It is one transaction: a crash in the middle leaves the state from before. The rows come from the template that tests start
from. Outside of test it shows what is in the database and asks. Protected environments are refused, whatever is said.

With --bare all tables, views, functions, types and schemas of the application go, in one transaction; then all migrations run.

Examples:
  seedbed reset
  seedbed reset staging --dry-run
  seedbed reset staging --except audit_log,events --yes
  seedbed reset development --bare --yes

Exit code: 0 if it was done, 1 if not, 130 after Ctrl-C, 2 for wrong usage.`

const aboutPreserve = `
A preserved row stays at a reset, with every row that it refers to, through any number of foreign keys. A mark says which row it is by its
primary key, and stands in the schema seedbed of the database. One whose row was deleted, or has another key, is told.

Examples:
  seedbed preserve users 42 --reason 'demo account'
  seedbed preserve prices --key tenant_id=1,code=x
  seedbed preserve --label users.ada
  seedbed preserve orders --where "total > 1000" --env staging
  seedbed preserve users 42 --off
  seedbed preserve --list

Exit code: 0 if it was done, 1 if not, 130 after Ctrl-C, 2 for wrong usage.`

const aboutCacheKey = `
Examples:
  seedbed cache key
  seedbed cache key --json | jq .parts

Exit code: 0; 1 if there is nothing to cache or the config cannot be used, 2 for wrong usage.`
