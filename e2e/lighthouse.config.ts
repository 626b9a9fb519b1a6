import tests from './playwright.config.js';

// One page at a time, because Lighthouse measures times.
export default { ...tests, testDir: '.', testMatch: 'lighthouse.ts', projects: [{}], workers: 1, timeout: 600_000 };
