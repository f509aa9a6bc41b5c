/**
 * Random programs: what one to three clients send, one after the other.
 *
 * At most one client is in a transaction at a time: while one is, it makes every step, whatever client the step names
 * (`run-program.ts` sees to it). For two transactions at once a real server makes a statement wait for a row, where the
 * sandbox makes it wait for its turn; neither can be run one statement at a time.
 *
 * Left out, since a sandbox differs here by design. Each is said in its README; those that can be run are in
 * differences.test.ts too.
 * - `now()` and whatever else stands still or moves with the real transaction: `xact_start`, `pg_current_xact_id()`, `xmin`.
 * - `SHOW transaction_isolation`: the real transaction's level stays.
 * - Within a transaction, SET TRANSACTION or another BEGIN with an isolation level or DEFERRABLE; below a savepoint,
 *   with READ ONLY or READ WRITE too (`isLeftOut`).
 * - LISTEN and NOTIFY; advisory locks, which two clients of one session both get.
 * - PREPARE TRANSACTION; VACUUM, CREATE INDEX CONCURRENTLY, CREATE DATABASE; COMMIT in a DO block or a procedure.
 * - Temporary tables of two clients, which share `pg_temp`: a program that makes one has one client.
 * - ALTER, DROP and TRUNCATE of a table that a cursor WITH HOLD reads: it stays in use.
 * - Parse of an empty text under a name, or in front of another statement of its batch.
 * - AND CHAIN behind an error, and READ WRITE behind READ ONLY.
 * - DEALLOCATE and CLOSE ALL as the last of several statements.
 * - Names that a query or PREPARE shares with what the sandbox answers for (`named`).
 * - `pg_backend_pid()`, `pg_prepared_statements`, `pg_cursors`, `pg_stat_activity`: they show the one session.
 *
 * And for other reasons:
 * - Rows without an order, and statements of several rows of which one may fail: a heap's order is nobody's promise.
 * - Execute and Describe of an unnamed portal that is not from the same batch: a server reads memory that it has freed,
 *   and crashes now and then, if the portal is that of a simple query that failed in a transaction (seen on 18.4).
 * - A prepared EXECUTE of itself, which ends at some depth of the stack.
 */
import fc from 'fast-check'
import { bind, close, describe, execute, flush, parse, type Request } from '../wire/requests.js'
import type { Place } from './run-program.js'
import {
  any,
  begin,
  cursors,
  declare,
  end,
  endSavepoint,
  makeSavepoint,
  makeTemporary,
  name,
  preparedNames,
  prepareInSql,
  savepoints,
  settings,
  several,
  statement,
  turn,
  useCursor,
  usePreparedInSql,
  useTemporary,
  weighted,
} from './statements.js'

export type Step = { client: number } & Action

export type Action =
  /** A simple query. */
  | { query: string }
  /** Messages of the extended protocol, and a Sync. */
  | { pipeline: Request[] }
  /** COPY FROM STDIN, and its data if the server asks for them; ended by CopyFail if `fail` is there. */
  | { copy: string; lines: string[]; fail?: string }
  /** Hangs up, with or without a goodbye; the next step of this client is on a new connection. */
  | { leaves: 'politely' | 'without a word' }

const preparedName = any(...preparedNames, 's3', 's4', 's5')
/** What a Bind makes. */
const newPortal = any('p1', 'p2')
/** A portal that an earlier message has left, or a cursor. */
const portalName = any('p1', 'p2', 'c1', 'c1')

/**
 * The sandbox answers for most that is no query itself, and does not see whether PREPARE or a query's portal has their
 * name; so that they have names of their own. Nothing executes `s4` or `s5`: a sandbox leaves the cursor of a DECLARE
 * open then, and of an EXECUTE of COMMIT even a server crashes now and then.
 */
function named(text: string, statement: string, portal: string) {
  if (text.startsWith('DECLARE')) return { statement: 's4', portal }
  if (text.includes(';')) return { statement, portal }
  if (/^\W*(?:now \*\/ )?(?:begin|start|commit|end|rollback|abort|savepoint|release)\b/i.test(text)) {
    return { statement: 's5', portal: '' }
  }
  return /^(?:SET|RESET|LOCK|DEALLOCATE|DISCARD|CLOSE)/.test(text)
    ? { statement: 's3', portal: '' }
    : { statement, portal }
}

