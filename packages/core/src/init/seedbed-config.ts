import { nothing, type Changes } from './file-change.js'
import type { MigrationsFound } from './find-migrations.js'
import type { FoundUrl } from './find-urls.js'
import type { DatabaseVariable } from './find-variables.js'
import type { Project } from './read-project.js'

/** What a config has to say, because it cannot be seen, or because nobody else would protect it. */
export interface ConfigNeeds {
  migrations: Pick<MigrationsFound, 'option' | 'undecided'>
  variables: DatabaseVariable[]
  urls: FoundUrl[]
}

/**
 * A new seedbed.config in the project's language; none where Seedbed finds everything by itself. One that leaves a decision is shown and
 * not written: without it tests would start on an empty database.
 */
export function planSeedbedConfig(project: Project, needs: ConfigNeeds): Changes {
  const isTypeScript = project.isTypeScript && !project.compilesAll
  const options = [...migrationsOption(needs), ...variablesOption(needs), ...environmentsOption(needs)]
  if (options.length === 0) return nothing
  const body = `{\n${options.map(line => `  ${line}\n`).join('')}}`
  const isImported = isTypeScript || project.isModule
  const text = isImported
    ? `import { defineConfig } from '@seedbed/core'\n\nexport default defineConfig(${body})\n`
    : `/** @type {import('@seedbed/core').SeedbedConfig} */\nmodule.exports = ${body}\n`
  const path = `seedbed.config.${isTypeScript ? 'ts' : 'js'}`
  const { undecided } = needs.migrations
  if (!undecided) return { files: [{ path, before: null, after: text }], byHand: [] }
  return { files: [], byHand: [{ path, why: undecided.why, lines: text.trimEnd().split('\n') }] }
}

function migrationsOption({ migrations: { option, undecided } }: ConfigNeeds): string[] {
  if (undecided) return undecided.options.map((each, index) => `${index === 0 ? '' : '// or '}${each},`)
  if (option === null) return []
  if (typeof option === 'string') return [`migrations: ${quoted(option)},`]
  const { command, dependsOn } = option
  return [
    'migrations: {',
    `  command: ${quoted(command)},`,
    '  // A change in one of these builds the template again.',
    `  dependsOn: [${dependsOn.map(quoted).join(', ')}],`,
    '},',
  ]
}

function variablesOption({ variables }: ConfigNeeds): string[] {
  if (variables.length === 0) return []
  const used = [...new Set(variables.map(({ part }) => part))]
  return [
    '// What the application reads besides DATABASE_URL and PG*.',
    `variables: ({ ${used.join(', ')} }) => ({`,
    ...variables.map(({ name, part }) => `  ${name}: ${part === 'port' ? 'String(port)' : part},`),
    '}),',
  ]
}

/** Two environments with one database would contradict each other: of several variables that lead to it, the first stands for it. */
function environmentsOption({ urls }: ConfigNeeds): string[] {
  const isMain = ({ variable }: FoundUrl) => /(^|_)(DATABASE|DB)_URL$/.test(variable)
  const ofProduction = urls
    .filter(({ tier }) => tier === 'production')
    .toSorted((a, b) => Number(isMain(b)) - Number(isMain(a)))
  const places = ofProduction.filter(
    ({ host, database, variable }, index) =>
      ofProduction.findIndex(
        each => each.variable === variable || (each.host === host && each.database === database),
      ) === index,
  )
  if (places.length === 0) return []
  return [
    'environments: {',
    '  // Test runs refuse what leads here, and no command empties it.',
    ...places.map(({ variable }, index) =>
      index === 0
        ? `  production: { variable: ${quoted(variable)} },`
        : `  ${variable.toLowerCase()}: { tier: 'production', variable: ${quoted(variable)} },`,
    ),
    '},',
  ]
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
