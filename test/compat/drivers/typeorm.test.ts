import { DataSource, EntitySchema, QueryFailedError, type EntityManager } from 'typeorm'
import { testDrivers } from '../../../packages/pg-sandbox/test/drivers/contract.js'
import {
  codeOf,
  zone,
  type Kinds,
  type Session,
  type Transact,
} from '../../../packages/pg-sandbox/test/drivers/driver.js'
import { kindsOf } from '../../../packages/pg-sandbox/test/drivers/pg.js'

type Row = Omit<Kinds, 'a_bigint'> & { id?: number; a_bigint: string | null }

const Person = new EntitySchema<{ id?: number; name: string }>({
  name: 'people',
  columns: { id: { type: Number, primary: true, generated: true }, name: { type: String, unique: true } },
})
const Kinds = new EntitySchema<Row>({
  name: 'kinds',
  columns: {
    id: { type: Number, primary: true, generated: true },
    a_text: { type: 'text', nullable: true },
    an_int: { type: 'int', nullable: true },
    a_bigint: { type: 'bigint', nullable: true },
    a_numeric: { type: 'numeric', nullable: true },
    a_boolean: { type: 'boolean', nullable: true },
    a_jsonb: { type: 'jsonb', nullable: true },
    a_time: { type: 'timestamptz', nullable: true },
    some_texts: { type: 'text', array: true, nullable: true },
    some_bytes: { type: 'bytea', nullable: true },
  },
})

testDrivers({
  name: 'TypeORM',
  lacks: ['readOnly', 'countPrepared', 'copy', 'refusedCopy'],
  sqlState: error => codeOf(error instanceof QueryFailedError ? error.driverError : error),
  queriesWhenOpened: true,
  async open(url, connections) {
    const source = new DataSource({
      type: 'postgres',
      url,
      entities: [Person, Kinds],
      extra: { max: connections, options: `-c TimeZone=${zone}` },
    })
    await source.initialize()
    const inside = (body: Parameters<Transact>[0]) => (transaction: EntityManager) =>
      body({
        ...session(transaction),
        nested: inner => transaction.transaction(savepoint => inner(session(savepoint))),
      })
    return {
      ...session(source.manager),
      transaction: body => source.transaction(inside(body)),
      serializable: body => source.transaction('SERIALIZABLE', inside(body)),
      addAll: names => source.getRepository(Person).insert(names.map(name => ({ name }))),
      async echo(number) {
        const [row] = await source.query('select $1::int as number', [number])
        return row.number
      },
      async store({ a_bigint, ...row }) {
        const kinds = source.getRepository(Kinds)
        const { id } = await kinds.save({ ...row, a_bigint: a_bigint === null ? null : a_bigint.toString() })
        const { id: _, ...stored } = await kinds.findOneByOrFail({ id: id! })
        return kindsOf(stored)
      },
      async *stream(first, last) {
        const runner = source.createQueryRunner()
        try {
          const text = 'select 1000 / n as quotient from generate_series($1::int, $2) as n'
          for await (const row of await runner.stream(text, [first, last])) yield row.quotient
        } finally {
          await runner.release()
        }
      },
      async timeZone() {
        return (await source.query('show time zone'))[0].TimeZone
      },
      close: () => source.destroy(),
    }
  },
})

function session(manager: EntityManager): Session {
  return {
    // `save` opens a transaction, or a savepoint in one.
    add: name => manager.save(Person, { name }),
    async names() {
      return (await manager.find(Person, { order: { id: 'asc' } })).map(({ name }) => name)
    },
  }
}