/** Texts with and without parameters, and their values. */
const withValues = weighted<[text: string, values: (string | null)[]]>(
  [
    2,
    fc.tuple(
      fc.constant('INSERT INTO account (name, balance) VALUES ($1, $2) RETURNING id'),
      fc.tuple(fc.option(name, { freq: 19 }), any('1', '0', '4', '5', '6', '7', '-1', 'many')),
    ),
  ],
  [
    1,
    fc.tuple(
      fc.constant('UPDATE account SET balance = $1 WHERE id = $2'),
      fc.tuple(any('3', '4', '5', '-3'), any('1', '2')),
    ),
  ],
  [1, fc.tuple(fc.constant('SELECT $1::int / $2::int AS x'), fc.tuple(any('1', '2'), any('0', '1', '1', '1')))],
  [1, fc.tuple(fc.constant("SELECT set_config('app.who', $1, $2)"), fc.tuple(name, any('t', 'false')))],
  [2, fc.tuple(fc.constant('SELECT id, name FROM account ORDER BY id'), fc.constant([]))],
  [
    6,
    fc.tuple(
      weighted([18, statement], [6, turn], [1, several]).map(text =>
        text.startsWith('EXECUTE s3') ? 'SELECT 1' : text,
      ),
      fc.constant([]),
    ),
  ],
)
const someValues = fc.array(fc.option(any('1', '2', 'cyd')), { maxLength: 2 })

/** Messages of the extended protocol that belong together; they may lean on what earlier ones have left. */
const messages: fc.Arbitrary<Request[]> = weighted<Request[]>(
  [
    32,
    fc
      .tuple(withValues, any('0', '0', '1', '2'), fc.boolean())
      .map(([[text, values], rows, described]) => [
        parse(text),
        bind(values),
        ...(described ? [describe('portal')] : []),
        execute({ rows: Number(rows) }),
      ]),
  ],
  [
    1,
    fc.tuple(someValues, preparedName, newPortal, fc.nat(2)).map(([values, statement, name, rows]) => {
      const portal = statement === 's3' || statement === 's5' ? '' : name
      return [bind(values, { statement, portal }), execute({ portal, rows })]
    }),
  ],
  [1, fc.tuple(portalName, fc.nat(2)).map(([portal, rows]) => [execute({ portal, rows })])],
  [1, portalName.map(name => [describe('portal', name)])],
  [1, preparedName.map(name => [describe('statement', name)])],
  [1, preparedName.map(name => [close('statement', name)])],
  [1, portalName.map(name => [close('portal', name)])],
  [1, fc.constant([flush])],
)

/**
 * A statement that executes itself ends at some depth of the stack. The others are left out at some places, and what a name
 * stands for is not seen there.
 */
const mayHaveNoName = /^EXECUTE|^PREPARE|AND CHAIN|READ ONLY|READ WRITE|read_only|ISOLATION/

type Use = 'run' | 'named' | 'portions' | 'batch' | 'twice'

/** Prepared once under a name, and used several times: at once, or in portions. */
function preparedByMessages(uses: Use[]): fc.Arbitrary<Request[][]> {
  return fc
    .tuple(
      withValues,
      any(...preparedNames),
      newPortal,
      fc.boolean(),
      fc.array(fc.constantFrom(...uses), { minLength: 1, maxLength: 2 }),
    )
    .map(([[anyText, values], anyStatement, anyPortal, described, uses]) => {
      const text = mayHaveNoName.test(anyText) ? 'SELECT 1' : anyText
      const { statement, portal } = named(text, anyStatement, anyPortal)
      return [
        [parse(text, statement), ...(described ? [describe('statement', statement)] : [])],
        ...uses.flatMap(use => {
          if (use === 'run') return [[bind(values, { statement }), execute()]]
          const first = [bind(values, { statement, portal }), execute({ portal, rows: 1 })]
          const next = [execute({ portal, rows: 1 })]
          if (use === 'named') return [first]
          if (use === 'batch' || portal === '') return [[...first, ...next, close('portal', portal)]]
          return [first, next, [...next, close('portal', portal)]]
        }),
      ]
    })
}

const query = (text: fc.Arbitrary<string>) => text.map((query): Action => ({ query }))
/** The same statement in one of the two protocols. */
const either = (text: fc.Arbitrary<string>) =>
  weighted<Action>([3, query(text)], [1, text.map(text => ({ pipeline: [parse(text), bind(), execute()] }))])

const copyOf = (table: string, ...lines: string[]): fc.Arbitrary<Action> =>
  fc.tuple(fc.array(any(...lines), { maxLength: 2 }), fc.nat(9)).map(([lines, fate]) => ({
    copy: `COPY ${table} FROM STDIN`,
    lines,
    ...(fate === 0 ? { fail: 'not today' } : {}),
  }))
const copy = weighted(
  [4, copyOf('account (name, balance)', 'cyd\t5', 'dan\t6', 'eve\t7', 'fay\t8', 'ada\t1')],
  [4, copyOf('rank', '3', '4', '5', '6', 'nonsense')],
  [1, copyOf('nowhere', '1')],
)

