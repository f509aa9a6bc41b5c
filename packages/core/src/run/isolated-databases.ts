import type { Clone, Template, Templates } from 'pg-template-db'
import { withDatabase } from '../server/database-url.js'
import { loadPg } from '../server/load-pg.js'
import type { Server } from '../server/server.js'
import type { KeptTest, NextDatabase } from './channel.js'

/** What a worker asks of the main process for tests that really commit. */
export interface IsolatedCalls {
  /** The slot's database of isolation `restore`: the one that it gave back, or another that is as its template. */
  borrow(place: { slot: number }): Promise<RestoreDatabase>
  /** It is as its template again. One that is not given back nobody gets any more. */
  giveBack(place: { slot: number; database: string }): Promise<void>
  /** A database for one scope, as the template, or as another one of these is now; nobody is connected to that one. */
  clone(place: { of?: string | undefined }): Promise<NextDatabase>
  /** Nobody needs it any more. */
  discard(place: { database: string }): Promise<void>
  /** A failed test has left it: it is kept under a name of its own. */
  keepIsolated(place: { database: string; path: string[] }): Promise<KeptTest>
}

export interface RestoreDatabase extends NextDatabase {
  /** For whoever puts it back. */
  adminUrl: string
}

export interface IsolatedDatabases extends IsolatedCalls {
  /** Makes them ahead, one a slot. */
  prepare(isolation: 'restore' | 'database'): Promise<void>
  /** Drops them all, but for those that are kept. */
  release(): Promise<void>
}

export interface IsolatedDatabasesOptions {
  server: Server
  templates: Templates
  template: Template
  slots: number
  clone(template: Template, count: number): Promise<Clone[]>
  keep(clone: Clone, path: string[]): Promise<KeptTest>
}

/** Makes and drops the databases of isolation `restore` and `database`, when somebody asks for one. */
export function isolatedDatabases(options: IsolatedDatabasesOptions): IsolatedDatabases {
  const { server, templates, template, slots, clone, keep } = options
  /** All that are there, by their names. */
  const clones = new Map<string, Clone>()
  const ofSlots: { database: string; clean: boolean }[] = []
  /** Clones of the template that wait for their test. */
  const ahead: Promise<Clone>[] = []
  const dropping = new Set<Promise<unknown>>()
  let restoreTemplate: Promise<Template> | undefined

  const urlOf = (database: string) => withDatabase(server.applicationUrl, database)
  const given = ({ database }: Clone): NextDatabase => ({ database, url: urlOf(database) })
  const toRestore = () => (restoreTemplate ??= templateToRestore(options))

  async function newClone(of: Template): Promise<Clone> {
    const [made] = await clone(of, 1)
    clones.set(made!.database, made!)
    return made!
  }

  function drop(database: string | undefined): void {
    const left = database === undefined ? undefined : clones.get(database)
    if (!left) return
    clones.delete(left.database)
    // What cannot be dropped now the next run sweeps.
    const work = left.release({ sessions: 0, clean: false }).catch(() => {})
    dropping.add(work)
    void work.finally(() => dropping.delete(work))
  }

  function cloneAhead(): void {
    const next = newClone(template)
    // Who takes it is told.
    next.catch(() => {})
    ahead.push(next)
  }

  return {
    async prepare(isolation) {
      if (isolation === 'database') {
        for (let slot = 0; slot < slots; slot++) cloneAhead()
        await Promise.all(ahead)
        return
      }
      for (const made of await clone(await toRestore(), slots)) {
        clones.set(made.database, made)
        ofSlots.push({ database: made.database, clean: true })
      }
    },
    async borrow({ slot }) {
      const known = ofSlots[slot - 1]
      if (!known?.clean) {
        drop(known?.database)
        const { database } = await newClone(await toRestore())
        ofSlots[slot - 1] = { database, clean: false }
      } else known.clean = false
      const { database } = ofSlots[slot - 1]!
      return { ...given(clones.get(database)!), adminUrl: withDatabase(server.adminUrl, database) }
    },
    async giveBack({ slot, database }) {
      const known = ofSlots[slot - 1]
      if (known?.database === database) known.clean = true
    },
    async clone({ of }) {
      if (of !== undefined) {
        const copy = await clones.get(of)!.copy()
        clones.set(copy.database, copy)
        return given(copy)
      }
      const next = ahead.shift() ?? newClone(template)
      if (ahead.length < slots) cloneAhead()
      return given(await next)
    },
    async discard({ database }) {
      drop(database)
    },
    async keepIsolated({ database, path }) {
      const left = clones.get(database)!
      const kept = await keep(left, path)
      clones.delete(database)
      return kept
    },
    async release() {
      await Promise.allSettled(ahead)
      for (const database of clones.keys()) drop(database)
      await Promise.all(dropping)
    },
  }

  async function templateToRestore({ server, template }: IsolatedDatabasesOptions): Promise<Template> {
    const { prepareRestore, restoreFormat } = await import('../restore/prepare-restore.js')
    return templates.ensure({
      key: `${template.key} restore ${restoreFormat()}`,
      from: template,
      async build({ database }) {
        const { Client } = loadPg()
        const admin = new Client({ connectionString: withDatabase(server.adminUrl, database) })
        await admin.connect()
        try {
          await prepareRestore(admin)
        } finally {
          await admin.end()
        }
        return null
      },
    })
  }
}
