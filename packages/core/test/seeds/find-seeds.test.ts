import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findSeeds } from '../../src/seeds/find-seeds.js'
import { project, refusal } from './support.js'

test('the files of seeds/ are found in natural order, and nothing else', async () => {
  await using made = await project({
    'seeds/10-last.JSON': '{}',
    'seeds/2-second.sql': '',
    'seeds/1-first.ts': '',
    'seeds/2-second.js': '',
    'seeds/README.md': '',
    'seeds/types.d.ts': '',
    'seeds/.hidden.json': '',
    'seeds/below/other.json': '',
    'other.json': '',
  })
  const plan = await findSeeds(made.folder, {})
  expect(plan.files).toEqual(
    ['1-first.ts', '2-second.js', '2-second.sql', '10-last.JSON'].map(name => join(made.folder, 'seeds', name)),
  )
  expect(plan.description).toBe('seeds/ (4 files)')
})

test('a file that nobody reads is named: it may hold rows', async () => {
  await using made = await project({
    'seeds/a.jsonc': '{}',
    'seeds/b.csv': '',
    'seeds/c.csv': '',
    'seeds/c.ts': `new URL('./c.csv', import.meta.url)`,
  })
  expect((await findSeeds(made.folder, {})).description).toBe('seeds/ (1 file; a.jsonc, b.csv passed over)')
})

test('without seeds there are none; what the config names must be there', async () => {
  await using made = await project({ 'empty/README.md': '', 'rows.yaml': '', 'a.json': '{}' })
  expect(await findSeeds(made.folder, {})).toMatchObject({ description: 'no seeds', files: [] })
  expect(await findSeeds(made.folder, { seeds: [] })).toMatchObject({ description: 'no seeds', files: [] })
  expect((await refusal(findSeeds(made.folder, { seeds: 'seed' }))).message).toBe('seeds: seed does not exist.')
  expect((await refusal(findSeeds(made.folder, { seeds: 'empty' }))).code).toBe('SEEDS_NOT_FOUND')
  expect((await refusal(findSeeds(made.folder, { seeds: 'rows.yaml' }))).code).toBe('SEED_UNKNOWN_KIND')
})

test('several files and folders keep the order of the config, and none counts twice', async () => {
  await using made = await project({ 'b/1.json': '{}', 'b/2.json': '{}', 'a.json': '{}' })
  const plan = await findSeeds(made.folder, { seeds: ['b/2.json', './a.json', 'b'] })
  expect(plan.files).toEqual(['b/2.json', 'a.json', 'b/1.json'].map(name => join(made.folder, name)))
  expect(plan.description).toBe('b/2.json, a.json, b/ (3 files)')
  const turned = await findSeeds(made.folder, { seeds: ['b', 'a.json'] })
  expect(turned.fingerprint).not.toEqual(plan.fingerprint)
})

test('the fingerprint changes with a seed, and with what a seed in code needs', async () => {
  await using made = await project({
    'seeds/a.json': '{}',
    'seeds/b.ts': `import { name } from './lib/name.js'\nimport '../shared'\nimport pg from 'pg'\nreadFile(new URL('./lib/data.csv', import.meta.url))`,
    'seeds/lib/name.ts': `export * from "../lib/deep/deeper"`,
    'seeds/lib/deep/deeper.ts': `require('../name')`,
    'seeds/lib/data.csv': 'x',
    'shared/index.mjs': '',
    'seeds/lib/unused.ts': '',
  })
  const before = (await findSeeds(made.folder, {})).fingerprint
  const needed = ['seeds/lib/name.ts', 'seeds/lib/deep/deeper.ts', 'seeds/lib/data.csv', 'shared/index.mjs']
  expect(Object.keys(before).toSorted()).toEqual([...needed, 'seeds/a.json', 'seeds/b.ts'].toSorted())
  expect(before['seeds/a.json']).toBe('44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a')
  for (const file of [...needed, 'seeds/a.json', 'seeds/b.ts']) {
    await made.write({ [file]: 'changed' })
    const after = (await findSeeds(made.folder, {})).fingerprint
    expect(after[file], file).not.toBe(before[file])
    await made.write({ 'seeds/b.ts': `import './lib/name.js'; import '../shared'; './lib/data.csv'` })
  }
})
