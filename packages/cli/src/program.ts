import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { addEnvironmentCommands } from './environment-commands.js'
import { addPrepareCommands } from './prepare-commands.js'
import { addInitCommand } from './init-command.js'

/**
 * The commands and what they say of themselves.
 *
 * @param ended is told the exit code of a command that has come to its end
 */
export function seedbed(ended: (code: number) => void): Command {
  // What is set here before a command is added holds for the command, too.
  const program = new Command('seedbed')
    .exitOverride()
    .showHelpAfterError('seedbed --help lists the commands.')
    .enablePositionalOptions()
    .description('Every test starts on a real, migrated, seeded PostgreSQL and leaves no trace.')
    .version(version())
  program
    .command('run')
    .usage('-- <command> [arguments…]')
    .description('run a command, in any language, with a fresh sandboxed DATABASE_URL')
    .option('--env <name>', 'the environment to run it in, as it is; without it a sandbox in test')
    .option('--json', 'say what was done as JSON: the last line of standard error')
    .argument('<command...>')
    .passThroughOptions()
    .showHelpAfterError("The command and its options stand behind --, as in: seedbed run -- psql -c 'select 1'")
    .addHelpText('after', aboutRun)
    .action(async (command: [string, ...string[]], options: { env?: string; json?: boolean }) => {
      // What it loads is nothing for --help.
      const { runCommand } = await import('./run-command.js')
      ended(await runCommand(command, process.cwd(), options))
    })
  addPrepareCommands(program, ended)
  program
    .command('prune')
    .description("list the databases that failed tests have kept (keep: 'failed'), and drop them with --yes")
    .option('--yes', 'drop them')
    .option('--json', 'print what was found and done as JSON')
    .addHelpText('after', aboutPrune)
    .action(async (options: { yes?: boolean; json?: boolean }) => {
      const { pruneCommand } = await import('./prune-command.js')
      ended(await pruneCommand(process.cwd(), options))
    })
  addEnvironmentCommands(program, ended)
  addInitCommand(program, ended)
  return program
}

const aboutRun = `
The project's Seedbed config is found from the current folder upwards, as the test runners find it. The command gets
DATABASE_URL, PG*, ENVIRONMENT=test, NODE_ENV=test and the config's variables. They lead to a database that is migrated
and seeded; all that connects shares one transaction, which is rolled back when the command ends, whatever it has
committed.

With --env it runs in that environment instead, and what it commits stays. Production asks for a typed "yes"; without a
terminal it takes the variable or platform that the config names. --yes does not answer for production.

Examples:
  seedbed run --env staging -- psql
  seedbed run -- psql -c 'select * from users'
  seedbed run -- python3 report.py > report.txt
  seedbed run -- sh -c 'bin/import < data.csv && bin/report'
  seedbed run --json -- bin/report 2>&1 >/dev/null | tail -1 | jq .exitCode

Exit code: the command's own, 128 + n after signal n, 127 if there is no such command, 126 if it cannot be executed;
1 if its database could not be made ready or put back, 2 for wrong usage. Standard output is the command's alone.`

const aboutPrune = `
Examples:
  seedbed prune
  seedbed prune --yes --json | jq .dropped

Exit code: 0; 1 if one of them could not be dropped or the server cannot be opened, 2 for wrong usage.`

function version(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
