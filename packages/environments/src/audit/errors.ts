import { defineErrors, kind } from '../errors/define-errors.js'

export const { errors: auditErrors, kinds: auditErrorKinds } = defineErrors({
  AUDIT_UNWRITABLE: kind<{ file: string; reason: string }>({
    title: 'The audit log cannot be written',
    why:
      'Whatever destroys data is written down before it is done. Where that is not possible it is not done; what destroys ' +
      'nothing goes on, and its line goes to standard error.',
    example: { file: '/srv/shop/.seedbed/audit.jsonl', reason: 'ENOSPC: no space left on device' },
    message: ({ file, reason }) => `The audit log ${file} cannot be written: ${reason}.`,
    hint: () => 'Make room or give the right to write there, or name another file in audit: { file } in the config.',
  }),
})
