import tests from './playwright.config.js';

// One page at a time: Lighthouse measures.
export default { ...tests, testDir: '.', testMatch: 'lighthouse.ts', projects: [{}], workers: 1, timeout: 600_000 };
