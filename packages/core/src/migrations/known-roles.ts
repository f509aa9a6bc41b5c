import type { CreateRoleStmt, DefElem, RoleSpec } from 'libpg-query'
import { loadPg } from '../server/load-pg.js'
import { parseStatements, type SqlStatement } from './sql-statements.js'
import { bytesToOffsets } from './text-position.js'

/** A text to execute, and the way back from an offset in it to one in the text as it was written. */
export interface RewrittenSql {
  text: string
  original(offset: number): number
}

/** Whether the text may create a role: at times yes for one that does not, because of a comment, never no for one that does. */
export function mentionsCreateRole(text: string): boolean {
  return /\bcreate\s+(?:(?:\/\*.*?\*\/|--[^\n]*)\s*)*(?:role|user(?!\s+mapping\b)|group)\b/is.test(text)
}

/**
 * Turns `CREATE ROLE x …` of a role that is there already into `ALTER ROLE x …`. Roles belong to the whole server, so
 * a role that a migration created is still there when the next template is built from the same migration. Lists of
 * members become GRANT. CREATE ROLE inside a DO block or a function is not seen.
 *
 * @example (await alterKnownRoles('create user ada', ['ada'])).text // 'ALTER ROLE "ada" LOGIN'
 */
export async function alterKnownRoles(text: string, knownRoles: readonly string[]): Promise<RewrittenSql> {
  const unchanged = { text, original: (offset: number) => offset }
  if (knownRoles.length === 0 || !mentionsCreateRole(text)) return unchanged
  // what cannot be parsed is the server's to refuse
  const statements = await parseStatements(text).catch(() => [])
  const pieces: { at: number; from: number; fixed: boolean }[] = []
  let result = ''
  let copied = 0
  for (const statement of statements) {
    const create = createRole(statement)
    if (!create?.role || !knownRoles.includes(create.role)) continue
    add(text.slice(copied, statement.start), copied, false)
    add(alterRole(text, statement, create), statement.start, true)
    copied = statement.end
  }
  if (copied === 0) return unchanged
  add(text.slice(copied), copied, false)
  return {
    text: result,
    original(offset) {
      const piece = pieces.findLast(({ at }) => at <= offset)!
      return piece.fixed ? piece.from : piece.from + offset - piece.at
    },
  }

  function add(piece: string, from: number, fixed: boolean) {
    if (piece === '') return
    pieces.push({ at: result.length, from, fixed })
    result += piece
  }
}

function createRole({ tree }: SqlStatement): CreateRoleStmt | undefined {
  return 'CreateRoleStmt' in tree ? tree.CreateRoleStmt : undefined
}

function alterRole(text: string, statement: SqlStatement, create: CreateRoleStmt): string {
  const role = loadPg().escapeIdentifier(create.role!)
  const options = (create.options ?? []).flatMap(node => ('DefElem' in node ? [node.DefElem] : []))
  // not written options keep what the role has; only LOGIN differs between CREATE USER and CREATE ROLE
  const written = options.some(option => option.defname === 'canlogin')
  const login = written ? [] : [create.stmt_type === 'ROLESTMT_USER' ? 'LOGIN' : 'NOLOGIN']
  const attributes = attributeTexts(text, statement, options)
  const grants = options.flatMap(option => grantsOf(option, role))
  return [[`ALTER ROLE ${role}`, ...login, ...attributes].join(' '), ...grants].join('\n; ')
}

/** The options as they are written, from each one's place to the next one's. */
function attributeTexts(text: string, statement: SqlStatement, options: DefElem[]): string[] {
  const offsetOf = bytesToOffsets(text)
  const starts = options.map(option => offsetOf(option.location ?? 0))
  const notForAlter = new Set(['sysid', 'addroleto', 'rolemembers', 'adminmembers'])
  return options.flatMap((option, index) => {
    if (notForAlter.has(option.defname ?? '')) return []
    return [text.slice(starts[index], starts[index + 1] ?? statement.end).trimEnd()]
  })
}

function grantsOf(option: DefElem, role: string): string[] {
  const items = option.arg && 'List' in option.arg ? (option.arg.List.items ?? []) : []
  const others = items.flatMap(item => ('RoleSpec' in item ? [roleName(item.RoleSpec)] : [])).join(', ')
  if (option.defname === 'addroleto') return [`GRANT ${others} TO ${role}`]
  if (option.defname === 'rolemembers') return [`GRANT ${role} TO ${others}`]
  if (option.defname === 'adminmembers') return [`GRANT ${role} TO ${others} WITH ADMIN OPTION`]
  return []
}

function roleName({ roletype, rolename }: RoleSpec): string {
  if (roletype === 'ROLESPEC_CSTRING') return loadPg().escapeIdentifier(rolename!)
  return roletype!.replace('ROLESPEC_', '')
}
