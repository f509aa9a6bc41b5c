import { InvalidArgumentError, type Command } from 'commander'

interface Options {
  env?: string
  yes?: boolean
  json?: boolean
}

/** The commands that make databases ready. */
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
    .description('empty an environment and make its schema anew; never what is protected')
    .argument('[environment]', 'default: the one that is chosen here, test where nothing says otherwise')
    .option('--env <name>', 'the same')
    .requiredOption('--bare', 'the schema alone, without seeds and steps')
    .option('--yes', 'do not ask')
    .option('--json', 'print what was done as JSON')
    .addHelpText('after', aboutReset)
    .action(async (name: string | undefined, options: Options, command: Command) => {
      const { resetCommand } = await import('./reset-command.js')
      ended(await resetCommand(process.cwd(), { ...options, env: environmentOf(name, options, command) }))
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
All tables, views, functions, types and schemas of the application go, in one transaction; then all migrations run. Extensions, grants
on the schema public and the database's own settings stay. Outside of test it shows what is in the database and asks. Protected
environments are refused, whatever is said.

Examples:
  seedbed reset --bare
  seedbed reset development --bare --yes

Exit code: 0 if it was done, 1 if not, 130 after Ctrl-C, 2 for wrong usage.`

const aboutCacheKey = `
Examples:
  seedbed cache key
  seedbed cache key --json | jq .parts

Exit code: 0; 1 if there is nothing to cache or the config cannot be used, 2 for wrong usage.`
