import { defineErrors, kind } from '@seedbed/environments/errors'

export const { errors: initErrors, kinds: initErrorKinds } = defineErrors({
  INIT_NO_PACKAGE: kind<{ folder: string }>({
    title: 'There is no package to set up',
    why: '`seedbed init` sets up one package: it installs into its package.json and writes beside it.',
    example: { folder: '/app' },
    message: ({ folder }) => `${folder} holds no package.json, and no folder above it does.`,
    hint: () =>
      'Make one with npm init, or run seedbed init in the folder of the package whose tests use the database.',
  }),
  INIT_PACKAGE_BROKEN: kind<{ path: string; reason: string }>({
    title: 'A package.json cannot be read',
    why: 'Runner, packages and scripts are seen by package.json. One that is no JSON says nothing.',
    example: { path: '/app/package.json', reason: 'Expected double-quoted property name in JSON at position 2' },
    message: ({ path, reason }) => `${path} cannot be read: ${reason}`,
    hint: () => 'Mend it, and run seedbed init again. npm would say the same of it.',
  }),
  INIT_NO_RUNNER: kind<{ folder: string; asked: 'vitest' | 'jest' | undefined; workspaces: boolean }>({
    title: 'There is no test runner to set up',
    why: 'Seedbed stands inside Vitest or Jest. Which of them a project uses is seen by its dependencies, its config files and its scripts. None is chosen for you.',
    example: { folder: '/app', asked: undefined, workspaces: false },
    message: ({ folder, asked }) =>
      `${folder} uses ${asked ? `no ${asked}` : 'neither Vitest nor Jest'}: its dependencies, config files and scripts name none.`,
    hint: ({ asked, workspaces }) =>
      workspaces
        ? 'This is the root of a monorepo: run seedbed init in the folder of a package that has tests.'
        : `Install one, npm install --save-dev ${asked ?? 'vitest'}, and run seedbed init again.`,
  }),
  INIT_RUNNER_TOO_OLD: kind<{ runner: 'vitest' | 'jest'; version: string; needed: string }>({
    title: 'The test runner is older than Seedbed can work with',
    why: 'Seedbed needs to see a file, a describe and a test begin and end, which older versions do not tell.',
    example: { runner: 'vitest', version: '2.1.9', needed: '3.2' },
    message: ({ runner, version, needed }) =>
      `${runner} ${version} is installed here; Seedbed needs ${needed} or newer.`,
    hint: ({ runner }) =>
      `npm install --save-dev ${runner}@latest, see that your tests pass, and run seedbed init again.`,
  }),
  INIT_FILE_CHANGED: kind<{ path: string; appeared: boolean }>({
    title: 'A file has changed since it was looked at',
    why: 'What is written is what was shown. A file that somebody has changed in between, or that has appeared, is not overwritten.',
    example: { path: 'vitest.config.ts', appeared: false },
    message: ({ path, appeared }) =>
      appeared
        ? `${path} has appeared since the project was looked at.`
        : `${path} has changed since it was looked at.`,
    hint: () =>
      'Nothing was written over it. Run seedbed init again: it looks at what is there now, and goes on from there.',
  }),
  INIT_CANNOT_WRITE: kind<{ path: string; reason: string }>({
    title: 'A file cannot be written',
    why: 'Each file is written whole under another name and then put into its place. One of these steps has failed: no space, no right, or something in the way.',
    example: {
      path: 'vitest.config.ts',
      reason: "EACCES: permission denied, open '/app/.vitest.config.ts.seedbed-4711'",
    },
    message: ({ path, reason }) => `${path} cannot be written: ${reason}`,
    hint: () => 'It is as it was. Mend that, and run seedbed init again: it goes on from there.',
  }),
})
