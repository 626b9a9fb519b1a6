import { defineConfig, devices } from '@playwright/test';

export default defineConfig({
  testDir: 'specs',
  outputDir: 'results',
  globalSetup: './demo-data.ts',
  fullyParallel: true,
  forbidOnly: true,
  // A test that passes only sometimes is broken, and so is what it tests.
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
      // Nothing of the browser's own on the network, no sandbox for the root user of CI machines.
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
      // Nothing in these depends on the screen.
      testIgnore: [
        'accounts.spec.ts',
        'delivery.spec.ts',
        'forms.spec.ts',
        'inert.spec.ts',
        'keyboard.spec.ts',
        'moderation.spec.ts',
        'own-review.spec.ts',
        'review.spec.ts',
        'trouble.spec.ts',
      ],
      use: devices['Pixel 7'],
    },
  ],
});
