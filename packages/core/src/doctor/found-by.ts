import { sentenceOf } from '../errors/sentence-of.js'
import { CannotCheck, problem, skipped, type Found } from './finding.js'

/**
 * What an error means for a check. Those of Seedbed and of pg-template-db say what happened, and what to do; after any other nothing is
 * known.
 *
 * @param failed what could not be done @default 'this check has failed'
 */
export function foundBy(
  error: unknown,
  environment: Found['environment'] = null,
  failed = 'this check has failed',
): Found {
  const { name, message, hint, code } = error as Error & { code?: unknown; hint?: unknown }
  if (error instanceof CannotCheck) return skipped(message, { environment })
  // pg's errors have a hint, too.
  const isTeaching = typeof hint === 'string' && typeof code === 'string' && /^[A-Z]+(_[A-Z]+)+$/.test(code)
  if (!isTeaching) return skipped(`${failed}: ${message}`, { environment })
  return problem(sentenceOf(message), {
    why:
      name === 'SeedbedError'
        ? `docs/errors/${code}.md says more.`
        : `pg-template-db says ${code}, and so it would to a run.`,
    wayOut: hint.split('\n'),
    environment,
  })
}
