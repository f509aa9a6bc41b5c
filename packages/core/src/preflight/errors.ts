import { defineErrors, kind } from '@seedbed/environments/errors'

export const { errors: preflightErrors, kinds: preflightErrorKinds } = defineErrors({
  PREFLIGHT_WITHOUT_TARGET: kind<{ known: string[] }>({
    title: 'There is nothing to deploy to',
    why: '`seedbed preflight` looks at the environment whose tier is production, and at those that come before it. The config has none.',
    example: { known: ['test', 'development'] },
    message: ({ known }) => `The config has no environment of the tier production; it has ${known.join(', ')}.`,
    hint: () => 'Name production in the config by a variable, or say where it is going: seedbed preflight --env NAME.',
  }),
})
