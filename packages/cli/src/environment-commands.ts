import { InvalidArgumentError, Option, type Command } from 'commander'
import type { Decision } from '@seedbed/environments'

/** The commands that speak of environments; all that one of them changes is a marker. */
export function addEnvironmentCommands(program: Command, ended: (code: number) => void): void {
  program
    .command('status')
    .description('which environment would be used here, and why; and how every one of them is')
    .option('--env <name>', 'as if a command were given this')
    .option('--json', 'print it as JSON')
    .addHelpText('after', aboutStatus)
    .action(async (options: { env?: string; json?: boolean }) => {
      const { statusCommand } = await import('./status-command.js')
      ended(await statusCommand(process.cwd(), options))
    })
  program
    .command('preflight')
    .description('before a deployment: may it go ahead?')
    .option('--env <name>', 'where it is to be deployed (default: each environment whose tier is production)')
    .option('--json', 'print it as JSON')
    .addHelpText('after', aboutPreflight)
    .action(async (options: { env?: string; json?: boolean }) => {
      const { preflightCommand } = await import('./doctor-command.js')
      ended(await preflightCommand(process.cwd(), options))
    })
  program
    .command('doctor')
    .description('look whether all is in order that tests and commands need, and say the way out of what is not')
    .option('--env <name>', 'look at this environment only, besides the server of the tests')
    .option('--json', 'print it as JSON')
    .addHelpText('after', aboutDoctor)
    .action(async (options: { env?: string; json?: boolean }) => {
      const { doctorCommand } = await import('./doctor-command.js')
      ended(await doctorCommand(process.cwd(), options))
    })
  const env = program.command('env').description('the environments of the config')
  env
    .command('list')
    .description('list them: where each of their databases is, or which variable would say so; connects to none')
    .option('--json', 'print it as JSON')
    .addHelpText('after', aboutList)
    .action(async (options: { json?: boolean }) => {
      const { envListCommand } = await import('./env-command.js')
      await envListCommand(process.cwd(), options)
    })
  env
    .command('show')
    .description('show one of them, by its name or an alias; connects to nothing')
    .argument('[name]', 'default: the one that is chosen here')
    .option('--json', 'print it as JSON')
    .addHelpText('after', aboutShow)
    .action(async (name: string | undefined, options: { json?: boolean }) => {
      const { envShowCommand } = await import('./env-command.js')
      await envShowCommand(process.cwd(), name, options)
    })
  env
    .command('claim')
    .description("mark an environment's databases, which exist, as its own, after showing what is in them")
    .argument('<name>')
    .option('--json', 'print the markers as JSON')
    .addHelpText('after', aboutClaim)
    .action(async (name: string, options: { json?: boolean }) => {
      const { claimCommand } = await import('./claim-command.js')
      ended(await claimCommand(process.cwd(), name, options))
    })
  program
    .command('audit')
    .description('print the log of what was chosen, allowed, refused and done')
    .option('--environment <name>', 'only what was about this environment')
    .option('--operation <name>', 'only this operation: select, run, reset, claim, …')
    .addOption(
      new Option('--decision <decision>', 'only what was decided so').choices([
        'chosen',
        'allowed',
        'refused',
        'done',
      ] satisfies Decision[]),
    )
    .option('--since <time>', 'only from then on: 2026-11-01 or 2026-11-01T12:30 (UTC), or 30m, 12h, 7d ago', momentOf)
    .option('--follow', 'go on with new lines as they come, until Ctrl-C')
    .option('--json', 'print the lines as they are in the log')
    .addHelpText('after', aboutAudit)
    .action(
      async (options: {
        environment?: string
        operation?: string
        decision?: Decision
        since?: Date
        follow?: boolean
        json?: boolean
      }) => {
        const { auditCommand } = await import('./audit-command.js')
        await auditCommand(process.cwd(), options)
      },
    )
  program
    .command('scenarios')
    .description(
      'list every combination of what can be said, and the environment that it leads to; connects to nothing',
    )
    .option('--json', 'print it as JSON')
    .addHelpText('after', aboutScenarios)
    .action(async (options: { json?: boolean }) => {
      const { scenariosCommand } = await import('./scenarios-command.js')
      await scenariosCommand(process.cwd(), options)
    })
}

