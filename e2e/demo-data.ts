// Creates the demo data once, before all tests. Each test's server copies it.
import { rm } from 'node:fs/promises';

import { newDataDir, ostrakon } from './server.js';

export default async function makeDemoData(): Promise<() => Promise<void>> {
  const dataDir = await newDataDir();
  await ostrakon(dataDir, 'migrate');
  await ostrakon(dataDir, 'demo');
  process.env['DEMO_DATA_DIR'] = dataDir;
  return () => rm(dataDir, { recursive: true });
}
