import seedbed from '@seedbed/vitest/plugin'
import { defineConfig } from 'vitest/config'

export default defineConfig({ plugins: [seedbed()] })
