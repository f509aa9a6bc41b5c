import {
  EntitySchema,
  IsolationLevel,
  MikroORM,
  type EntityManager,
  type TransactionOptions,
} from '@mikro-orm/postgresql'
import { testDrivers } from '../../../packages/pg-sandbox/test/drivers/contract.js'
import { codeOf, type Kinds, type Session, type Transact } from '../../../packages/pg-sandbox/test/drivers/driver.js'

const Person = new EntitySchema<{ id?: number; name: string }>({
  name: 'Person',
  tableName: 'people',
  properties: { id: { type: 'integer', primary: true }, name: { type: 'text', unique: true } },
})
const KindsEntity = new EntitySchema<Kinds & { id?: number }>({
  name: 'Kinds',
  tableName: 'kinds',
  properties: {
    id: { type: 'integer', primary: true },
    a_text: { type: 'text', nullable: true },
    an_int: { type: 'integer', nullable: true },
    a_bigint: { type: 'bigint', nullable: true },
    a_numeric: { type: 'decimal', precision: 30, scale: 10, nullable: true },
    a_boolean: { type: 'boolean', nullable: true },
    a_jsonb: { type: 'json', nullable: true },
    a_time: { type: 'datetime', columnType: 'timestamptz', nullable: true },
    some_texts: { type: 'array', nullable: true },
    some_bytes: { type: 'blob', nullable: true },
  },
})

testDrivers({
  name: 'MikroORM',
  lacks: ['countPrepared', 'copy', 'refusedCopy', 'timeZone'],
  sqlState: codeOf,
  async open(url, connections) {
    const orm = await MikroORM.init({ clientUrl: url, entities: [Person, KindsEntity], pool: { max: connections } })
    const transact =
      (options: TransactionOptions): Transact =>
      body =>
        orm.em.fork().transactional(
          transaction =>
            body({
              ...session(transaction),
              nested: inner => transaction.transactional(savepoint => inner(session(savepoint))),
            }),
          options,
        )
    return {
      add: name => session(orm.em.fork()).add(name),
      names: () => session(orm.em.fork()).names(),
      transaction: transact({}),
      serializable: transact({ isolationLevel: IsolationLevel.SERIALIZABLE }),
      readOnly: transact({ readOnly: true }),
      addAll: names =>
        orm.em.fork().insertMany(
          Person,
          names.map(name => ({ name })),
        ),
      async echo(number) {
        const [row] = await orm.em.fork().execute<{ number: number }[]>('select ?::int as number', [number])
        return row!.number
      },
      async store(row) {
        const em = orm.em.fork()
        const id = await em.insert(KindsEntity, row)
        const { id: _, ...stored } = await em.findOneOrFail(KindsEntity, id)
        return stored as Kinds
      },
      async *stream(first, last) {
        const text = 'select 1000 / n as quotient from generate_series(?::int, ?) as n'
        for await (const row of orm.em.getConnection().stream<{ quotient: number }>(text, [first, last])) {
          yield row.quotient
        }
      },
      close: () => orm.close(),
    }
  },
})

function session(em: EntityManager): Session {
  return {
    add: name => em.insert(Person, { name }),
    async names() {
      const rows = await em.find(Person, {}, { orderBy: { id: 'asc' }, disableIdentityMap: true })
      return rows.map(({ name }) => name)
    },
  }
}
