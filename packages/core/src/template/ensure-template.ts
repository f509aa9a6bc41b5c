import type { Template, Templates } from 'pg-template-db'
import type { FingerprintParts } from './fingerprint.js'
import { describeChange, fingerprintKey, templateFormat } from './fingerprint.js'
import type { Built, TemplateSources } from './build-template.js'

/** What is stored with a template, beside what pg-template-db keeps. */
interface TemplateDetails extends Built {
  /** The config's folder: of two templates of one project the later has replaced the earlier. */
  project: string
  parts: FingerprintParts
}

export interface ProjectTemplate extends Built {
  template: Template
  /** Why it was built, for people: `seeds/users.json changed`; null if it was reused. */
  built: string | null
}

/**
 * The project's template: found by its fingerprint, or built, once, however many processes ask.
 *
 * @param progress is told why a template has to be built, before it is
 */
export async function ensureTemplate(
  templates: Templates,
  sources: TemplateSources,
  progress: (line: string) => void,
): Promise<ProjectTemplate> {
  const parts = fingerprintParts({ ...sources, version: sources.server.version })
  let reason: string | null = null
  const template = await templates.ensure<TemplateDetails>({
    key: fingerprintKey(parts),
    async build({ database }) {
      reason = await whyBuild(templates, sources.folder, parts)
      progress(
        `building the template from ${sources.migrations.description} and ${sources.seeds.description} (${reason})`,
      )
      // Loaded only now, since most runs find their template, and loading takes a tenth of their start.
      const { buildTemplate } = await import('./build-template.js')
      return { project: sources.folder, parts, ...(await buildTemplate(database, sources)) }
    },
  })
  const { labels, unlogged } = template.details
  return { template, labels, unlogged, built: reason }
}

/** What the template is made of, with the version of the server that is to hold it. */
export function fingerprintParts(
  sources: Pick<TemplateSources, 'config' | 'migrations' | 'seeds' | 'preserved'> & { version: string },
): FingerprintParts {
  const { version, config, migrations, seeds, preserved } = sources
  return {
    ...migrations.fingerprint,
    ...seeds.fingerprint,
    PostgreSQL: version,
    "Seedbed's template format": templateFormat,
    ...(config.extensions?.length ? { extensions: config.extensions.join(', ') } : {}),
    ...(preserved ? { 'preserved rows': preserved.hash } : {}),
  }
}

async function whyBuild(templates: Templates, project: string, parts: FingerprintParts): Promise<string> {
  const ofProject = (await templates.list()).filter(
    ({ state, details }) => state === 'ready' && (details as TemplateDetails | null)?.project === project,
  )
  // Who has gone back to an older one compares with that.
  const [earlier] = ofProject.toSorted((one, other) => other.lastUsedAt.getTime() - one.lastUsedAt.getTime())
  if (!earlier) return 'the first of this project'
  return describeChange((earlier.details as TemplateDetails).parts, parts) ?? 'the earlier one is unusable'
}
