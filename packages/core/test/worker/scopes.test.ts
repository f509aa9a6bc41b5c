import { expect, test } from 'vitest'
import { readNotes } from '../../src/run/worker-files.js'
import { openScopes } from '../../src/worker/scopes.js'
import { aSuite, aTest, bodies, file, useRun, write } from './support.js'

const place = useRun()
const suite = aSuite('a suite')

test('whoever asks for the database first in the middle of a file finds its scopes as they were entered', async () => {
  const scopes = await openScopes(place.run, 1)
  await scopes.enter(file)
  await scopes.enter(suite)
  await scopes.enter(aTest('silent'))
  await scopes.leave(aTest('silent'))
  await write('of the suite')
  await scopes.enter(aTest('first'))
  await write('of the test')
  expect(await bodies()).toEqual(['of the suite', 'of the test'])
  await scopes.leave(aTest('first'))
  expect(await bodies()).toEqual(['of the suite'])
  await scopes.leave(suite)
  expect(await bodies()).toEqual([])
  await scopes.leave(file)
  expect(await place.committed()).toEqual([])
  const [note] = await readNotes(place.run.folder, 1)
  expect(note).toMatchObject({ file: 'a.test.ts', sessions: 1, tests: [{ name: 'silent' }, { name: 'first' }] })
})

test('a file that never asks leaves no note', async () => {
  const scopes = await openScopes(place.run, 1)
  await scopes.enter(file)
  await scopes.enter(aTest('silent'))
  await scopes.leave(file)
  expect(await readNotes(place.run.folder, 1)).toEqual([])
  expect((await scopes.inSandbox()).sandbox.sessions).toBe(0)
})

test('refuses a slot that the run has not prepared, and a run that has failed', async () => {
  await expect(openScopes(place.run, 2)).rejects.toThrow('Worker 2 has no database: the run prepared 1.')
  await expect(openScopes({ failure: 'the seed is broken' }, 1)).rejects.toThrow('the seed is broken')
})
