import type { GuardedSession } from '@seedbed/environments/guard'
import type { PrepareStep } from '../config/config.js'
import type { LivingTarget } from '../migrations/migration-plan.js'
import { sha256 } from '../migrations/project-files.js'
import { runWithDatabase, withoutPassword } from '../run/run-with-database.js'
import { prepareErrors } from './errors.js'
import type { PreparedDatabase, PrepareSources, PrepareWishes } from './prepare-database.js'
import { createPreparedNotes, writePreparedNote, type PreparedNotes } from './prepared-notes.js'

/** As it is noted: another command is another step. */
export const stepNote = ({ name }: PrepareStep) => `step ${name}`
export const stepHash = ({ run }: PrepareStep) => sha256(run)

/**
 * Runs one of the project's own steps on an environment's database.
 *
 * @returns milliseconds
 * @throws SeedbedError STEP_FAILED with the end of what it wrote
 */
async function runStep(
  { name, run }: PrepareStep,
  { url, environment, variables }: LivingTarget,
  folder: string,
): Promise<number> {
  const begun = performance.now()
  const { failure, output } = await runWithDatabase({ run: { shell: run }, folder, url, variables })
  if (failure !== null) {
    throw prepareErrors.STEP_FAILED({ environment, name, run: withoutPassword(run, url), failure, output })
  }
  return Math.round(performance.now() - begun)
}

/** All of them where anything was done; else those that have not come to their end, or are not what they were. */
export async function runSteps(
  session: GuardedSession<'migrate'>,
  living: LivingTarget,
  { config: { steps = [] }, folder }: PrepareSources,
  notes: PreparedNotes,
  acted: boolean,
  { during }: PrepareWishes,
): Promise<PreparedDatabase['steps']> {
  const due = steps.filter(step => acted || notes.get(stepNote(step)) !== stepHash(step))
  if (due.length > 0) await createPreparedNotes(session)
  for (const step of due) await writePreparedNote(session, stepNote(step), null)
  const done: PreparedDatabase['steps'] = []
  for (const step of due) {
    const milliseconds = await during(step.name, () => runStep(step, living, folder))
    await writePreparedNote(session, stepNote(step), stepHash(step))
    done.push({ name: step.name, milliseconds })
  }
  return done
}
