import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../../../scripts/workspaces.mjs'

test.each(['vitest', 'jest'])('the adapter for %s has at most 150 lines: what is more belongs into the core', name => {
  const folder = join(root, 'packages', name, 'src')
  const lines = readdirSync(folder).flatMap(file => readFileSync(join(folder, file), 'utf8').trimEnd().split('\n'))
  expect(lines.length).toBeLessThanOrEqual(150)
})
