import { defineConfig, devices } from '@playwright/test';

export default defineConfig({
  testDir: 'specs',
  outputDir: 'results',
  globalSetup: './demo-data.ts',
  fullyParallel: true,
  forbidOnly: true,
  // A test that fails only sometimes shows a fault, in the test or in the app.
  retries: 0,
  workers: 2,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: 'list',
  use: {
    locale: 'en-GB',
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: '/usr/bin/chromium',
      // No background requests of the browser; no sandbox, as CI machines run it as root.
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--no-first-run',
      ],
    },
  },
  projects: [
    { name: 'desktop', use: { viewport: { width: 1280, height: 800 } } },
    {
      name: 'phone',
      // These don't depend on the screen.
      testIgnore: [
        'accounts.spec.ts',
        'delivery.spec.ts',
        'drafts.spec.ts',
        'docs.spec.ts',
        'forms.spec.ts',
        'inert.spec.ts',
        'keyboard.spec.ts',
        'layout.spec.ts',
        'lists.spec.ts',
        'moderation.spec.ts',
        'own-review.spec.ts',
        'review.spec.ts',
        'tabs.spec.ts',
        'trouble.spec.ts',
      ],
      use: devices['Pixel 7'],
    },
  ],
});
