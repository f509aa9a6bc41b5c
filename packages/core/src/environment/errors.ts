import { defineErrors, kind } from '@seedbed/environments/errors'

export const { errors: environmentCommandErrors, kinds: environmentCommandErrorKinds } = defineErrors({
  SCENARIOS_TOO_MANY: kind<{ combinations: number; most: number }>({
    title: 'There are too many combinations to go through',
    why: '`seedbed scenarios` tries every combination of what the config listens to. Each flag, variable and rule multiplies them.',
    example: { combinations: 1_200_000, most: 300_000 },
    message: ({ combinations, most }) =>
      `What can be said to this config has ${combinations} combinations: more than ${most}.`,
    hint: () =>
      'Ask for a part of it: scenariosOf() of @seedbed/core takes a config, in which flags, variables or branches are left out.',
  }),
})
