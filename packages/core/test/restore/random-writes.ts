import fc from 'fast-check'
import type { Client } from 'pg'

interface TableShape {
  /** `none` has no key and cannot be referred to. */
  key: 'serial' | 'identity' | 'composite' | 'partitioned' | 'none'
  generated: boolean
  unlogged: boolean
  rows: number
  /** Any tables, itself included; whatever has no key is left out. */
  references: { target: number; onDelete: 'cascade' | 'set null' | 'no action' | 'restrict'; deferred: boolean }[]
}
type Schema = TableShape[]

export const anySchema: fc.Arbitrary<Schema> = fc.integer({ min: 1, max: 5 }).chain(count =>
  fc.array(
    fc.record({
      key: fc.constantFrom('serial', 'identity', 'composite', 'partitioned', 'none'),
      generated: fc.boolean(),
      unlogged: fc.boolean(),
      rows: fc.integer({ min: 0, max: 8 }),
      references: fc.array(
        fc.record({
          target: fc.nat(count - 1),
          onDelete: fc.constantFrom('cascade', 'set null', 'no action', 'restrict'),
          deferred: fc.boolean(),
        }),
        { maxLength: 2 },
      ),
    }) as fc.Arbitrary<TableShape>,
    { minLength: count, maxLength: count },
  ),
)

/** The tables `t0`, `t1`, … with their rows: numbered from 1, each referring to rows that exist. */
export function sqlOf(schema: Schema): string {
  const references = schema.flatMap(referencesOf)
  const [updates, constraints] = [0, 1].map(part => references.map(pair => pair[part]!)) as [string[], string[]]
  return [...schema.flatMap(createTable), ...updates, ...constraints, 'create sequence free'].join(';\n')
}

function createTable({ key, generated, unlogged, rows }: TableShape, index: number): string[] {
  const id = { serial: 'serial primary key', identity: 'int generated always as identity primary key' }
  const columns = [
    `id ${key === 'serial' || key === 'identity' ? id[key] : 'int'}`,
    ...(key === 'composite' ? ['half int default 1', 'unique (id)', 'primary key (id, half)'] : []),
    ...(key === 'partitioned' ? ['primary key (id)'] : []),
    'r0 int',
    'r1 int',
    'v text',
    ...(generated ? ['twice int generated always as (id * 2) stored'] : []),
  ]
  const [name, isWhole] = [`t${index}`, key !== 'partitioned']
  return [
    `create ${unlogged && isWhole ? 'unlogged ' : ''}table ${name} (${columns.join(', ')})${isWhole ? '' : ' partition by hash (id)'}`,
    ...(isWhole
      ? []
      : [0, 1].map(
          part => `create table ${name}_${part} partition of ${name} for values with (modulus 2, remainder ${part})`,
        )),
    `insert into ${name} (${key === 'identity' || key === 'serial' ? 'v' : 'id, v'}) select ${key === 'identity' || key === 'serial' ? '' : 'n, '}'seed' || n from generate_series(1, ${rows}) n`,
  ]
}

function referencesOf({ references, unlogged, key }: TableShape, index: number, schema: Schema): [string, string][] {
  const isUnlogged = (table: TableShape) => table.unlogged && table.key !== 'partitioned'
  return references.flatMap(({ target, onDelete, deferred }, n) => {
    const other = schema[target]!
    // PostgreSQL refuses these.
    if (other.key === 'none' || (isUnlogged(other) && !isUnlogged({ unlogged, key } as TableShape))) return []
    return [
      [
        `update t${index} set r${n} = 1 + id % ${Math.max(1, other.rows)} where ${other.rows} > 0`,
        `alter table t${index} add foreign key (r${n}) references t${target} (id) on delete ${onDelete}${deferred ? ' deferrable initially deferred' : ''}`,
      ],
    ]
  })
}

export interface Write {
  session: number
  sql: string
}

/** Statements of three sessions, in one order; many of them fail. */
export function anyWrites(schema: Schema): fc.Arbitrary<Write[]> {
  const id = fc.integer({ min: 1, max: 12 })
  const statement = fc.nat(schema.length - 1).chain(table => {
    const name = `t${table}`
    const ofItsOwn = schema[table]!.key === 'identity' || schema[table]!.key === 'serial'
    return fc.oneof(
      fc
        .tuple(id, id)
        .map(([id, ref]) =>
          ofItsOwn
            ? `insert into ${name} (v, r0) values ('new', ${ref})`
            : `insert into ${name} (id, v, r0) values (${id}, 'new', ${ref})`,
        ),
      fc.constant(`insert into ${name} (${ofItsOwn ? 'v' : 'id, v'}) values (${ofItsOwn ? '' : '99, '}'new')`),
      fc
        .tuple(id, id)
        .map(
          ([id, ref]) =>
            `update ${name} set v = v || '!', r0 = case when r0 is null then null else ${ref} end where id = ${id}`,
        ),
      id.map(id => `update ${name} set v = 'all' where id > ${id}`),
      id.map(id => `update ${name} set id = id + 20 where id = ${id}`),
      id.map(id => `delete from ${name} where id = ${id}`),
      id.map(id => `delete from ${name} where id > ${id}`),
      fc.constantFrom(
        `truncate ${name}`,
        `truncate ${name} cascade`,
        `truncate ${name} restart identity cascade`,
        `copy (select 1) to stdout`,
        `vacuum full ${name}`,
      ),
      id.map(id => `insert into ${name} (v) select v from ${name} where id < ${id} on conflict do nothing`),
    )
  })
  const sql = fc.oneof(
    { weight: 8, arbitrary: statement },
    {
      weight: 5,
      arbitrary: fc.constantFrom(
        'begin',
        'commit',
        'rollback',
        'savepoint s',
        'rollback to s',
        `select nextval('free')`,
        `select setval('free', 7, false)`,
        `select lo_from_bytea(0, 'x')`,
        'create temp table if not exists t (id serial); insert into t default values',
        'vacuum',
      ),
    },
  )
  return fc.array(fc.record({ session: fc.nat(2), sql }), { minLength: 1, maxLength: 14 })
}

/** Runs them, whether they fail or not; answers with the sessions that are in a transaction at the end. */
export async function run(sessions: Client[], writes: Write[]): Promise<number[]> {
  // Where one waits for another session, which waits for its turn here, it gives up.
  for (const session of sessions) await session.query(`set lock_timeout = '20ms'`)
  for (const { session, sql } of writes) await sessions[session]!.query(sql).catch(() => {})
  const open: number[] = []
  for (const [index, session] of sessions.entries()) {
    // An error is told before the session is ready again, and its client knows then whether COMMIT has failed.
    await session.query('')
    if ((session as Client & { getTransactionStatus(): string }).getTransactionStatus() !== 'I') open.push(index)
  }
  return open
}
