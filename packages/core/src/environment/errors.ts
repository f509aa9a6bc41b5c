import { defineErrors, kind } from '@seedbed/environments/errors'

export const { errors: environmentCommandErrors, kinds: environmentCommandErrorKinds } = defineErrors({
  CLAIM_WITHOUT_TERMINAL: kind<{ environment: string }>({
    title: 'A database is claimed at a terminal only',
    why:
      'What is claimed may be reset and dropped from then on. Somebody has to see what is in it, and to type its name; no option and no ' +
      'variable answers for that.',
    example: { environment: 'staging' },
    message: ({ environment }) =>
      `${environment} was not claimed: there is no terminal at which somebody could be asked.`,
    hint: ({ environment }) =>
      `Run seedbed env claim ${environment} at a terminal. A program that knows what it does calls claimEnvironment() of @seedbed/core.`,
  }),
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
