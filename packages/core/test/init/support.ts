import { planInit, type InitPlan } from '@seedbed/core'
import { makeProject } from '../migrations/project.js'

/** What a package.json of a project with one runner and these packages says. */
export const manifest = (packages: string[], more: object = {}): string =>
  JSON.stringify(
    { name: 'shop', ...more, devDependencies: Object.fromEntries(packages.map(name => [name, '*'])) },
    undefined,
    2,
  )

export interface Planned {
  plan: InitPlan
  /** A file's new text by its path. */
  after: Record<string, string>
  byHand: Record<string, string>
}

/** Looks at a project of these files, which is gone afterwards. */
export async function planOf(
  files: Record<string, string>,
  options: { runner?: 'vitest' | 'jest' } = {},
): Promise<Planned> {
  await using project = await makeProject(files)
  const plan = await planInit({ folder: project.folder, ...options })
  return {
    plan,
    after: Object.fromEntries(plan.files.map(({ path, after }) => [path, after])),
    byHand: Object.fromEntries(plan.byHand.map(({ path, why }) => [path, why])),
  }
}
