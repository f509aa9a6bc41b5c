import { mkdir, readdir, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openEmbedded } from '../../src/server/embedded.js'
import { removeOldClusters } from '../../src/server/old-clusters.js'
import { testHome, usedHome, type TestHome } from './support.js'

let place: TestHome
beforeAll(async () => {
  await using source = await usedHome()
  place = await testHome({ source })
})
afterAll(() => place[Symbol.asyncDispose]())

const clusters = async () => (await readdir(join(place.home, 'clusters'))).map(name => name.split('-')[0]).toSorted()
const open = async (name: string) => {
  const projectFolder = join(place.folder, name)
  await mkdir(projectFolder, { recursive: true })
  return openEmbedded({ projectFolder, home: place.home, progress: () => {} })
}
const startedDaysAgo = async (project: string, days: number) => {
  const name = (await readdir(join(place.home, 'clusters'))).find(cluster => cluster.startsWith(`${project}-`))!
  const then = new Date(Date.now() - days * 24 * 60 * 60 * 1_000)
  await utimes(join(place.home, 'clusters', name, 'cluster.json'), then, then)
}

test('a cluster that nobody has started for a month goes; one that runs, and a younger one, stay', async () => {
  for (const name of ['gone', 'young']) await (await open(name))[Symbol.asyncDispose]()
  await using running = await open('running')
  await startedDaysAgo('gone', 31)
  await startedDaysAgo('young', 29)
  await startedDaysAgo('running', 31)
  const removed = await removeOldClusters(place.home)
  expect(removed).toEqual([expect.stringMatching(/^gone-/)])
  expect(await clusters()).toEqual(['running', 'young'])
  expect(running.origin).toBe('initialised')
})

test('the last one out does it', async () => {
  await startedDaysAgo('young', 31)
  await (await open('another'))[Symbol.asyncDispose]()
  expect(await clusters()).not.toContain('young')
})
