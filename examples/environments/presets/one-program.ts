import { defineEnvironments } from '@seedbed/environments'

/** The same program on a laptop, against the platform's development database, as its scheduled job, and in production. */
export default defineEnvironments({
  project: 'forecasts',
  environments: {
    local: { tier: 'development', url: 'postgresql://forecasts:forecasts@localhost/forecasts' },
    render_dev: {
      tier: 'staging',
      badge: { label: 'DEV', colour: 'yellow' },
      internal: { variable: 'RENDER_DEV_INTERNAL_URL' },
      external: { variable: 'RENDER_DEV_EXTERNAL_URL' },
    },
    render_prod: {
      tier: 'production',
      internal: { variable: 'RENDER_PROD_INTERNAL_URL' },
      external: { variable: 'RENDER_PROD_EXTERNAL_URL' },
    },
  },
  select: {
    variables: ['DATABASE_TARGET', 'ENVIRONMENT'],
    platforms: { render: { variable: 'RENDER', environment: 'render_dev' } },
    default: 'local',
  },
  consent: { platform: 'render' },
})
