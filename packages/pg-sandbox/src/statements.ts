import type { Node, TransactionStmt } from 'libpg-query'
import { remembering } from './remembering.js'

/**
 * What a statement means for the sandbox. Most are `plain`: the server does what it would do on a connection of the
 * client's own.
 */
export type Meaning =
  | { kind: 'plain' }
  | { kind: 'begin'; tag: 'BEGIN' | 'START TRANSACTION'; modes: Modes }
  | { kind: 'commit' | 'rollback'; chain: boolean }
  /** SAVEPOINT, RELEASE and ROLLBACK TO: the server's affair, but only in a transaction. */
  | { kind: 'savepoint'; command: 'SAVEPOINT' | 'RELEASE SAVEPOINT' | 'ROLLBACK TO SAVEPOINT'; name: string }
  /** LOCK TABLE, and DECLARE CURSOR without HOLD: they too are only allowed in a transaction. */
  | { kind: 'inTransaction'; command: string; cursor?: string }
  /** DECLARE CURSOR WITH HOLD. */
  | { kind: 'holdCursor'; name: string }
  /** FETCH, MOVE. */
  | { kind: 'fetch'; name: string }
  /** Null for ALL. */
  | { kind: 'closeCursor'; name: string | null }
  /** SET TRANSACTION. */
  | { kind: 'modes'; modes: Modes }
  /**
   * SET and RESET of these parameters, all for none; `local` lasts to the end of the transaction. A name of set_config
   * that is the statement's parameter is `$1`, and so is `local`; a name that is computed is left out.
   */
  | { kind: 'set'; names: string[]; local: boolean | string; isFunction: boolean; reset: boolean }
  | { kind: 'constraints' }
  /** CREATE TEMPORARY TABLE, and what becomes of it at a COMMIT. */
  | { kind: 'temporary'; name: string; onCommit: 'keep' | 'empty' | 'drop' }
  /** COPY … FROM STDIN: what the client sends next is data. */
  | { kind: 'copyIn' }
  | { kind: 'prepare' | 'execute'; name: string }
  /** Null for ALL. */
  | { kind: 'deallocate'; name: string | null }
  | { kind: 'discardAll' }
  | { kind: 'listen'; channel: string }
  | { kind: 'unlisten'; channel: string | null }
  | { kind: 'notify'; channel: string; payload: string }
  | { kind: 'twoPhases' }
  /** The parser refuses it. */
  | { kind: 'unknown' }

export interface Modes {
  readOnly?: boolean
  isolation?: string
}

export interface Statement {
  /** Offsets in the text. */
  start: number
  end: number
  meaning: Meaning
}

const plain: Meaning = { kind: 'plain' }

/**
 * Understands a text of one or more statements.
 *
 * @returns undefined where all of it is plain, and may be sent as it is; `unknown` where the parser refuses it
 * @example await understand('begin; insert into t values (1)') // begin, plain
 */
export async function understand(text: string): Promise<Statement[] | undefined | 'unknown'> {
  if (isPlain(text)) return undefined
  const known = simple(text)
  if (known) return [{ start: 0, end: text.length, meaning: known }]
  const statements = await parsed(text)
  if (!statements) return 'unknown'
  return statements.every(({ meaning }) => meaning.kind === 'plain') ? undefined : statements
}

/** The cheap look: whether nothing in this text can matter to the sandbox. */
export const isPlain = remembering(text => !mayMatter(text) || isSinglePlain(text))

/** No statement matters to the sandbox unless one of these words is in the text. */
function mayMatter(text: string): boolean {
  return words.test(text)
}

const words =
  /\b(?:begin|start|commit|end|rollback|abort|savepoint|release|prepare|deallocate|discard|set|reset|set_config|listen|unlisten|notify|lock|declare|fetch|move|close|execute|temp|temporary|stdin)\b/i

/** One statement that begins with another word: it holds such a word as a name, or in a string. */
function isSinglePlain(text: string): boolean {
  if (!plainBeginning.test(text) || /set_config|\b(?:temp(?:orary)?|stdin)\b/i.test(text)) return false
  const semicolon = text.indexOf(';')
  return semicolon === -1 || /^;\s*$/.test(text.slice(semicolon))
}

const plainBeginning =
  /^\s*(?:select|insert|update|delete|merge|create|alter|drop|truncate|with|values|table|copy|show|grant|revoke|refresh|comment|call)\b/i

