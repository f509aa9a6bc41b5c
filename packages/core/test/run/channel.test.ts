import { once } from 'node:events'
import { connect } from 'node:net'
import { startPostgres } from '@seedbed/postgres-for-tests'
import { expect, test } from 'vitest'
import { startRun } from '../../src/run/start-run.js'
import { useProject } from './support.js'

const project = useProject()

test('the channel to the main process is there only for whoever knows its password', async () => {
  await using server = await startPostgres()
  process.env.TEST_DATABASE_URL = server.url
  await project.write({ 'migrations/1.sql': 'create table item (id int)' })
  const run = await startRun({ folder: project.folder, slots: 1 })
  const { main, workers } = run.handle
  const socket = connect(main.port, '127.0.0.1')
  socket.on('error', () => {})
  socket.end(JSON.stringify({ name: 'offer', password: 'guessed', place: { slot: 1, database: workers[0]!.database } }))
  let answer = ''
  socket.on('data', chunk => (answer += chunk.toString()))
  await once(socket, 'close')
  expect(answer).toBe('')
  await run.close()
})
