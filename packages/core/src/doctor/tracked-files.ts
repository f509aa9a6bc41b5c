import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** The files below a folder that git tracks, from there; or why that cannot be said. */
export async function trackedFiles(folder: string): Promise<{ files: string[] } | { problem: string }> {
  try {
    const { stdout } = await promisify(execFile)('git', ['ls-files', '-z'], {
      cwd: folder,
      maxBuffer: 64 * 1024 * 1024,
    })
    return { files: stdout.split('\0').filter(file => file !== '') }
  } catch (error) {
    const { code, stderr } = error as NodeJS.ErrnoException & { stderr?: string }
    if (code === 'ENOENT') return { problem: 'there is no git on this machine' }
    const line = stderr?.split('\n', 1)[0] ?? ''
    return {
      problem: /not a git repository/.test(line) ? 'this is no git repository' : `git ls-files has failed: ${line}`,
    }
  }
}
