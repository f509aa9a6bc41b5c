import { createHash } from 'node:crypto'
import { PrismaPg } from '@prisma/adapter-pg'
import { testDrivers } from '../../../packages/pg-sandbox/test/drivers/contract.js'
import { zone, type Session, type Transact } from '../../../packages/pg-sandbox/test/drivers/driver.js'
import { Prisma, PrismaClient } from './generated/client.js'

testDrivers({
  name: 'Prisma with its pg adapter',
  lacks: ['readOnly', 'stream', 'copy', 'refusedCopy'],
  sqlState: stateOf,
  async open(url, connections) {
    const adapter = new PrismaPg(
      { connectionString: url, max: connections, options: `-c TimeZone=${zone}` },
      { statementNameGenerator: ({ sql }) => createHash('sha1').update(sql).digest('hex') },
    )
    const prisma = new PrismaClient({ adapter })
    const transact =
      (options: { isolationLevel?: Prisma.TransactionIsolationLevel }): Transact =>
      body =>
        prisma.$transaction(
          transaction =>
            body({
              ...session(transaction),
              nested: inner => transaction.$transaction(savepoint => inner(session(savepoint))),
            }),
          options,
        )
    return {
      ...session(prisma),
      transaction: transact({}),
      serializable: transact({ isolationLevel: 'Serializable' }),
      addAll: names => prisma.person.createMany({ data: names.map(name => ({ name })) }),
      async echo(number) {
        const [row] = await prisma.$queryRaw<{ number: number }[]>`select ${number}::int as number`
        return row!.number
      },
      async store(row) {
        const { id: _, ...stored } = await prisma.kinds.create({
          data: {
            ...row,
            a_jsonb: row.a_jsonb === null ? Prisma.DbNull : (row.a_jsonb as Prisma.InputJsonValue),
            some_texts: row.some_texts ?? [], // Prisma knows no list that is null
            some_bytes: row.some_bytes && new Uint8Array(row.some_bytes),
          },
        })
        return {
          ...stored,
          some_texts: row.some_texts && stored.some_texts,
          a_numeric: stored.a_numeric && stored.a_numeric.toFixed(10),
          some_bytes: stored.some_bytes && Buffer.from(stored.some_bytes),
        }
      },
      countPrepared: name => prisma.person.count({ where: { name } }),
      async timeZone() {
        const [row] = await prisma.$queryRaw<{ zone: string }[]>`select current_setting('TimeZone') as zone`
        return row!.zone
      },
      close: () => prisma.$disconnect(),
    }
  },
})

function session(prisma: Prisma.TransactionClient): Session {
  return {
    add: name => prisma.person.create({ data: { name } }),
    async names() {
      return (await prisma.person.findMany({ orderBy: { id: 'asc' } })).map(({ name }) => name)
    },
  }
}

/** Prisma has codes of its own, and keeps the SQLSTATE in what its adapter said. */
function stateOf(error: unknown): string | undefined {
  const { meta } = error as { meta?: { driverAdapterError?: { cause?: { originalCode?: string } } } }
  return meta?.driverAdapterError?.cause?.originalCode
}
