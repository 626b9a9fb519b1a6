// Creates the demo data once, before all tests. Each test's server copies it.
import { rm } from 'node:fs/promises';

import { newDataDir, ostrakon } from './server.js';

export default async function makeDemoData(): Promise<() => Promise<void>> {
  const dataDir = await newDataDir();
  await ostrakon(dataDir, 'migrate');
  // The same dates in every run.
  await ostrakon(dataDir, 'demo', '--until', '2026-11-01');
  process.env['DEMO_DATA_DIR'] = dataDir;
  return () => rm(dataDir, { recursive: true });
}
