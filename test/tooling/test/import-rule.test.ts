import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../../..')

const violations = [
  ['packages/core/src/run/start-run.ts', 'vitest'],
  ['packages/core/src/run/start-run.ts', 'vitest/node'],
  ['packages/core/src/run/start-run.ts', '@vitest/runner'],
  ['packages/core/src/run/start-run.ts', 'jest-circus'],
  ['packages/core/src/run/start-run.ts', '@seedbed/vitest/plugin'],
  ['packages/core/src/run/start-run.ts', 'seedbed'],
  ['packages/core/src/run/start-run.ts', '../../../pg-template-db/src/index.js'],
  ['packages/pg-template-db/src/index.ts', '@seedbed/core'],
  ['packages/pg-template-db/src/index.ts', 'pg-sandbox'],
  ['packages/pg-template-db/src/index.ts', 'vitest'],
  ['packages/pg-sandbox/src/index.ts', '@seedbed/environments'],
  ['packages/environments/src/index.ts', '@seedbed/core'],
  ['packages/vitest/src/plugin.ts', 'pg'],
  ['packages/vitest/src/plugin.ts', 'pg-template-db'],
  ['packages/vitest/src/plugin.ts', '@jest/types'],
  ['packages/vitest/src/plugin.ts', '@seedbed/jest'],
  ['packages/jest/src/environment.ts', 'vitest'],
  ['packages/cli/src/main.ts', '@seedbed/vitest'],
  ['packages/cli/src/main.ts', 'vitest/node'],
  ['examples/library/src/loans.ts', '@seedbed/core'],
] as const

const formsOfImport = [
  (specifier: string) => `import { something } from '${specifier}'\nexport const used = something\n`,
  (specifier: string) => `export type { Something } from '${specifier}'\n`,
  (specifier: string) => `export const used = await import('${specifier}')\n`,
]

const allowed = [
  ['packages/core/src/run/start-run.ts', 'pg'],
  ['packages/core/src/run/start-run.ts', 'pg-template-db'],
  ['packages/core/src/run/start-run.ts', '@seedbed/environments'],
  ['packages/core/src/run/start-run.ts', '../template/ensure-template.js'],
  ['packages/core/test/run/start-run.test.ts', 'vitest'],
  ['packages/core/test/run/start-run.test.ts', '../../src/run/start-run.js'],
  ['packages/pg-template-db/src/index.ts', 'pg'],
  ['packages/vitest/src/plugin.ts', 'vitest/node'],
  ['packages/vitest/src/plugin.ts', '@seedbed/core'],
  ['packages/jest/src/environment.ts', '@jest/environment'],
  ['packages/cli/src/main.ts', '@seedbed/core'],
  ['examples/library/test/loans.test.ts', '@seedbed/vitest'],
] as const

// One run of the linter over everything: its start is what costs.
const reports = lint([...violations, ...allowed])

test.each(violations)('%s may not import %s', (file, specifier) => {
  expect(reports.get(`${file} ${specifier}`)).toEqual(formsOfImport.map(() => ['eslint(no-restricted-imports)']))
})

test.each(allowed)('%s may import %s', (file, specifier) => {
  expect(reports.get(`${file} ${specifier}`)).toEqual(formsOfImport.map(() => []))
})

/** Writes a file beside the one named for every case and form; for each case, which rules each form breaks. */
function lint(cases: (readonly [file: string, specifier: string])[]): Map<string, string[][]> {
  const folder = mkdtempSync(join(tmpdir(), 'seedbed-import-rule-'))
  try {
    copyFileSync(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'))
    const pathOf = (index: number, form: number) => join(dirname(cases[index]![0]), `case-${index}-${form}.ts`)
    for (const [index, [, specifier]] of cases.entries()) {
      for (const [form, write] of formsOfImport.entries()) {
        const path = join(folder, pathOf(index, form))
        mkdirSync(dirname(path), { recursive: true })
        writeFileSync(path, write(specifier))
      }
    }

    const oxlint = join(root, 'node_modules/oxlint/bin/oxlint')
    const { stdout } = spawnSync(process.execPath, [oxlint, '--format=json'], { cwd: folder, encoding: 'utf8' })
    const report = JSON.parse(stdout) as { number_of_files: number; diagnostics: { code: string; filename: string }[] }
    expect(report.number_of_files, 'every file was linted').toBe(cases.length * formsOfImport.length)

    const rulesBrokenIn = (path: string) => [
      ...new Set(report.diagnostics.filter(({ filename }) => filename === path).map(({ code }) => code)),
    ]
    return new Map(
      cases.map(([file, specifier], index) => [
        `${file} ${specifier}`,
        formsOfImport.map((_, form) => rulesBrokenIn(pathOf(index, form))),
      ]),
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