/** What ORMs send thousands of times, without the parser. Undefined where it has to look. */
function simple(text: string): Meaning | undefined {
  if (text.length > 80) return undefined
  const trimmed = text.trim().replace(/;$/, '').trimEnd().toLowerCase().replaceAll(/\s+/g, ' ')
  const found = exact.get(trimmed)
  if (found) return found
  const savepoint = /^(savepoint|release|rollback to)(?: savepoint)? ([a-z_][a-z_0-9]{0,62})$/.exec(trimmed)
  if (!savepoint) return undefined
  const [, verb, name] = savepoint as unknown as [string, keyof typeof savepointCommands, string]
  return { kind: 'savepoint', command: savepointCommands[verb], name }
}

const savepointCommands = {
  savepoint: 'SAVEPOINT',
  release: 'RELEASE SAVEPOINT',
  'rollback to': 'ROLLBACK TO SAVEPOINT',
} as const

const exact = new Map<string, Meaning>([
  ...['begin', 'begin work', 'begin transaction'].map(
    text => [text, { kind: 'begin', tag: 'BEGIN', modes: {} }] as const,
  ),
  ['start transaction', { kind: 'begin', tag: 'START TRANSACTION', modes: {} }],
  ...['commit', 'commit work', 'commit transaction', 'end', 'end transaction'].map(
    text => [text, { kind: 'commit', chain: false }] as const,
  ),
  ...['rollback', 'rollback work', 'rollback transaction', 'abort'].map(
    text => [text, { kind: 'rollback', chain: false }] as const,
  ),
])

/** Undefined for a text that the parser refuses: the server shall say why. */
async function parsed(text: string): Promise<Statement[] | undefined> {
  const { parse } = await import('libpg-query')
  const found = await parse(text).catch(() => undefined)
  if (!found) return undefined
  const bytes = Buffer.from(text)
  const isAscii = bytes.length === text.length
  const offsetOf = (byte: number) => (isAscii ? byte : bytes.toString('utf8', 0, byte).length)
  return (found.stmts ?? []).map(({ stmt, stmt_location = 0, stmt_len }) => ({
    start: offsetOf(stmt_location),
    end: stmt_len ? offsetOf(stmt_location + stmt_len) : text.length,
    meaning: stmt ? meaningOf(stmt) : plain,
  }))
}

function meaningOf(node: Node): Meaning {
  if ('TransactionStmt' in node) return meaningOfTransaction(node.TransactionStmt)
  if ('VariableSetStmt' in node) return meaningOfSet(node.VariableSetStmt)
  if ('ConstraintsSetStmt' in node) return { kind: 'constraints' }
  if ('PrepareStmt' in node) return { kind: 'prepare', name: node.PrepareStmt.name ?? '' }
  if ('ExecuteStmt' in node) return { kind: 'execute', name: node.ExecuteStmt.name ?? '' }
  if ('DeallocateStmt' in node) return { kind: 'deallocate', name: node.DeallocateStmt.name ?? null }
  if ('ListenStmt' in node) return { kind: 'listen', channel: node.ListenStmt.conditionname ?? '' }
  if ('UnlistenStmt' in node) return { kind: 'unlisten', channel: node.UnlistenStmt.conditionname ?? null }
  if ('NotifyStmt' in node) {
    const { conditionname = '', payload = '' } = node.NotifyStmt
    return { kind: 'notify', channel: conditionname, payload }
  }
  if ('DiscardStmt' in node) {
    return (node.DiscardStmt.target ?? 'DISCARD_ALL') === 'DISCARD_ALL' ? { kind: 'discardAll' } : plain
  }
  if ('CopyStmt' in node) return node.CopyStmt.is_from && !node.CopyStmt.filename ? { kind: 'copyIn' } : plain
  if ('LockStmt' in node) return { kind: 'inTransaction', command: 'LOCK TABLE' }
  if ('FetchStmt' in node) return { kind: 'fetch', name: node.FetchStmt.portalname ?? '' }
  if ('ClosePortalStmt' in node) return { kind: 'closeCursor', name: node.ClosePortalStmt.portalname ?? null }
  if ('DeclareCursorStmt' in node) {
    const { options = 0, portalname = '' } = node.DeclareCursorStmt
    if ((options & cursorHold) !== 0) return { kind: 'holdCursor', name: portalname }
    return { kind: 'inTransaction', command: 'DECLARE CURSOR', cursor: portalname }
  }
  const temporary = temporaryTable(node)
  if (temporary) return temporary
  const calls = setConfigCalls(node)
  if (calls.length === 0) return plain
  const names = calls.map(([name]) => constantOrParameter(name)).filter(name => name !== undefined)
  // With both in one statement it is better to put back what was not to be kept than the other way round.
  const locals = calls.map(([, , local]) => (isTrue(local) ? 'true' : constantOrParameter(local)))
  const local = locals.includes('true') || (locals.find(value => value?.startsWith('$')) ?? false)
  return { kind: 'set', names, local, isFunction: true, reset: false }
}

