export { closeRuns as default } from '@seedbed/core'
