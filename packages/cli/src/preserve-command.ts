import { listPreserved, preserve, type KeptRow, type Preserved, type Rows } from '@seedbed/core'
import { confirming } from './confirm.js'
import { colour, plain, print, printJson, say, sayPlace } from './print.js'

export interface PreserveAsked {
  env?: string
  key?: Record<string, string>
  label?: string
  where?: string
  reason?: string
  off?: boolean
  list?: boolean
  json?: boolean
}

/**
 * Marks rows that a reset keeps, takes marks away, or lists them; `rows` is undefined for the list.
 *
 * @returns the exit code: 130 after Ctrl-C
 */
export async function preserveCommand(folder: string, rows: Rows | undefined, asked: PreserveAsked): Promise<number> {
  const { env, reason, off = false, json } = asked
  return confirming(async confirm => {
    const options = {
      ...{ ...confirm, folder, environment: env },
      ...{ begin: sayPlace, progress: (line: string) => say(plain(line)) },
    }
    const done = rows === undefined ? await listPreserved(options) : await preserve({ ...options, rows, reason, off })
    if (json) printJson(done)
    else for (const line of linesOf(done, off)) print(line)
    return 0
  })
}

/** `public.prices (tenant_id=1, code=x)` */
export const rowOf = ({ table, key }: Pick<KeptRow, 'table' | 'key'>) =>
  plain(
    `${table} (${Object.entries(key)
      .map(([column, value]) => `${column}=${value}`)
      .join(', ')})`,
  )

function linesOf({ changed, marks, kept, missing }: Preserved, off: boolean): string[] {
  const following = kept.filter(({ because }) => 'references' in because)
  return [
    ...changed.map(each => `${off ? 'no longer preserved' : 'preserved'}: ${rowOf(each)}`),
    ...(changed.length === 0 ? marks.map(markLine) : []),
    ...(marks.length === 0 ? ['nothing is preserved'] : []),
    ...following.map(each =>
      colour('dim', `  kept with it: ${rowOf(each)}, since ${becauseOf(each)} refers to it`, process.stdout),
    ),
    ...missing.map(each => colour('yellow', `not there any more: ${rowOf(each)}`, process.stdout)),
  ]
}

function markLine(mark: Preserved['marks'][number]): string {
  const reason = mark.reason === null ? '' : `: ${mark.reason}`
  return `${rowOf(mark)} · by ${plain(mark.markedBy)} at ${mark.markedAt.slice(0, 16)}${plain(reason)}`
}

const becauseOf = ({ because }: KeptRow) => ('references' in because ? because.references : 'a mark')
