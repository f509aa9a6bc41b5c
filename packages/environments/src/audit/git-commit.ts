import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gitFolder } from '../variables/git-branch.js'

/**
 * The commit that a folder's repository is at, read without starting git; undefined outside of one, and before the first commit.
 *
 * @example readCommit('/work/shop') // '3033c81…', 40 or 64 hex digits
 */
export function readCommit(folder: string): string | undefined {
  const git = gitFolder(resolve(folder))
  const head = git && read(join(git, 'HEAD'))
  if (!git || head === undefined) return undefined
  const reference = /^ref: (.+)$/.exec(head)?.[1]
  if (reference === undefined) return head
  // A worktree has a HEAD of its own; the branches are in the repository.
  const common = read(join(git, 'commondir'))
  const repository = common === undefined ? git : resolve(git, common)
  return read(join(repository, reference)) ?? packed(repository, reference)
}

function packed(repository: string, reference: string): string | undefined {
  const lines = read(join(repository, 'packed-refs'))?.split('\n')
  return lines?.find(line => line.endsWith(` ${reference}`))?.split(' ')[0]
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return undefined
  }
}
