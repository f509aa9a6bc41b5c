import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeRunFolder } from '../../src/run/run-folder.js'

test('a run’s folder is private; a folder in which none can be made is named', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'seedbed-runs-'))
  try {
    const folder = await makeRunFolder(parent)
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    expect(await readdir(parent)).toHaveLength(1)
    const refused = { code: 'TEMPORARY_FOLDER_UNUSABLE' }
    await expect(makeRunFolder(join(parent, 'missing'))).rejects.toMatchObject(refused)
    await writeFile(join(parent, 'file'), '')
    await expect(makeRunFolder(join(parent, 'file'))).rejects.toMatchObject(refused)
  } finally {
    await rm(parent, { recursive: true })
  }
})
