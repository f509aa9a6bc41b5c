import config from '../presets/one-program.ts'
import { selections } from './selections.ts'

const urls = {
  RENDER_DEV_INTERNAL_URL: 'postgresql://dev:a@dpg-dev/forecasts',
  RENDER_DEV_EXTERNAL_URL: 'postgresql://dev:a@dpg-dev.render.example/forecasts',
  RENDER_PROD_INTERNAL_URL: 'postgresql://live:b@dpg-prod/forecasts',
  RENDER_PROD_EXTERNAL_URL: 'postgresql://live:b@dpg-prod.render.example/forecasts',
}

selections(config, [
  ['mode 1: local', { variables: urls }, '[DEV] localhost:5432/forecasts (default)'],
  [
    'mode 2: local against remote development, from outside',
    { variables: { ...urls, DATABASE_TARGET: 'RENDER_DEV' } },
    '[DEV] dpg-dev.render.example:5432/forecasts (DATABASE_TARGET=RENDER_DEV)',
  ],
  [
    'mode 3: a scheduled job on the platform, inferred',
    { variables: { ...urls, RENDER: 'true' } },
    '[DEV] dpg-dev:5432/forecasts (RENDER=true)',
  ],
  [
    'mode 4: the production service, explicitly',
    { variables: { ...urls, RENDER: 'true', DATABASE_TARGET: 'render_prod' } },
    '[PROD] dpg-prod:5432/forecasts (DATABASE_TARGET=render_prod)',
  ],
  [
    'on the platform without an internal URL: the external one, and it is said',
    { variables: { RENDER_DEV_EXTERNAL_URL: urls.RENDER_DEV_EXTERNAL_URL, RENDER: 'true' } },
    '[DEV] dpg-dev.render.example:5432/forecasts (RENDER=true) ! render_dev has no internal address: its external one is used on RENDER',
  ],
  ['on the platform with neither', { variables: { RENDER: 'true' } }, 'ENVIRONMENT_WITHOUT_URL'],
  [
    'elsewhere an internal URL leads nowhere',
    { variables: { RENDER_DEV_INTERNAL_URL: urls.RENDER_DEV_INTERNAL_URL, DATABASE_TARGET: 'render_dev' } },
    'ENVIRONMENT_WITHOUT_URL',
  ],
  ['an unknown target', { variables: { ...urls, DATABASE_TARGET: 'render_staging' } }, 'ENVIRONMENT_UNKNOWN'],
  [
    'two variables that disagree',
    { variables: { ...urls, DATABASE_TARGET: 'local', ENVIRONMENT: 'render_prod' } },
    'ENVIRONMENT_CONTRADICTION',
  ],
])
