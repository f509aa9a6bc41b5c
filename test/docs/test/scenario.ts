import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { makeProject, type Outcome } from '../../../packages/vitest/test/support/project.js'
import { startProgram } from '../../contract/test/support/program.js'
import { root } from '../../../scripts/workspaces.mjs'
import { snippetsOf, type Snippet } from './documents.js'

export interface Scenario {
  document: string
  /** The sections whose snippets make one project. */
  sections: string[]
  /** What the document leaves to the reader's imagination, and names for snippets that cannot say theirs. */
  files?: Record<string, string | Snippet>
  /** Their files are checked and not run. */
  onlyTypes?: boolean
  env?: Record<string, string>
  /** @default 'vitest' */
  runner?: 'vitest' | 'jest'
  /** The exit code of the runner. @default 0 */
  exitCode?: number
  /** What the runner prints. */
  prints?: (string | RegExp)[]
}

/** The snippets that a scenario has taken: in the end all of them shall be. */
const taken = new Set<string>()
const placeOf = ({ document, line }: Snippet) => `${document}:${line}`

/** Makes a project of the snippets, checks its types, and runs its tests. */
export async function run(scenario: Scenario): Promise<Outcome | undefined> {
  const given: Record<string, string> = {}
  for (const [name, content] of Object.entries(scenario.files ?? {})) {
    given[name] = typeof content === 'string' ? content : content.text
  }
  const fromDocument: Record<string, string> = {}
  for (const section of scenario.sections) {
    const named = snippetsOf(scenario.document).filter(snippet => snippet.section === section && snippet.file)
    expect(named.length, `snippets under "${section}"`).toBeGreaterThan(0)
    for (const snippet of named) {
      taken.add(placeOf(snippet))
      fromDocument[snippet.file!] = snippet.text
    }
  }
  const files = { ...usualFiles, ...fromDocument, ...given }
  await using project = await makeProject(files)
  expect(await typeErrors(project.folder)).toEqual('')
  if (scenario.onlyTypes) return undefined
  const outcome =
    scenario.runner === 'jest'
      ? await startProgram([process.execPath, join(root, 'node_modules/jest/bin/jest.js')], project.folder, {}).ended
      : await project.vitest({ env: { SEEDBED_HOME: process.env.SEEDBED_HOME!, ...scenario.env } })
  for (const expected of scenario.prints ?? []) expect(outcome.output).toMatch(expected)
  expect(outcome.exitCode, outcome.output).toBe(scenario.exitCode ?? 0)
  return outcome
}

/** The only snippet of a section in a language. */
export function snippet(document: string, section: string, language: string): Snippet {
  const found = snippetsOf(document).filter(
    candidate => candidate.section === section && candidate.language === language,
  )
  expect(found, `${language} in "${section}" of ${document}`).toHaveLength(1)
  taken.add(placeOf(found[0]!))
  return found[0]!
}

/** Snippets of code that no scenario has taken. */
export function untaken(document: string): string[] {
  const code = snippetsOf(document).filter(({ language }) => ['ts', 'js', 'json', 'sql', 'text'].includes(language))
  return code.map(placeOf).filter(place => !taken.has(place))
}

/** As strict as `tsc --init` makes it. */
const usualFiles = {
  'tsconfig.json': JSON.stringify({
    compilerOptions: {
      target: 'es2023',
      module: 'nodenext',
      moduleResolution: 'nodenext',
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      verbatimModuleSyntax: true,
      isolatedModules: true,
      resolveJsonModule: true,
      skipLibCheck: true,
      noEmit: true,
      types: ['node'],
    },
    include: ['.'],
    exclude: ['node_modules'],
  }),
}

async function typeErrors(folder: string): Promise<string> {
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  return promisify(execFile)(process.execPath, [compiler, '-p', folder, '--pretty', 'false'], { cwd: folder }).then(
    ({ stdout }) => stdout,
    (error: { stdout: string }) => error.stdout,
  )
}
