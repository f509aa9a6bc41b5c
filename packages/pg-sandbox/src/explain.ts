import type { Member } from './member.js'
import { reportFields, withFields } from './messages.js'

/**
 * What the server reports, as it would have reported it on a connection of the client's own: with the client's name for
 * a prepared statement and the position in the client's text. Where the reason is the sandbox, a hint says so.
 */
export function explain(bytes: Buffer, member: Member, offset: number): Buffer {
  const fields = reportFields(bytes)
  const code = fields.get('C') ?? ''
  const text = fields.get('M') ?? ''
  let changed = false
  const set = (field: string, value: string) => {
    fields.set(field, value)
    changed = true
  }

  const position = fields.get('P')
  if (offset !== 0 && position) set('P', String(Number(position) + offset))
  const named = /"(s\d+_[^"]*)"/.exec(text)?.[1]
  if (named !== undefined) {
    const [name] = [...member.prepared.statements].find(([, { serverName }]) => serverName === named) ?? []
    const own = name ?? member.prepared.closing.get(named) ?? portalNameOf(named)
    if (own !== undefined) set('M', text.replace(`"${named}"`, `"${own}"`))
  }
  if (code === '25001' && text.endsWith(' cannot run inside a transaction block')) {
    set('H', notInSandbox('It would have to commit, and in a sandbox nothing does.'))
  }
  if (code === '2D000') set('H', notInSandbox('A procedure cannot commit or roll back within the shared transaction.'))
  if (code === '55P04') {
    set('H', notInSandbox('The value was added in the transaction that the sandbox never commits.'))
  }
  return changed ? withFields(bytes, fields) : bytes
}

/** `s3_p_C_1` is the server's name for the portal `C_1`, `s3_h_c` that of a cursor `c`. */
function portalNameOf(serverName: string): string | undefined {
  return /^s\d+_(?:u|[ph]_(.*))$/s
    .exec(serverName)
    ?.slice(1)
    .map(name => name ?? '')[0]
}

/** For a text that the server takes and our parser does not. */
export const notUnderstood = 'the sandbox cannot tell what this text does to the transaction'

/** What all differences have in common: the isolation that has none of them. */
export function notInSandbox(why: string): string {
  return `${why} A database of the test's own allows it (Seedbed: isolation('database')).`
}
