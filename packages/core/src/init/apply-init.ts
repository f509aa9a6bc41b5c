import { chmod, link, mkdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { SeedbedError } from '@seedbed/environments/errors'
import { initErrors } from './errors.js'
import type { FileChange } from './file-change.js'
import type { InitPlan } from './plan-init.js'
import { textOf } from './text-of.js'

/**
 * Writes what a plan says. Each file is as it was or whole, whatever ends this half-way, and a second `planInit` goes on from there. A
 * file that has changed since the plan was made, or has appeared, is not written over; where one has before anything was written,
 * nothing is.
 *
 * @returns the paths that were written, from the plan's folder
 * @throws SeedbedError INIT_FILE_CHANGED, INIT_CANNOT_WRITE
 * @example await applyInit(await planInit({ folder: '/app' }))
 */
export async function applyInit({ folder, files }: Pick<InitPlan, 'folder' | 'files'>): Promise<string[]> {
  for (const file of files) checkUnchanged(folder, file)
  for (const file of files) {
    await writeWhole(folder, file).catch((error: unknown) => {
      if (error instanceof SeedbedError) throw error
      throw initErrors.INIT_CANNOT_WRITE({ path: file.path, reason: (error as Error).message }, { cause: error })
    })
  }
  return files.map(({ path }) => path)
}

function checkUnchanged(folder: string, { path, before }: FileChange): void {
  const now = textOf(join(folder, path)) ?? null
  if (now !== before) throw initErrors.INIT_FILE_CHANGED({ path, appeared: before === null })
}

async function writeWhole(folder: string, file: FileChange): Promise<void> {
  const { path, before, after } = file
  // Whoever has linked the file from elsewhere has it there.
  const target = before === null ? join(folder, path) : await realpath(join(folder, path))
  await mkdir(dirname(target), { recursive: true })
  const temporary = join(dirname(target), `.${basename(target)}.seedbed-${process.pid}`)
  try {
    await writeFile(temporary, after, { flag: 'wx', flush: true })
    if (before === null) return await linkNew(temporary, target, path)
    await chmod(temporary, (await stat(target)).mode)
    checkUnchanged(folder, file)
    await rename(temporary, target)
  } finally {
    await rm(temporary, { force: true })
  }
}

/** Unlike a rename, a link does not take the place of what has appeared in between. */
async function linkNew(temporary: string, target: string, path: string): Promise<void> {
  await link(temporary, target).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EEXIST' ? initErrors.INIT_FILE_CHANGED({ path, appeared: true }) : error
  })
}
