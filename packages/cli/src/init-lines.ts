import type { ByHand, FileChange, InitPlan } from '@seedbed/core'
import { createTwoFilesPatch } from 'diff'
import { colour, plain } from './print.js'

/** What was found, and from what: a line each. */
export function foundLines({ folder, found }: InitPlan): string[] {
  const { runners, packageManager, language, modules, drivers, migrations, variables, urls, config } = found
  const lines: [string, string][] = [
    ['project', `${folder} · ${language}, ${modules} · ${packageManager.name} (${packageManager.from})`],
    ...runners.map(({ name, version, from }): [string, string] => [
      'runner',
      `${name} ${version ?? '(not installed yet)'} (${from})`,
    ]),
    ['driver', drivers.join(', ') || 'none of those that are known'],
    ['migrations', migrationsLine(migrations)],
    ...(variables.length > 0
      ? [['variables', variables.map(({ name, from }) => `${name} (${from})`).join(', ')] satisfies [string, string]]
      : []),
    ...urls.map(({ variable, file, host, tier, why }): [string, string] => [
      'URL',
      `${variable} in ${file} leads to ${host}: ${tier ? `taken for ${tier === 'production' ? 'production, and protected' : tier}; ` : ''}${why}`,
    ]),
    ...(config === null ? [] : [['config', `${config} is there, and stays as it is`] satisfies [string, string]]),
  ]
  return lines.map(([name, text]) => `${colour('dim', name.padEnd(10), process.stdout)} ${plain(text)}`)
}

function migrationsLine({ what, from, undecided }: InitPlan['found']['migrations']): string {
  if (undecided) return `not clear: ${from}`
  if (what !== null) return `${what} (${from})`
  return `none: ${from}. Without a config these are found: migrations/*.sql, prisma/, drizzle/, a knexfile, schema.sql`
}

/** A file's change as a unified diff. */
export function diffLines({ path, before, after }: FileChange): string[] {
  const patch = createTwoFilesPatch(
    before === null ? '/dev/null' : `a/${path}`,
    `b/${path}`,
    masked(before ?? ''),
    masked(after),
    undefined,
    undefined,
    { context: 3 },
  )
  // The first line is a ruler.
  return ['', ...patch.trimEnd().split('\n').slice(1).map(diffLine)]
}

export function byHandLines({ path, why, lines }: ByHand): string[] {
  return [
    '',
    colour('yellow', `${path} is left to you: ${why}. To add:`, process.stdout),
    ...lines.map(line => `  ${line}`),
  ]
}

/** The plan without what people have written into their configs and nobody should read in a log. */
export function withoutPasswords(plan: InitPlan): InitPlan {
  const files = plan.files.map(({ path, before, after }) => ({
    path,
    before: before === null ? null : masked(before),
    after: masked(after),
  }))
  return { ...plan, files }
}

function diffLine(line: string): string {
  const text = line.split('\t').map(plain).join('\t')
  if (line.startsWith('+++') || line.startsWith('---')) return colour('bold', text, process.stdout)
  if (line.startsWith('+')) return colour('green', text, process.stdout)
  if (line.startsWith('-')) return colour('red', text, process.stdout)
  return line.startsWith('@@') ? colour('dim', text, process.stdout) : text
}

function masked(text: string): string {
  return text
    .replace(/(:\/\/[^\s:/@'"`]*):[^\s'"`]*@/g, '$1:***@')
    .replace(/((?:pass|pwd|secret|token|api_?key)\w*["']?\s*[:=]\s*)(["'`])[^"'`\n]*\2/gi, '$1$2***$2')
}