function momentOf(text: string): Date {
  const ago = /^(\d+)([mhd])$/.exec(text)
  const units: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 }
  if (ago) return new Date(Date.now() - Number(ago[1]) * units[ago[2]!]!)
  // Without a zone it is UTC, as the log is.
  const moment = new Date(/^\d{4}-\d\d-\d\dT[\d:.]+$/.test(text) ? `${text}Z` : text)
  if (/^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(moment.getTime())) return moment
  throw new InvalidArgumentError(
    'It has to be a day (2026-11-01), a moment (2026-11-01T12:30) or an age (30m, 12h, 7d).',
  )
}

const aboutStatus = `
A line for each database: where it is, whether it answers within 3 seconds, what its marker says to the guard (ours, missing,
strange, copied, of another), the version of its schema and its size. Nothing is changed in any of them. A protected database whose
marker is right is remembered in .seedbed/identities, so that it is known again under any address. Under a test runner no protected
database is connected to.

Examples:
  seedbed status
  seedbed status --env staging --json | jq .chosen

Exit code: 0; 1 if the one that would be used cannot be reached, if none can be chosen or the config cannot be used, 2 for wrong usage.`

const aboutPreflight = `
Test and staging must have had the migrations that production is going to get. Nobody may have changed a schema by hand: each is compared
with what was noted when it was prepared, and with the others. Production's server has to lose nothing, to have the extensions, and to be as
staging's. Nothing is changed anywhere; what cannot be looked at is a problem.

Examples:
  seedbed preflight
  seedbed preflight --json | jq '.findings[] | select(.level == "problem")'

Exit code: 0 if it may go ahead, 1 if it may not, 2 for wrong usage.`

const aboutDoctor = `
It tries each right that the role of the tests needs: on their server only, in transactions that are rolled back, and in a database
of its own, which is dropped. To protected databases it opens read-only sessions, with their own log-in and with that of the
tests, which has to be refused; under a test runner it opens none. No server is started.

Examples:
  seedbed doctor
  seedbed doctor --env staging
  seedbed doctor --json | jq -r '.findings[] | select(.level == "problem").found'

Exit code: 0, with warnings too; 1 if there is a problem, 2 for wrong usage.`

const aboutList = `
Examples:
  seedbed env list
  seedbed env list --json | jq -r '.[] | select(.protected).name'

Exit code: 0; 1 if the config cannot be used, 2 for wrong usage.`

const aboutShow = `
Examples:
  seedbed env show
  seedbed env show staging

Exit code: 0; 1 if there is no such environment, if none can be chosen or the config cannot be used, 2 for wrong usage.`

const aboutClaim = `
Commands change a database only if its marker says that it is the environment's. This is the way for one that Seedbed has not made,
and for a staging that was restored from production. It shows what is in the database, and asks for its name, typed in full, at a
terminal; without one it is refused, and no option answers for it. What is production's is not claimed for anything else.

Example:
  seedbed env claim staging

Exit code: 0 if each of its databases was claimed; 1 if one was not, 130 after Ctrl-C, 2 for wrong usage.`

const aboutAudit = `
The log is .seedbed/audit.jsonl in the project's folder, or where audit.file of the config says. Lines that are not whole, as
a full disk leaves them, are left out and counted on standard error.

Examples:
  seedbed audit --environment production --since 7d
  seedbed audit --decision refused --follow
  seedbed audit --operation reset --json | jq .who

Exit code: 0, after Ctrl-C too; 1 if the log or the config cannot be read, 2 for wrong usage.`

const aboutScenarios = `
A combination is a choice from each of: --env, the selection flags (up to two at once), each variable that holds a name, npm
scripts, branches, platforms, the variable that consents, a terminal or none, a CI or none, a test runner or none. Those that lead
to the same place share a line; what makes no difference to them is left out. This machine's variables do not count: addresses are
made up, with hosts that are called like the variable that would say them.

Examples:
  seedbed scenarios | grep PROD
  seedbed scenarios --json > scenarios.json    # for a test that compares it

Exit code: 0; 1 if the config cannot be used, 2 for wrong usage.`
