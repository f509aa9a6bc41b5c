import { initErrors } from './errors.js'
import { planInit, type InitOptions, type InitPlan } from './plan-init.js'

/**
 * The plan once more, after the package manager has written its part of package.json: what else is to be changed there is planned on what
 * it says now. Everything else has to be as it was shown.
 *
 * @throws SeedbedError INIT_FILE_CHANGED, and what `planInit` throws
 * @example
 * const plan = await planInit(options) // shown, agreed to, and plan.install.command has been run
 * await applyInit(await planAfterInstall(plan, options))
 */
export async function planAfterInstall(plan: InitPlan, options: InitOptions): Promise<InitPlan> {
  const now = await planInit(options)
  for (const path of new Set([...plan.files, ...now.files].map(file => file.path))) {
    const [shown, planned] = [plan, now].map(({ files }) => files.find(file => file.path === path))
    const isSame = shown?.before === planned?.before && shown?.after === planned?.after
    const isShared = path === 'package.json' && shown !== undefined && planned !== undefined
    if (!isSame && !isShared) throw initErrors.INIT_FILE_CHANGED({ path, appeared: shown?.before === null })
  }
  return now
}
