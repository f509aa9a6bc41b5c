import { defineErrors, kind } from '@seedbed/environments/errors'

export const { errors: configErrors, kinds: configErrorKinds } = defineErrors({
  CONFIG_SEVERAL_FILES: kind<{ folder: string; files: string[] }>({
    title: 'A folder holds several configs',
    why:
      'Seedbed reads one file, `seedbed.config.ts` or the same with another ending. With two, one would be ignored in ' +
      'silence.',
    example: { folder: '/app', files: ['seedbed.config.js', 'seedbed.config.ts'] },
    message: ({ folder, files }) => `${folder} holds ${files.join(' and ')}: it is not clear which one to read.`,
    hint: () => 'Keep one of them.',
  }),
  CONFIG_CANNOT_LOAD: kind<{ file: string; reason: string }>({
    title: 'The config cannot be loaded',
    why: 'The file was found, but reading it or running it failed.',
    example: { file: '/app/seedbed.config.ts', reason: "Cannot find module './settings.js'" },
    message: ({ file, reason }) => `${file} cannot be loaded: ${reason}`,
    hint: () =>
      'The error comes from the file itself or from what it imports. A config can do without imports: it may export a ' +
      'plain object.',
  }),
  CONFIG_NOT_AN_OBJECT: kind<{ file: string; got: string }>({
    title: 'The config exports no options',
    why: 'The default export (in CommonJS `module.exports`) has to be an object with options.',
    example: { file: '/app/seedbed.config.ts', got: 'nothing' },
    message: ({ file, got }) => `${file} exports ${got} as its default; an object with options is expected.`,
    hint: () =>
      "Write: import { defineConfig } from '@seedbed/core'\n       export default defineConfig({ migrations: './migrations' })",
  }),
  CONFIG_UNKNOWN_OPTION: kind<{ file: string; option: string; near: string | undefined; known: string[] }>({
    title: 'The config has an option that does not exist',
    why: 'An option with a wrong name would have no effect, and nobody would notice.',
    example: {
      file: '/app/seedbed.config.ts',
      option: 'migration',
      near: 'migrations',
      known: ['migrations', 'seeds'],
    },
    message: ({ file, option }) => `${file}: there is no option ${option}.`,
    hint: ({ near, known }) => (near ? `Did you mean ${near}?` : `The options here are: ${known.join(', ')}.`),
  }),
  CONFIG_WRONG_VALUE: kind<{ file: string; option: string; expected: string; got: string }>({
    title: 'An option of the config has a wrong value',
    why: 'The value is of another type than the option takes, or not one of the values that exist.',
    example: { file: '/app/seedbed.config.ts', option: 'seeds', expected: 'a path or several', got: 'the number 3' },
    message: ({ file, option, got }) => `${file}: ${option} is ${got}.`,
    hint: ({ option, expected }) => `${option} takes ${expected}.`,
  }),
  CONFIG_VARIABLES: kind<{ problem: string }>({
    title: 'What `variables` of the config answers with cannot be used',
    why: '`variables` gives the application its own names for the connection. DATABASE_URL, PG* and ENVIRONMENT are set to the test database by Seedbed alone: another value would lead tests to another database.',
    example: { problem: 'names DATABASE_URL, which is not its to set' },
    message: ({ problem }) => `variables in seedbed.config ${problem}.`,
    hint: () => 'Return texts by names of your own, at once: variables: ({ url }) => ({ SHOP_DATABASE: url }).',
  }),
  VARIABLE_WRONG_VALUE: kind<{ variable: string; expected: string; got: string }>({
    title: 'A variable of Seedbed has a value that does not exist',
    why: 'A variable with another value would have no effect, and nobody would notice.',
    example: { variable: 'SEEDBED_KEEP', expected: "'failed', or nothing", got: "'all'" },
    message: ({ variable, got }) => `${variable} is ${got}.`,
    hint: ({ variable, expected }) => `${variable} takes ${expected}.`,
  }),
  TEMPORARY_FOLDER_UNUSABLE: kind<{ folder: string; problem: string }>({
    title: 'The folder for temporary files cannot be used',
    why: 'A run tells its workers what they need by files in a private folder there. It is what the system names: TMPDIR, or TEMP on Windows.',
    example: { folder: '/tmp/of-another', problem: 'EACCES' },
    message: ({ folder, problem }) => `No folder can be made in ${folder} (${problem}).`,
    hint: () => 'Set TMPDIR to a folder that is there, and in which you may make others.',
  }),
  KEEP_IN_CONTAINER: kind<undefined>({
    title: 'A container that goes with its run can keep nothing',
    why:
      "`keep: 'failed'`, or SEEDBED_KEEP=failed, keeps databases of failed tests to look at after the run. The container " +
      'of `server` is removed by the last run out, with all that is in it.',
    example: undefined,
    message: () => 'What failed tests have seen cannot be kept in a container that is removed when the run ends.',
    hint: () =>
      'Let the container stay, server: { container: { reuse: true } }, use the embedded server, or unset keep and SEEDBED_KEEP.',
  }),
})
