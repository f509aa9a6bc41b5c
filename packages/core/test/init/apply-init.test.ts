import { chmod, lstat, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { applyInit, planAfterInstall, planInit } from '@seedbed/core'
import { expect, test } from 'vitest'
import { makeProject } from '../migrations/project.js'
import { manifest } from './support.js'

const files = {
  'package.json': manifest(['vitest']),
  'vitest.config.js': 'export default {}\n',
  '.gitignore': 'dist\n',
}

test('what was planned is written, and nothing else is left', async () => {
  await using project = await makeProject(files)
  const { folder } = project
  await chmod(join(folder, '.gitignore'), 0o600)
  const plan = await planInit({ folder })
  expect(await readdir(folder)).toEqual(['.gitignore', 'package.json', 'vitest.config.js'])
  expect(await applyInit(plan)).toEqual(['vitest.config.js', 'test/database.test.js', '.gitignore'])
  for (const { path, after } of plan.files) expect(await readFile(join(folder, path), 'utf8')).toBe(after)
  expect(await readdir(folder)).toEqual(['.gitignore', 'package.json', 'test', 'vitest.config.js'])
  expect((await stat(join(folder, '.gitignore'))).mode & 0o777).toBe(0o600)
})

test.each([
  ['has changed', 'vitest.config.js', 'export default { mine: true }'],
  ['has appeared', 'test/database.test.js', '// mine'],
])('a file that %s since is not overwritten, and nothing is written', async (_, path, text) => {
  await using project = await makeProject(files)
  const plan = await planInit({ folder: project.folder })
  await project.write({ [path]: text })
  await expect(applyInit(plan)).rejects.toMatchObject({ code: 'INIT_FILE_CHANGED' })
  expect(await readFile(join(project.folder, path), 'utf8')).toBe(text)
  expect(await readFile(join(project.folder, '.gitignore'), 'utf8')).toBe('dist\n')
})

test('half-way: a file is as it was or whole, and a second plan goes on from there', async () => {
  await using project = await makeProject(files)
  const { folder } = project
  const plan = await planInit({ folder })
  // Where the folder of the tests would be, somebody has a file.
  await writeFile(join(folder, 'test'), '')
  await expect(applyInit(plan)).rejects.toMatchObject({
    code: 'INIT_CANNOT_WRITE',
    message: expect.stringContaining('test/database.test.js') as string,
  })
  const second = await planInit({ folder })
  expect(second.files.map(({ path }) => path)).toEqual(['test/database.test.js', '.gitignore'])
  const paths = second.files.map(({ path }) => path)
  for (const { path, before, after } of plan.files.filter(each => each.before !== null)) {
    expect(await readFile(join(folder, path), 'utf8')).toBe(paths.includes(path) ? before : after)
  }
  expect((await readdir(folder)).filter(name => name.includes('seedbed'))).toEqual([])
})

test('a linked file stays a link', async () => {
  await using elsewhere = await makeProject({ 'config.js': 'export default {}\n' })
  await using linked = await makeProject({ 'package.json': manifest(['vitest']) })
  await symlink(join(elsewhere.folder, 'config.js'), join(linked.folder, 'vitest.config.js'))
  await applyInit(await planInit({ folder: linked.folder }))
  expect((await lstat(join(linked.folder, 'vitest.config.js'))).isSymbolicLink()).toBe(true)
  expect(await readFile(join(elsewhere.folder, 'config.js'), 'utf8')).toContain('seedbed()')
})

test('after the installation: what the package manager has written is kept, anything else is refused', async () => {
  await using project = await makeProject({
    'package.json': manifest(['jest'], { jest: { preset: 'ts-jest' } }),
  })
  const { folder } = project
  const plan = await planInit({ folder })
  const installed = manifest(['jest', '@seedbed/jest', '@seedbed/core'], { jest: { preset: 'ts-jest' } })
  await project.write({ 'package.json': installed })
  await expect(applyInit(plan)).rejects.toMatchObject({ code: 'INIT_FILE_CHANGED' })
  await applyInit(await planAfterInstall(plan, { folder }))
  expect(await readFile(join(folder, 'package.json'), 'utf8')).toBe(
    manifest(['jest', '@seedbed/jest', '@seedbed/core']),
  )

  await using other = await makeProject({ 'package.json': manifest(['jest']) })
  const shown = await planInit({ folder: other.folder })
  await other.write({ 'jest.config.js': 'module.exports = {}' })
  await expect(planAfterInstall(shown, { folder: other.folder })).rejects.toMatchObject({ code: 'INIT_FILE_CHANGED' })
})