const loose: fc.Arbitrary<Action> = weighted<Action>(
  [16, query(statement)],
  [1, query(turn)],
  [4, query(several)],
  [1, query(any('', ';', '-- nothing', ' ; ;', 'SELECT 1;'))],
  [4, messages.map(pipeline => ({ pipeline }))],
  [1, any('', ';', '-- nothing').map(text => ({ pipeline: [parse(text), bind(), describe('portal'), execute()] }))],
  [3, fc.array(messages, { minLength: 2, maxLength: 3 }).map(pipeline => ({ pipeline: pipeline.flat() }))],
  [1, copy],
  [1, any('politely', 'without a word').map(leaves => ({ leaves }) as Action)],
)

/** Without a transaction a cursor has to be held, and a portal ends with its batch. */
const other = (holds: fc.Arbitrary<string>, uses: Use[]): fc.Arbitrary<Action[]> =>
  weighted<Action[]>(
    [2, oneOf(cursors, name => around(either(declare(name, holds)), some(useCursor(name))))],
    [1, around(either(makeTemporary), some(useTemporary))],
    [1, some(settings)],
    [1, oneOf(preparedNames, name => around(either(prepareInSql(name)), some(usePreparedInSql(name))))],
    [2, preparedByMessages(uses).map(found => found.map((pipeline): Action => ({ pipeline })))],
  )

const withinTransaction = other(any('', '', 'WITH HOLD '), [
  'run',
  'run',
  'named',
  'portions',
  'portions',
  'batch',
  'batch',
  'twice',
])
const outside = other(any('', 'WITH HOLD ', 'WITH HOLD '), [
  'run',
  'run',
  'run',
  'batch',
  'batch',
  'batch',
  'twice',
  'portions',
])

/** Actions that make sense one after the other; between them may be others. */
const episodes = fc.letrec<{ nested: Action[]; transaction: Action[]; body: Action[] }>(tie => ({
  body: fc
    .array(weighted([5, loose.map(action => [action])], [3, tie('nested')], [2, withinTransaction]), { maxLength: 4 })
    .map(found => found.flat()),
  nested: oneOf(savepoints, name => around(either(makeSavepoint(name)), tie('body'), either(endSavepoint(name)))),
  transaction: around(either(begin), tie('body'), either(end)),
}))
const episode = weighted([2, loose.map(action => [action])], [5, episodes.transaction], [3, outside])

function oneOf<T>(names: string[], make: (name: fc.Arbitrary<string>) => fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.oneof(...names.map(name => make(fc.constant(name))))
}

function some(texts: fc.Arbitrary<string>): fc.Arbitrary<Action[]> {
  return fc.array(either(texts), { minLength: 1, maxLength: 3 })
}

function around(first: fc.Arbitrary<Action>, between: fc.Arbitrary<Action[]>, last?: fc.Arbitrary<Action>) {
  const nothing = fc.constant<Action | null>(null)
  return fc
    .tuple(first, between, weighted<Action | null>([1, nothing], [last ? 5 : 0, last ?? nothing]))
    .map(([first, between, last]) => [first, ...between, ...(last ? [last] : [])])
}

const client = weighted([3, fc.constant(0)], [2, fc.constant(1)], [1, fc.constant(2)])

export const program: fc.Arbitrary<Step[]> = fc
  .array(fc.tuple(client, episode), { minLength: 1, maxLength: 6, size: 'max' })
  .map(episodes => {
    const steps = episodes.flatMap(([client, actions]) => actions.map((action): Step => ({ client, ...action })))
    return mentions(/TEMP TABLE/, steps) ? steps.map(step => ({ ...step, client: 0 })) : steps
  })

/** Whether a step has to be passed over where it stands: since it is one of the differences above, or tells nothing new. */
export function isLeftOut(program: Step[], step: Step, { status, done, refused }: Place): boolean {
  if (refused > 0 && !mentions(/COMMIT|END|ROLLBACK|ABORT|s5/, step)) return true
  const [, savepoint] = /ROLLBACK(?: WORK)? TO (?:SAVEPOINT )?(\w|\\"A)/.exec(JSON.stringify(step)) ?? []
  if (status === 'E' && savepoint !== undefined && !JSON.stringify(done).includes(`SAVEPOINT ${savepoint}`)) return true
  const inTransaction = status !== 'I'
  if (mentions(/ISOLATION LEVEL|DEFERRABLE/, step)) return inTransaction
  const makesReadOnly = mentions(/READ ONLY|read_only/, program)
  if (mentions(/AND CHAIN/, step) && status === 'E') return makesReadOnly
  if (mentions(/READ WRITE/, step) && makesReadOnly) return inTransaction || !('query' in step) || /;/.test(step.query)
  if (!mentions(/READ ONLY|READ WRITE|transaction_read_only =/, step)) return false
  return inTransaction ? mentions(/SAVEPOINT/, program) : mentions(/SAVEPOINT/, step)
}

function mentions(words: RegExp, what: Step | Step[]): boolean {
  return words.test(JSON.stringify(what))
}
