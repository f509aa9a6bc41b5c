import {
  DataTypes,
  QueryTypes,
  Sequelize,
  type Model,
  Transaction,
  type ModelStatic,
  type TransactionOptions,
} from 'sequelize'
import { testDrivers } from '../../../packages/pg-sandbox/test/drivers/contract.js'
import {
  codeOf,
  zone,
  type Kinds,
  type Session,
  type Transact,
} from '../../../packages/pg-sandbox/test/drivers/driver.js'
import { kindsOf } from '../../../packages/pg-sandbox/test/drivers/pg.js'

testDrivers({
  name: 'Sequelize',
  lacks: ['readOnly', 'stream', 'countPrepared', 'copy', 'refusedCopy'],
  sqlState: error => codeOf((error as { parent: unknown }).parent),
  async open(url, connections) {
    const db = new Sequelize(url, {
      logging: false,
      pool: { max: connections },
      timezone: zone,
      define: { timestamps: false },
    })
    const people: ModelStatic<Model<{ id?: number; name: string }>> = db.define('people', {
      id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true },
      name: { type: DataTypes.TEXT, unique: true },
    })
    const kinds = db.define('kinds', {
      a_text: DataTypes.TEXT,
      an_int: DataTypes.INTEGER,
      a_bigint: DataTypes.BIGINT,
      a_numeric: DataTypes.DECIMAL(30, 10),
      a_boolean: DataTypes.BOOLEAN,
      a_jsonb: DataTypes.JSONB,
      a_time: DataTypes.DATE,
      some_texts: DataTypes.ARRAY(DataTypes.TEXT),
      some_bytes: DataTypes.BLOB,
    })
    const session = (transaction: Transaction | null): Session => ({
      add: name => people.create({ name }, { transaction }),
      async names() {
        const rows = await people.findAll({ order: ['id'], transaction, raw: true })
        return (rows as unknown as { name: string }[]).map(({ name }) => name)
      },
    })
    const transact =
      (options: TransactionOptions): Transact =>
      body =>
        db.transaction(options, transaction =>
          body({
            ...session(transaction),
            nested: inner => db.transaction({ transaction }, savepoint => inner(session(savepoint))),
          }),
        )
    return {
      ...session(null),
      transaction: transact({}),
      serializable: transact({ isolationLevel: Transaction.ISOLATION_LEVELS.SERIALIZABLE }),
      addAll: names => people.bulkCreate(names.map(name => ({ name }))),
      async echo(number) {
        const [row] = await db.query<{ number: number }>('select $number::int as number', {
          bind: { number },
          type: QueryTypes.SELECT,
        })
        return row!.number
      },
      async store(row) {
        const { id } = (await kinds.create({ ...row })).get() as { id: number }
        const { id: _, ...stored } = (await kinds.findByPk(id, { rejectOnEmpty: true })).get()
        return kindsOf(stored as Omit<Kinds, 'a_bigint'> & { a_bigint: string | null })
      },
      async timeZone() {
        const [row] = await db.query<{ TimeZone: string }>('show time zone', { type: QueryTypes.SELECT })
        return row!.TimeZone
      },
      close: () => db.close(),
    }
  },
})
