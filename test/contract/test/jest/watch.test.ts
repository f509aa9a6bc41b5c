import { test } from 'vitest'
import { makeProject } from '../support/project.js'

test('in watch mode a changed seed takes effect with the next run', async () => {
  await using project = await makeProject({
    'a.test.js': `
      import { db } from 'seedbed'
      test('names', async () => {
        process.stdout.write('names ' + (await db.query('select name from users order by id')).rows.map(row => row.name) + ';')
      })`,
  })
  const watching = project.start({ args: ['--watchAll'] })
  try {
    await watching.printed(/names Ada,Grace;/)
    await watching.printed(/template built: the first of this project/)
    await project.write({ 'seeds/users.json': '{ "users": [{ "name": "Eve" }] }' })
    await watching.printed(/names Eve;/)
    await watching.printed(/template built: .*seeds\/users\.json/)
  } finally {
    watching.child.kill('SIGKILL')
  }
}, 90_000)
