// Takes a lock some times, adds one to a counter each time, and is killed while it holds the lock for the last time.
import { readFile, writeFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'

const [, , dist, lock, counter, times] = process.argv
const { underLock } = await import(pathToFileURL(`${dist}/server/file-lock.js`).href)
for (let time = 1; time <= Number(times); time++) {
  await underLock(lock, async () => {
    // Two inside at once would lose one of their counts.
    const count = Number(await readFile(counter, 'utf8'))
    await new Promise(resolve => setImmediate(resolve))
    await writeFile(counter, String(count + 1))
    if (time === Number(times)) {
      process.stdout.write('holding\n')
      if (process.env.STAY) await new Promise(resolve => setTimeout(resolve, 60_000))
      process.kill(process.pid, 'SIGKILL')
      await new Promise(() => {})
    }
  })
}
