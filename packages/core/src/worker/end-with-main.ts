/**
 * A worker that the run's main process has forked ends with it. Ctrl-C in a terminal ends both; but an editor, or `kill`, ends the main
 * process alone, and a worker that went on with its test would keep its session, and with it the server.
 *
 * @param pid of the main process
 */
export function endWithMain(pid: number): void {
  // Another parent's channel says nothing of the run.
  if (!process.connected || process.ppid !== pid) return
  // Once, though each vm context loads this module anew.
  if (process.listeners('disconnect').some(({ name }) => name === endThisProcess.name)) return
  process.once('disconnect', endThisProcess)
}

/** As a runner ends its workers; they may have a handler for it. */
function endThisProcess(): void {
  process.kill(process.pid, 'SIGTERM')
}
