import { execFileSync } from 'node:child_process'
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readBranch } from '@seedbed/environments'
import { afterAll, expect, test } from 'vitest'

const place = mkdtempSync(join(tmpdir(), 'seedbed-branch-'))
afterAll(() => rmSync(place, { recursive: true, force: true }))

const identity = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', '-c', 'commit.gpgsign=false']
const git = (folder: string, ...command: string[]) =>
  execFileSync('git', ['-C', folder, ...identity, ...command], {
    encoding: 'utf8',
    stdio: 'pipe',
    env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' },
  }).trim()

function repository(name: string, branch = 'main'): string {
  const folder = join(place, name)
  mkdirSync(join(folder, 'packages/shop'), { recursive: true })
  git(folder, 'init', '--quiet', '--initial-branch', branch)
  git(folder, 'commit', '--quiet', '--allow-empty', '--message', 'one')
  return folder
}

test('a branch, from any folder of the repository', () => {
  const folder = repository('plain', 'feature/cart')
  expect(readBranch(folder)).toBe('feature/cart')
  expect(readBranch(join(folder, 'packages/shop'))).toBe('feature/cart')
})

test('a branch without a commit', () => {
  const folder = join(place, 'empty')
  mkdirSync(folder)
  git(folder, 'init', '--quiet', '--initial-branch', 'first')
  expect(readBranch(folder)).toBe('first')
})

test('a worktree has a branch of its own', () => {
  const folder = repository('with-worktree')
  git(folder, 'worktree', 'add', '--quiet', '-b', 'beside', join(place, 'beside'))
  expect(readBranch(join(place, 'beside'))).toBe('beside')
  expect(readBranch(folder)).toBe('main')
})

test('a submodule is a repository of its own', () => {
  const inner = repository('inner', 'library')
  const outer = repository('outer')
  git(outer, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner, 'vendor')
  expect(readBranch(join(outer, 'vendor'))).toBe('library')
})

test('packed references', () => {
  const folder = repository('packed', 'packed-branch')
  git(folder, 'pack-refs', '--all')
  expect(readBranch(folder)).toBe('packed-branch')
})

test('a rebase that has stopped is on the branch that it rebases', () => {
  const folder = repository('rebasing')
  const write = (text: string, ...command: string[]) => {
    writeFileSync(join(folder, 'file'), text)
    git(folder, 'add', 'file')
    git(folder, ...command, 'commit', '--quiet', '--message', text)
  }
  git(folder, 'switch', '--quiet', '-c', 'topic')
  write('theirs')
  git(folder, 'switch', '--quiet', 'main')
  write('ours')
  git(folder, 'switch', '--quiet', 'topic')
  expect(() => git(folder, 'rebase', 'main')).toThrow()
  expect(readBranch(folder)).toBe('topic')
})

test.each([
  [{ GITHUB_REF_TYPE: 'branch', GITHUB_REF_NAME: 'main' }, 'main'],
  [{ GITHUB_REF_TYPE: 'branch', GITHUB_REF_NAME: '7/merge', GITHUB_HEAD_REF: 'feature/x' }, 'feature/x'],
  [{ GITHUB_REF_TYPE: 'tag', GITHUB_REF_NAME: 'v1' }, undefined],
  [{ CI_COMMIT_BRANCH: 'main' }, 'main'],
  [{ CI_MERGE_REQUEST_SOURCE_BRANCH_NAME: 'topic' }, 'topic'],
  [{ BUILD_SOURCEBRANCH: 'refs/heads/release/1' }, 'release/1'],
  [{ RENDER_GIT_BRANCH: 'main' }, 'main'],
  [{ BRANCH_NAME: ' ' }, undefined],
  [{}, undefined],
])('detached, as in CI, with %o: %s', (variables, branch) => {
  const folder = join(place, 'detached')
  rmSync(folder, { recursive: true, force: true })
  repository('detached')
  git(folder, 'switch', '--quiet', '--detach')
  expect(readBranch(folder, variables)).toBe(branch)
})

test('no repository, as on a platform', () => {
  const folder = join(place, 'none')
  mkdirSync(folder)
  expect(readBranch(folder)).toBeUndefined()
  expect(readBranch(folder, { RENDER_GIT_BRANCH: 'main' })).toBe('main')
})

test('a .git that is none is no branch', () => {
  const folder = join(place, 'broken')
  mkdirSync(folder)
  writeFileSync(join(folder, '.git'), 'nonsense')
  expect(readBranch(folder)).toBeUndefined()
  writeFileSync(join(folder, '.git'), 'gitdir: /nowhere')
  expect(readBranch(folder)).toBeUndefined()
})
