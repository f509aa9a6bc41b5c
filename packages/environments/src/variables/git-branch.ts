import { readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Variables } from '../config.js'

/**
 * The git branch that a folder is on, read from `.git` without starting git: worktrees and submodules too. In the midst of a
 * rebase it is the branch that is rebased. Where HEAD is detached, or no repository is there, the CI's or the platform's
 * variables say it, if `variables` are given: they speak of this repository and of no other.
 *
 * @returns undefined where there is no branch
 * @example readBranch('/work/shop', process.env) // 'feature/cart'
 */
export function readBranch(folder: string, variables: Variables = {}): string | undefined {
  const git = gitFolder(resolve(folder))
  return (git && branchOf(git)) ?? branchOfCi(variables)
}

/** `.git` is a folder, or in worktrees and submodules a file that names it. */
export function gitFolder(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const git = join(at, '.git')
    const found = statSync(git, { throwIfNoEntry: false })
    if (found?.isDirectory()) return git
    const named = found && /^gitdir: (.+)$/m.exec(readFileSync(git, 'utf8'))?.[1]
    if (named) return resolve(at, named.trim())
    if (at === dirname(at)) return undefined
  }
}

function branchOf(git: string): string | undefined {
  const files = ['HEAD', 'rebase-merge/head-name', 'rebase-apply/head-name']
  const branches = files.map(file => /^(?:ref: )?refs\/heads\/(.+)$/m.exec(textOf(join(git, file)))?.[1]?.trim())
  // What stands in HEAD where references are kept in a reftable.
  return branches.find(branch => branch !== undefined && branch !== '.invalid')
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/**
 * In the order in which one goes before another: a merge request's own branch before the one that it is merged into.
 * Sources: the CIs' lists of predefined variables.
 */
const branchVariables = [
  'GITHUB_HEAD_REF', 'CI_MERGE_REQUEST_SOURCE_BRANCH_NAME', 'CI_COMMIT_BRANCH', 'CIRCLE_BRANCH', 'BUILDKITE_BRANCH',
  'BITBUCKET_BRANCH', 'TRAVIS_PULL_REQUEST_BRANCH', 'TRAVIS_BRANCH', 'DRONE_SOURCE_BRANCH', 'DRONE_BRANCH', 'CHANGE_BRANCH',
  'SYSTEM_PULLREQUEST_SOURCEBRANCH', 'BUILD_SOURCEBRANCH', 'BRANCH_NAME', 'VERCEL_GIT_COMMIT_REF', 'RENDER_GIT_BRANCH',
] // prettier-ignore

function branchOfCi(variables: Variables): string | undefined {
  // Of a tag it would be the tag's name.
  const github = variables.GITHUB_REF_TYPE === 'branch' ? variables.GITHUB_REF_NAME : undefined
  const said = [...branchVariables.map(name => variables[name]), github].find(value => value?.trim())
  return said?.trim().replace(/^refs\/heads\//, '')
}