/** CURSOR_OPT_HOLD in src/include/nodes/parsenodes.h. */
const cursorHold = 0x0020

function meaningOfTransaction(statement: TransactionStmt): Meaning {
  const { kind, chain = false, options = [], savepoint_name: name = '' } = statement
  switch (kind) {
    case 'TRANS_STMT_BEGIN':
      return { kind: 'begin', tag: 'BEGIN', modes: modesOf(options) }
    case 'TRANS_STMT_START':
      return { kind: 'begin', tag: 'START TRANSACTION', modes: modesOf(options) }
    case 'TRANS_STMT_COMMIT':
      return { kind: 'commit', chain }
    case 'TRANS_STMT_ROLLBACK':
      return { kind: 'rollback', chain }
    case 'TRANS_STMT_SAVEPOINT':
      return { kind: 'savepoint', command: 'SAVEPOINT', name }
    case 'TRANS_STMT_RELEASE':
      return { kind: 'savepoint', command: 'RELEASE SAVEPOINT', name }
    case 'TRANS_STMT_ROLLBACK_TO':
      return { kind: 'savepoint', command: 'ROLLBACK TO SAVEPOINT', name }
    default:
      return { kind: 'twoPhases' }
  }
}

function modesOf(options: Node[]): Modes {
  const modes: Modes = {}
  for (const option of options) {
    if (!('DefElem' in option)) continue
    const { defname, arg } = option.DefElem
    const value = arg && 'A_Const' in arg ? arg.A_Const : undefined
    if (defname === 'transaction_isolation') modes.isolation = value?.sval?.sval ?? ''
    if (defname === 'transaction_read_only') modes.readOnly = (value?.ival?.ival ?? 0) !== 0
  }
  return modes
}

function meaningOfSet(statement: { kind?: string; name?: string; args?: Node[]; is_local?: boolean }): Meaning {
  const { kind, name = '', args = [], is_local: local = false } = statement
  if (kind === 'VAR_SET_MULTI') {
    if (name === 'TRANSACTION') return { kind: 'modes', modes: modesOf(args) }
    const names = ['default_transaction_isolation', 'default_transaction_read_only', 'default_transaction_deferrable']
    return { kind: 'set', names, local: false, isFunction: false, reset: false }
  }
  if (kind === 'VAR_RESET_ALL') return { kind: 'set', names: [], local: false, isFunction: false, reset: true }
  const reset = kind === 'VAR_RESET' || kind === 'VAR_SET_DEFAULT'
  // Those of the transaction itself have nothing to be put back to.
  if (name.startsWith('transaction_'))
    return local ? { kind: 'set', names: [], local, isFunction: false, reset } : plain
  return { kind: 'set', names: [name], local, isFunction: false, reset }
}

/** CREATE TABLE, CREATE TABLE AS and SELECT INTO. */
function temporaryTable(node: Node): Meaning | undefined {
  const { relation, oncommit } =
    'CreateStmt' in node
      ? node.CreateStmt
      : 'CreateTableAsStmt' in node
        ? { relation: node.CreateTableAsStmt.into?.rel, oncommit: node.CreateTableAsStmt.into?.onCommit }
        : 'SelectStmt' in node && node.SelectStmt.intoClause
          ? { relation: node.SelectStmt.intoClause.rel, oncommit: node.SelectStmt.intoClause.onCommit }
          : {}
  if (relation?.relpersistence !== 't') return undefined
  const onCommit = oncommit === 'ONCOMMIT_DROP' ? 'drop' : oncommit === 'ONCOMMIT_DELETE_ROWS' ? 'empty' : 'keep'
  return { kind: 'temporary', name: relation.relname ?? '', onCommit }
}

function constantOrParameter(node: Node | undefined): string | undefined {
  if (node && 'A_Const' in node) return node.A_Const.sval?.sval
  if (node && 'ParamRef' in node) return `$${node.ParamRef.number}`
  return undefined
}

function isTrue(node: Node | undefined): boolean {
  return /"boolval":true|"sval":"(?:t|true|on|1)"/.test(JSON.stringify(node) ?? '')
}

function setConfigCalls(node: unknown): Node[][] {
  if (typeof node !== 'object' || node === null) return []
  const own: Node[][] = []
  for (const [key, value] of Object.entries(node)) {
    if (key === 'FuncCall') {
      const { funcname = [], args = [] } = value as { funcname?: Node[]; args?: Node[] }
      const last = funcname.at(-1)
      if (last && 'String' in last && last.String.sval === 'set_config') own.push(args)
    }
    own.push(...setConfigCalls(value))
  }
  return own
}
