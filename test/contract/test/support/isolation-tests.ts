/** An application that opens its pool when it is loaded, and commits. */
export const application = `
  import pg from 'pg'
  const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, allowExitOnIdle: true })
  export async function rename(id, name) {
    const client = await pool.connect()
    try {
      await client.query('begin')
      await client.query('update users set name = $1 where id = $2', [name, id])
      await client.query('commit')
    } catch (error) {
      await client.query('rollback')
      throw error
    } finally {
      client.release()
    }
  }
  export const everybody = async () => (await pool.query('select name from users order by id')).rows.map(row => row.name)`

/** Tests in a file that has `db`, `seeds`, the runner's globals, and what the application exports. */
export const isolationTests = `
  const names = async () => (await db.query('select name from users order by name')).rows.map(row => row.name)
  const add = name => db.query('insert into users (name) values ($1)', [name])

  beforeAll(() => add('of the file'))
  beforeEach(() => add('of each'))
  afterEach(async () => expect(await names()).toContain('of each'))
  afterAll(async () => expect(await names()).toEqual(['Ada', 'Grace', 'of the file']))

  test('starts on the seed and what beforeAll wrote', async () => {
    expect(await names()).toEqual(['Ada', 'Grace', 'of each', 'of the file'])
    await db.query('update users set name = $1 where id = $2', ['Countess', seeds.users.ada.id])
    expect(await names()).toContain('Countess')
  })
  test('the application commits by a pool of its own', async () => {
    await rename(1, 'Countess')
    expect(await names()).toEqual(['Countess', 'Grace', 'of each', 'of the file'])
    await expect(rename(2, 'Countess')).rejects.toMatchObject({ code: '23505' })
    await add('of db')
    expect(await everybody()).toContain('of db')
  })
  test('leaves no trace', async () => {
    expect(await names()).toEqual(['Ada', 'Grace', 'of each', 'of the file'])
  })
  describe('a suite', () => {
    beforeAll(() => add('of the suite'))
    test('sees what its beforeAll wrote', async () => {
      expect(await names()).toEqual(['Ada', 'Grace', 'of each', 'of the file', 'of the suite'])
    })
    describe('inside it', () => {
      beforeAll(() => add('of the inner suite'))
      test('sees both', async () => expect(await names()).toContain('of the inner suite'))
    })
    test('no longer sees the inner one', async () => expect(await names()).not.toContain('of the inner suite'))
  })
  test('no longer sees the suite', async () => {
    expect(await names()).toEqual(['Ada', 'Grace', 'of each', 'of the file'])
  })
  test.each([1, 2])('gets the same ids each time (%i)', async () => {
    const { rows } = await db.query("insert into posts (user_id) values (1) returning id")
    expect(rows[0].id).toBeLessThanOrEqual(2)
  })
  test.each([1, 2])('what a test SETs on db is gone in the next (%i)', async () => {
    expect((await db.query('show datestyle')).rows).toEqual([{ DateStyle: 'ISO, MDY' }])
    await db.query("set datestyle = 'German'")
    expect((await db.query('show datestyle')).rows).toEqual([{ DateStyle: 'German, DMY' }])
  })
  test('has every label', () => {
    expect(seeds.users.grace).toStrictEqual({ id: 2, name: 'Grace' })
    expect(Object.keys(seeds)).toEqual(['users'])
    expect(seeds.users).toBe(seeds.users)
  })
  test('rows are the test’s own objects', async () => {
    const { rows } = await db.query("select '{\\"a\\": [1]}'::jsonb as json, date '2026-01-01' as day, array[1, 2] as list")
    expect(rows).toStrictEqual([{ json: { a: [1] }, day: rows[0].day, list: [1, 2] }])
    expect(rows[0].day).toBeInstanceOf(Date)
    const error = await db.query('select 1/0').catch(error => error)
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({ code: '22012', message: 'division by zero' })
  })`
