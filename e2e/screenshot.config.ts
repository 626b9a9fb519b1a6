import tests from './playwright.config.js';

export default { ...tests, testDir: '.', testMatch: 'screenshot.ts', projects: [{}] };
