import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export interface ProjectFolder extends AsyncDisposable {
  folder: string
  write(files: Record<string, string>): Promise<void>
}

/** What a project has if a test does not say otherwise: two tables, two labelled rows. */
export const usersAndPosts: Record<string, string> = {
  'migrations/1_users.sql': `
    create table users (id int generated always as identity primary key, name text not null unique);
    create table posts (id int generated always as identity primary key, user_id int not null references users, title text);`,
  'seeds/users.json': '{ "users": { "ada": { "id": 1, "name": "Ada" }, "grace": { "id": 2, "name": "Grace" } } }',
}

/** A project that finds its packages in `modules`, and that the server's user can reach. */
export async function makeFolder(files: Record<string, string>, modules: string): Promise<ProjectFolder> {
  const folder = await mkdtemp('/tmp/seedbed-project-')
  await chmod(folder, 0o755)
  async function write(some: Record<string, string>): Promise<void> {
    for (const [path, text] of Object.entries(some)) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), text)
    }
  }
  await write(files)
  await symlink(modules, join(folder, 'node_modules'))
  return { folder, write, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}
