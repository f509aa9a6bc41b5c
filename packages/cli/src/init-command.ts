import { Option, type Command } from 'commander'

export function addInitCommand(program: Command, ended: (code: number) => void): void {
  program
    .command('init')
    .description('set a project up: look at it, show the diff, write it, install, and run a first test')
    .addOption(new Option('--runner <name>', 'set up only this one').choices(['vitest', 'jest']))
    .option('--dry-run', 'show what would be done, and change nothing')
    .option('--yes', 'write without asking')
    .option('--no-install', 'leave the packages to you')
    .option('--json', 'print what was found and done as JSON')
    .addHelpText('after', aboutInit)
    .action(
      async (options: {
        runner?: 'vitest' | 'jest'
        dryRun?: boolean
        yes?: boolean
        install: boolean
        json?: boolean
      }) => {
        const { initProject } = await import('./init-project.js')
        ended(await initProject(process.cwd(), options))
      },
    )
}

const aboutInit = `
It looks at the package's test runner, migrations, driver, variables and .env files, without running or connecting to anything of
them. Then the runner's config gets the one line; there is a seedbed.config only where something cannot be seen, and a first test if no
test uses Seedbed. Nothing is overwritten: what cannot be edited safely is left as it is, and the lines to add are printed. Run again, it
goes on where it was, and changes nothing where all is in place.

Examples:
  npx seedbed init
  npx seedbed init --dry-run
  npx seedbed init --runner jest --yes

Exit code: 0 if all is in place and the first test has passed, or after --dry-run; 1 if something is left to do by hand, the packages could
not be installed or the test has failed, or nobody could be asked; 130 after Ctrl-C, 2 for wrong usage.`
