// Preloaded into every process that Vitest starts: notes of each worker how many milliseconds it took for its file, from the
// message that hands it over to the one that says it is done.
if (process.send) {
  const { emit, send } = process
  let begin
  process.emit = function (event, message, ...rest) {
    if (event === 'message' && message?.type === 'run') begin = performance.now()
    return emit.call(this, event, message, ...rest)
  }
  process.send = function (message, ...rest) {
    if (message?.type === 'testfileFinished') {
      require('node:fs').appendFileSync(process.env.BENCH_FILES, `${performance.now() - begin}\n`)
    }
    return send.call(this, message, ...rest)
  }
}
