import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { incompletePackages, lockFileProblems } from '../../../scripts/check-lock-file.mjs'

const checked = { version: '1.0.0', integrity: 'sha512-AAAA' }

test('the lock file is complete, and names no registry', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../package-lock.json'), 'utf8')
  expect(lockFileProblems(JSON.parse(text))).toEqual([])
})

test("names the binary of another platform that is missing, and finds those that are nested or a folder's own", () => {
  const packages = {
    '': {},
    'packages/core': { optionalDependencies: { nested: '1', hoisted: '1', missing: '1' } },
    'packages/core/node_modules/nested': checked,
    'node_modules/hoisted': { ...checked, optionalDependencies: { '@scope/own': '1', '@scope/gone': '1' } },
    'node_modules/hoisted/node_modules/@scope/own': checked,
  }
  expect(lockFileProblems({ packages })).toEqual([
    'packages/core: its optional dependency missing is not in the lock file',
    'node_modules/hoisted: its optional dependency @scope/gone is not in the lock file',
  ])
  expect(incompletePackages({ packages })).toEqual(['packages/core', 'node_modules/hoisted'])
})

test('names a registry by its host, without what stands before it', () => {
  const resolved = 'https://someone:secret@registry.example/pg/-/pg-8.16.0.tgz'
  expect(lockFileProblems({ packages: { 'node_modules/pg': { ...checked, resolved } } })).toEqual([
    'node_modules/pg: names a registry: registry.example',
  ])
})

test('asks for a checksum of everything that comes from a registry', () => {
  const packages = {
    'packages/core': { version: '0.1.0' },
    'node_modules/@seedbed/core': { resolved: 'packages/core', link: true },
    'node_modules/a/node_modules/bundled': { version: '1.0.0', inBundle: true },
    'node_modules/pg': { version: '8.16.0' },
  }
  expect(lockFileProblems({ packages })).toEqual(['node_modules/pg: has no checksum'])
})
